//! What all routes need from the web: forms, cookies, protection against CSRF, outcomes of callbacks, replies.

mod redaction;
mod request_line;
mod form;
mod cookies;
mod guard_failure;
mod language;
mod reply;
mod flash_outcome;
mod scope_request;
mod outcome;
pub(super) mod csrf;
pub(super) mod flow_cookies;
mod cookie_budget;
mod make_room;

pub(super) use cookie_budget::fits_in_response;
pub(super) use cookies::{account_cookies, remove_cookie, set_cookie, sets_our_cookie};
pub(crate) use csrf::{AnswerOrigin, answer_origin};
pub(super) use flash_outcome::{FlashOutcome, flash_outcome};
pub(super) use form::{Form, query_param, read_fields, read_form};
pub(crate) use guard_failure::{guard_failure, store_guard_failure};
pub(super) use language::language;
pub(super) use make_room::make_room;
pub(super) use outcome::Outcome;
pub(crate) use reply::{Reply, error_json, respond, wants_json};
pub(super) use reply::{answer_in_json, done, page};
pub(super) use request_line::{callback_query, is_head, note_request_line};
pub(crate) use scope_request::with_missing_scopes;
pub(super) use scope_request::{read_scope_field, scope_field, with_scopes};

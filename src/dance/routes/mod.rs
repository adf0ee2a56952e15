//! The routes, one file each. The handlers are functions over `&Dance` and `&Request`.

mod failure;
mod sign_in;
mod signed_out;
mod begin;
mod finish;
mod callback;
mod form_post;
mod accounts;
mod me;
mod native;
mod confirm;
mod complete_sign_up;
mod merge_users;
mod disconnect;
mod primary;
mod provider_logout;
mod logout;
mod backchannel_logout;
mod mount;
mod hidden_routes;

pub(super) use hidden_routes::warn_of_hidden_routes;
pub(super) use mount::mount;
pub(crate) use provider_logout::{backchannel_logout_uri, post_logout_redirect_uri};

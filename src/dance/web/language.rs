//! The language of the pages for a request.

use rocket::Request;

use crate::dance::handle::Dance;
use crate::page::Language;

/// The language that the visitor wants most, of those that the pages have.
pub(crate) fn language<'d>(dance: &'d Dance, request: &Request<'_>) -> &'d Language {
    let headers: Vec<&str> = request.headers().get("Accept-Language").collect();
    dance.pages().language(&headers.join(","))
}

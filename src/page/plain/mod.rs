//! The pages of a build without the feature `pages`: the same texts and forms as those of the templates, without their look.

mod plain_pages;
mod writer;

pub(super) use self::plain_pages::PlainPages;

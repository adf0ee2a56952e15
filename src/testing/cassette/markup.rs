//! The secrets in the elements of XML.

use super::secret_names::{SCRUBBED, is_secret_element};

/// Scrubs all that is in the elements of `text` whose names say that they are secrets.
pub(super) fn scrub_elements(mut text: &str) -> String {
    let mut scrubbed = String::new();
    while let Some((before, element)) = text.split_once('<') {
        scrubbed.extend([before, "<"]);
        text = element;
        if let Some((tag, end)) = secret(element) {
            scrubbed.extend([tag, ">", SCRUBBED]);
            text = end;
        }
    }
    scrubbed + text
}

/// Splits an element with a secret into its first tag, and its last tag and what follows.
fn secret(element: &str) -> Option<(&str, &str)> {
    let name = element.split(|c: char| c.is_whitespace() || "/>".contains(c)).next()?;
    let (tag, content) = element.split_once('>')?;
    let end = content.find(&format!("</{name}"))?;
    let local_name = name.rsplit(':').next()?;
    let is_secret = is_secret_element(local_name) && !tag.ends_with('/') && !content[..end].trim().is_empty();
    is_secret.then(|| (tag, &content[end..]))
}

//! Where to go afterwards: paths of this app, and nothing that a browser could read as another place.

use rocket::http::RawStr;
use url::Url;

/// What `next` may be long, in bytes: it travels in a cookie.
const LONGEST: usize = 2048;

/// How often `next` may be encoded: honest ones are once or twice, and each round costs as much again.
const ROUNDS: usize = 4;

/// `next` as the path and query of a page at `base`, if a browser could not be led elsewhere by it.
///
/// What is accepted stays as it is, but for characters that don't belong into a URL (they are percent-encoded) and a
/// fragment (dropped: it never reached the server of a page that somebody came from).
pub(crate) fn local_path(next: &str, base: &Url) -> Option<String> {
    // Browsers take `\` for `/` and skip tabs and line breaks, wherever they stand (WHATWG URL §4.4).
    let unsafe_char = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if next.len() > LONGEST || !next.starts_with('/') || next.contains(unsafe_char) {
        return None;
    }
    let local = next.split('#').next()?;
    let path = local.split('?').next()?;
    if base.join(local).ok()?.origin() != base.origin() {
        return None;
    }
    harmless(path, base).then(|| encoded(local))
}

/// Whether `path` is one of our own routes under `prefix`, as which going there would sign out, begin or repeat a
/// dance. The pages of the connected accounts, and of one that waits to be, are fine places to go.
pub(crate) fn is_ours(path: &str, prefix: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (path, prefix) = (segments(path), segments(prefix));
    path.starts_with(&prefix)
        && !matches!(&path[prefix.len()..], [page] if ["accounts", "confirm"].contains(&page.as_str()))
}

/// Whether `path` stays a plain path however often somebody on its way decodes it.
fn harmless(path: &str, base: &Url) -> bool {
    let mut path = path.to_owned();
    for _ in 0..=ROUNDS {
        let mut url = base.clone();
        url.set_path(&path);
        // `/.//e` is `//e` once its dots are gone, and that is another host.
        if path.starts_with("//")
            || url.path().starts_with("//")
            || path.contains(|c: char| c.is_control() || c == '\\')
        {
            return false;
        }
        match RawStr::new(&path).percent_decode() {
            Err(_) => return false,
            Ok(decoded) if decoded == path => return true,
            Ok(decoded) => path = decoded.into_owned(),
        }
    }
    false
}

/// The names on the way to `path`, decoded, without dots.
fn segments(path: &str) -> Vec<String> {
    let mut path = path.to_owned();
    while let Ok(decoded) = RawStr::new(&path).percent_decode()
        && decoded != path
    {
        path = decoded.into_owned();
    }
    let mut segments: Vec<String> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment.to_owned()),
        }
    }
    segments
}

/// `local` with everything percent-encoded that RFC 3986 keeps out of paths and queries.
fn encoded(local: &str) -> String {
    let mut out = String::with_capacity(local.len());
    for byte in local.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte) {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests;

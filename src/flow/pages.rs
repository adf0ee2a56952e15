//! Answers of an API that come in pages.

use http::HeaderMap;
use http::header::LINK;
use url::Url;

/// Maximum number of pages that are fetched of one answer.
pub(super) const MAX_PAGES: u32 = 5;

/// Returns the URL of the page after that of `url`: the link with the relation `next`, if it has the same origin.
pub(super) fn next_page(headers: &HeaderMap, url: &Url) -> Option<Url> {
    let lines = headers.get_all(LINK).iter().filter_map(|line| line.to_str().ok());
    // A comma in a URL makes two parts of it, of which neither begins with `<` and ends with `>`.
    let mut links = lines.flat_map(|line| line.split(',')).filter_map(|link| link.trim().split_once(';'));
    let is_next = |parameters: &str| {
        let mut parameters = parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
        parameters.any(|(name, value)| {
            name.eq_ignore_ascii_case("rel")
                && value
                    .trim_matches('"')
                    .split_ascii_whitespace()
                    .any(|relation| relation.eq_ignore_ascii_case("next"))
        })
    };
    let (target, _) = links.find(|(_, parameters)| is_next(parameters))?;
    let target = target.trim().strip_prefix('<')?.strip_suffix('>')?;
    url.join(target).ok().filter(|next| next.origin() == url.origin() && next != url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r15_the_next_page_is_on_the_same_host() {
        let url = Url::parse("https://api.example/user/emails").unwrap();
        let next = |link: &str| {
            let headers = [(LINK, link.parse().unwrap())].into_iter().collect();
            next_page(&headers, &url).map(String::from)
        };
        for link in [
            "<https://api.example/user/emails?page=2>; rel=\"next\", <https://api.example/user/emails?page=9>; rel=\"last\"",
            "<?page=1>; rel=prev, <?page=2>; title=x; REL=\"last Next\"",
        ] {
            assert_eq!(next(link).as_deref(), Some("https://api.example/user/emails?page=2"), "{link}");
        }
        for link in [
            "<https://evil.example/?page=2>; rel=next",
            "<http://api.example/user/emails?page=2>; rel=next",
            "<https://api.example/user/emails>; rel=next",
            "<?page=2>; rel=last",
            "?page=2; rel=next",
            "next",
        ] {
            assert_eq!(next(link), None, "{link}");
        }
    }
}

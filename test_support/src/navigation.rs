//! [`Navigation`]: how a browser reaches a page, which decides the cookies that it sends.

use url::{Host, Url};

/// How a browser reaches a page (RFC 6265bis, section "Same-site and cross-site Requests").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Navigation {
    /// The user types the address, or the page that leads there is of the same site.
    SameSite,
    /// A link or a redirect leads there, and a page of another site is among those on the way.
    CrossSite,
    /// The form of a page of another site is posted there.
    CrossSitePost,
}

impl Navigation {
    /// How a browser reaches `url` over the pages and redirects of `way`. `is_post`: it posts a form.
    pub fn over(way: &[Url], url: &Url, is_post: bool) -> Self {
        match (way.iter().all(|page| is_same_site(page, url)), is_post) {
            (true, _) => Self::SameSite,
            (false, false) => Self::CrossSite,
            (false, true) => Self::CrossSitePost,
        }
    }
}

/// Whether both URLs are of one site: the same scheme and the same registrable domain, whatever the port. A registrable
/// domain has two labels here.
fn is_same_site(one: &Url, other: &Url) -> bool {
    let site = |url: &Url| match url.host() {
        Some(Host::Domain(domain)) => {
            let labels: Vec<_> = domain.rsplit('.').take(2).collect();
            labels.join(".")
        }
        host => host.map(|host| host.to_string()).unwrap_or_default(),
    };
    one.scheme() == other.scheme() && site(one) == site(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_of_another_site_on_the_way_is_enough() {
        let url = |text: &&str| Url::parse(text).unwrap();
        let over = |way: &[&str], is_post| {
            Navigation::over(
                &way.iter().map(url).collect::<Vec<_>>(),
                &url(&"https://app.example.com/"),
                is_post,
            )
        };
        assert_eq!(over(&[], false), Navigation::SameSite);
        assert_eq!(over(&["https://a.example.com:8443/"], true), Navigation::SameSite);
        assert_eq!(
            over(&["https://provider.org/", "https://app.example.com/"], false),
            Navigation::CrossSite
        );
        assert_eq!(over(&["http://app.example.com/"], true), Navigation::CrossSitePost);
    }
}

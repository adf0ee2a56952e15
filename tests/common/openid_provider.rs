//! The certified OpenID provider of `tests/peers/oidc_provider`, and the way through its pages.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use url::Origin;

use super::peer::Peer;
use super::process::root;
use test_support::{Browser, Page};

/// The running provider.
#[derive(Debug)]
pub(crate) struct Provider(Peer);

impl Deref for Provider {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.0
    }
}

pub(crate) const CLIENT_ID: &str = "rider";
pub(crate) const CLIENT_SECRET: &str = "GnuSTWmJdpxVjQ6tcLNkFh3ZzRyb27Ma";

/// The file with the client's key, for a provider that requires `private_key_jwt`.
pub(crate) fn key_file(folder: &Path) -> PathBuf {
    folder.join("client.pem")
}

impl Provider {
    /// Starts the provider on a free port. `access_token_ttl` is in seconds.
    pub(crate) fn start(folder: &Path, redirect_uris: &[String], access_token_ttl: u32) -> Self {
        Self::start_with(folder, redirect_uris, access_token_ttl, &[])
    }

    /// Starts the provider with further settings, as environment variables.
    pub(crate) fn start_with(
        folder: &Path,
        redirect_uris: &[String],
        access_token_ttl: u32,
        settings: &[(&str, &str)],
    ) -> Self {
        let home = root().join("tests/peers/oidc_provider");
        assert!(home.join("node_modules").is_dir(), "first: cd {} && npm ci", home.display());
        Self(Peer::start(
            Command::new("node")
                .arg("server.mjs")
                .current_dir(home)
                .env("PORT", "0")
                .env("CLIENT_ID", CLIENT_ID)
                .env("CLIENT_SECRET", CLIENT_SECRET)
                .env("REDIRECT_URIS", redirect_uris.join(" "))
                .env("ACCESS_TOKEN_TTL", access_token_ttl.to_string())
                .env("CLIENT_KEY_FILE", key_file(folder))
                .envs(settings.iter().copied())
                .env_remove("NODE_OPTIONS"),
            &folder.join("provider.log"),
        ))
    }

    /// The issuer identifier.
    pub(crate) fn issuer(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// Signs in as `user` and consents on the provider's pages. Returns the first page that is not the provider's.
    pub(crate) async fn consent(&self, browser: &mut Browser, page: Page, user: &str) -> Page {
        self.walk(&self.url.origin(), browser, page, user, None).await
    }

    /// As [`consent`](Self::consent), for a provider behind a proxy at `origin`.
    pub(crate) async fn consent_at(
        &self,
        origin: &Origin,
        browser: &mut Browser,
        page: Page,
        user: &str,
    ) -> Page {
        self.walk(origin, browser, page, user, None).await
    }

    /// As [`consent`](Self::consent), but clicks "Cancel" on the consent page.
    pub(crate) async fn deny(&self, browser: &mut Browser, page: Page, user: &str) -> Page {
        self.walk(&self.url.origin(), browser, page, user, Some("Cancel")).await
    }

    async fn walk(
        &self,
        origin: &Origin,
        browser: &mut Browser,
        mut page: Page,
        user: &str,
        cancel: Option<&str>,
    ) -> Page {
        for _ in 0..6 {
            if page.location().is_some() || page.url.origin() != *origin {
                return page;
            }
            let html = page.html();
            let form =
                html.forms.first().unwrap_or_else(|| panic!("no form at {}:\n{}", page.url, page.body));
            if form.field("login").is_some() {
                page = browser.submit(&page, form, &[("login", user), ("password", "any")]).await;
                continue;
            }
            let no = cancel.and_then(|word| html.links.iter().find(|link| link.text.contains(word)));
            page = match no {
                Some(link) => browser.open(&page.url.join(&link.href).unwrap()).await,
                // The consent form, or the form of `form_post`.
                None => browser.submit(&page, form, &[]).await,
            };
        }
        panic!("the provider doesn't let go: {:#?}", browser.trail);
    }
}

//! The OAuth 1.0a provider of `tests/peers/oauthlib`, where oauthlib verifies each signature.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::peer::Peer;
use super::process::root;
use test_support::KnownSecret;
use test_support::{Browser, Page};

/// The running provider.
#[derive(Debug)]
pub(crate) struct OAuth1Provider {
    peer: Peer,
    method: &'static str,
    rsa_key: PathBuf,
}

/// oauthlib requires 20 to 30 letters and digits.
const CLIENT_KEY: &str = "dpf43f3p2l4k3l03Rider";
/// It contains characters that are encoded twice in a signature base string.
const CLIENT_SECRET: &str = "kd94hf93k423kf44 &=+%~ü";
/// The client's private key.
const RSA_KEY: &[u8] = include_bytes!("../fixtures/rsa2048.pk8");

impl Deref for OAuth1Provider {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

impl OAuth1Provider {
    /// Starts the provider on a free port. It accepts only the signature method `method`.
    pub(crate) fn start(folder: &Path, method: &'static str, callback: &str) -> Self {
        let rsa_key = folder.join("client.pem");
        std::fs::write(&rsa_key, pem()).unwrap();
        let peer = Peer::start(
            // Debian's Python finds Debian's oauthlib.
            Command::new("/usr/bin/python3")
                .arg(root().join("tests/peers/oauthlib/server.py"))
                .env("PORT", "0")
                .env("CLIENT_KEY", CLIENT_KEY)
                .env("CLIENT_SECRET", CLIENT_SECRET)
                .env("RSA_KEY", &rsa_key)
                .env("SIGNATURE_METHOD", method)
                .env("CALLBACKS", callback),
            &folder.join("provider.log"),
        );
        Self { peer, method, rsa_key }
    }

    /// The TOML of an entry for this provider, in one line.
    pub(crate) fn entry(&self) -> String {
        self.entry_with(&match self.method {
            "RSA-SHA1" => format!("rsa_key_file={:?}", self.rsa_key),
            _ => format!("client_secret={CLIENT_SECRET:?}"),
        })
    }

    /// The TOML of an entry with other credentials, in one line.
    pub(crate) fn entry_with(&self, credentials: &str) -> String {
        let at = |path: &str| self.url.join(path).unwrap().to_string();
        format!(
            "{{provider=\"oauth1\",signature_method={:?},client_id={CLIENT_KEY:?},{credentials},\
             request_token_url={:?},authorization_url={:?},access_token_url={:?},userinfo_url={:?},\
             api_base_url={:?},token_params={{x_auth_access_type=\"read + write: ü~\"}},\
             profile={{id=\"id\",name=\"name\"}}}}",
            self.method,
            at("/temporary?lang=de&%7E=a+b"),
            at("/authorize"),
            at("/token?lang=de"),
            // The parameters have another order after encoding, and one has an empty value.
            at("/api/me?include=%7E&include=%C3%BC&include=&a=b+c%20d%2Be"),
            at("/api/"),
        )
    }

    /// Approves as `user` on the provider's page, and follows redirects.
    pub(crate) async fn allow(&self, browser: &mut Browser, page: &Page, user: &str) -> Page {
        self.decide(browser, page, user, "allow").await
    }

    /// Denies as `user` on the provider's page, and follows redirects.
    pub(crate) async fn deny(&self, browser: &mut Browser, page: &Page, user: &str) -> Page {
        self.decide(browser, page, user, "deny").await
    }

    async fn decide(&self, browser: &mut Browser, page: &Page, user: &str, decision: &str) -> Page {
        assert_eq!(page.url.origin(), self.url.origin(), "{}", page.body);
        browser.submit(page, &page.form("/authorize"), &[("user", user), ("decision", decision)]).await
    }

    /// Every secret so far, including the client's key.
    pub(crate) async fn hidden(&self) -> Vec<KnownSecret> {
        let mut hidden = self.secrets().await;
        // A line in the middle: the first lines are the same in every key.
        let line = pem().lines().nth(5).unwrap().to_owned();
        hidden.push(KnownSecret::new("private key", line));
        hidden
    }
}

/// The client's private key in PEM format.
fn pem() -> String {
    let text = STANDARD.encode(RSA_KEY);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

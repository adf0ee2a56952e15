//! The OAuth 1.0a provider of `tests/peers/oauthlib`, where oauthlib says whether a request is signed rightly.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::peer::Peer;
use super::process::root;
use test_support::KnownSecret;
use test_support::{Browser, Page};

/// The provider, running.
#[derive(Debug)]
pub(crate) struct OAuth1Provider {
    peer: Peer,
    method: &'static str,
    rsa_key: PathBuf,
}

/// oauthlib wants 20 to 30 letters and digits.
const CLIENT_KEY: &str = "dpf43f3p2l4k3l03Rider";
/// With characters that are encoded twice on their way into a signature.
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
    /// Starts it on a free port: it takes signatures by `method` and no other.
    pub(crate) fn start(folder: &Path, method: &'static str, callback: &str) -> Self {
        let rsa_key = folder.join("client.pem");
        std::fs::write(&rsa_key, pem()).unwrap();
        let peer = Peer::start(
            // Debian's, which has Debian's oauthlib.
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

    /// The TOML of an entry, in one line.
    pub(crate) fn entry(&self) -> String {
        self.entry_with(&match self.method {
            "RSA-SHA1" => format!("rsa_key_file={:?}", self.rsa_key),
            _ => format!("client_secret={CLIENT_SECRET:?}"),
        })
    }

    /// The same with these credentials instead of its own.
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
            // Sorted only once encoded, and with an empty value.
            at("/api/me?include=%7E&include=%C3%BC&include=&a=b+c%20d%2Be"),
            at("/api/"),
        )
    }

    /// Answers the provider's page: `user` says yes. Follows to the first page that is not the provider's.
    pub(crate) async fn allow(&self, browser: &mut Browser, page: &Page, user: &str) -> Page {
        self.decide(browser, page, user, "allow").await
    }

    /// As [`allow`](Self::allow), but `user` says no.
    pub(crate) async fn deny(&self, browser: &mut Browser, page: &Page, user: &str) -> Page {
        self.decide(browser, page, user, "deny").await
    }

    async fn decide(&self, browser: &mut Browser, page: &Page, user: &str, decision: &str) -> Page {
        assert_eq!(page.url.origin(), self.url.origin(), "{}", page.body);
        browser.submit(page, &page.form("/authorize"), &[("user", user), ("decision", decision)]).await
    }

    /// Every value that must not be seen elsewhere, the client's key among them.
    pub(crate) async fn hidden(&self) -> Vec<KnownSecret> {
        let mut hidden = self.secrets().await;
        // One of its lines, behind those that every key begins with.
        let line = pem().lines().nth(5).unwrap().to_owned();
        hidden.push(KnownSecret::new("private key", line));
        hidden
    }
}

/// The client's private key as text.
fn pem() -> String {
    let text = STANDARD.encode(RSA_KEY);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

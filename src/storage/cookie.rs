//! Keeps each browser's accounts in its own cookies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::local::lock;
use super::{Key, KeyRing, Linked, Record, Storage, link_by};
use crate::error::{Error, ErrorKind, Result};
use crate::link::{Arrival, Purpose, Standing, Verdict};

/// Keeps each browser's accounts in that browser, sealed, in one cookie per entry: for trying out, and the default when
/// no storage is named.
#[derive(Debug, Clone, Copy, Default)]
pub struct CookieStorage;

const PURPOSE: &str = "account cookie";

/// What browsers keep of a cookie: name, value and attributes (RFC 6265 §6.1).
const LIMIT: usize = 4096;

/// What `=` and the attributes take, at most: `; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=…; Expires=…`.
const ATTRIBUTES: usize = 128;

/// The accounts of one browser during one request: read from its cookies, written back with the response.
pub(crate) struct Browser {
    prefix: String,
    keys: Arc<KeyRing>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By entry.
    records: BTreeMap<String, Record>,
    /// By cookie name.
    changes: BTreeMap<String, Option<String>>,
}

impl Browser {
    /// The accounts in these cookies (name, value) whose names begin with `prefix`; what can't be opened is absent.
    pub(crate) fn new<'c>(
        prefix: &str,
        cookies: impl Iterator<Item = (&'c str, &'c str)>,
        keys: Arc<KeyRing>,
    ) -> Self {
        let open = |(name, sealed): (&str, &str)| {
            let entry = name.strip_prefix(prefix)?;
            let plain = keys.open(PURPOSE, &[name], sealed).ok()?;
            let record: Record = serde_json::from_slice(&plain).ok()?;
            (record.entry == entry).then(|| (entry.to_owned(), record))
        };
        let state = State { records: cookies.filter_map(open).collect(), changes: BTreeMap::new() };
        Self { prefix: prefix.to_owned(), keys, state: Mutex::new(state) }
    }

    /// The cookies to write (name, value; none removes it), once.
    pub(crate) fn changes(&self) -> Vec<(String, Option<String>)> {
        std::mem::take(&mut lock(&self.state).changes).into_iter().collect()
    }

    fn name(&self, entry: &str) -> String {
        format!("{}{entry}", self.prefix)
    }

    /// `record` as the value of its cookie, if it fits.
    fn seal(&self, record: &Record) -> Result<Option<String>> {
        let name = self.name(&record.entry);
        let plain = serde_json::to_vec(record).map_err(Error::app)?;
        let sealed = self.keys.seal(PURPOSE, &[&name], &plain)?;
        Ok((name.len() + sealed.len() + ATTRIBUTES <= LIMIT).then_some(sealed))
    }
}

#[rocket::async_trait]
impl Storage for Browser {
    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        // What another user left in this browser is not this user's: `is_under` compares the owner.
        Ok(lock(&self.state).records.get(key.entry()).filter(|record| record.is_under(key)).cloned())
    }

    async fn set(&self, record: &Record) -> Result<()> {
        let mut record = record.clone();
        let mut sealed = self.seal(&record)?;
        if sealed.is_none() {
            // The one part that can be asked for again.
            record.userinfo = "null".into();
            sealed = self.seal(&record)?;
        }
        let Some(sealed) = sealed else {
            return Err(Error::new(
                ErrorKind::Config,
                "This app could not keep the account. Please tell the people who run this site.",
            )
            .because(format!(
                "the token of entry `{}` is too large for a cookie ({LIMIT} bytes): use DieselStorage \
                 instead of CookieStorage",
                record.entry
            )));
        };
        let mut state = lock(&self.state);
        state.changes.insert(self.name(&record.entry), Some(sealed));
        state.records.insert(record.entry.clone(), record);
        Ok(())
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let mut state = lock(&self.state);
        if state.records.get(key.entry()).is_some_and(|record| record.is_under(key)) {
            state.records.remove(key.entry());
            state.changes.insert(self.name(key.entry()), None);
        }
        Ok(())
    }

    /// The accounts are the browser's own: where nobody has to be signed in, a stranger keeps his.
    async fn link(&self, arrival: &Arrival, keys: &KeyRing) -> Result<Linked> {
        if arrival.purpose == Purpose::Site {
            return Err(Error::new(
                ErrorKind::Config,
                "This app could not keep the account. Please tell the people who run this site.",
            )
            .because("the site's account can't be kept in a visitor's cookie: use DieselStorage"));
        }
        link_by(self, arrival, keys, |login| match login.standing {
            Standing::Stranger if !arrival.user_required => Ok(Verdict::Keep),
            _ => Ok(login.usual()),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::suite;

    fn keys() -> Arc<KeyRing> {
        Arc::new(suite::keys())
    }

    fn reload(browser: &Browser, rename: impl Fn(&str) -> String) -> Browser {
        let cookies: Vec<_> =
            browser.changes().into_iter().filter_map(|(name, value)| Some((rename(&name), value?))).collect();
        Browser::new("a_", cookies.iter().map(|(name, value)| (name.as_str(), value.as_str())), keys())
    }

    #[rocket::async_test]
    async fn comes_back_with_the_next_request() {
        let browser = Browser::new("a_", [("a_x", "damaged"), ("b", "v1.")].into_iter(), keys());
        let record = suite::record("github", Some("1"), Some("7"));
        browser.set(&record).await.unwrap();
        let again = reload(&browser, str::to_owned);
        assert!(browser.changes().is_empty(), "once");
        let mine = Key::owner("github", "7");
        assert_eq!(again.get(&mine).await.unwrap().as_ref(), Some(&record));
        assert_eq!(again.get(&Key::owner("github", "8")).await.unwrap(), None);
        assert_eq!(again.get(&Key::Owner { entry: "github".into(), user: None }).await.unwrap(), None);
        again.delete(&Key::owner("github", "8")).await.unwrap();
        assert!(again.changes().is_empty());
        again.delete(&mine).await.unwrap();
        assert_eq!(again.changes(), [("a_github".to_owned(), None)]);
        assert_eq!(again.get(&mine).await.unwrap(), None);
    }

    #[rocket::async_test]
    async fn a_renamed_cookie_does_not_open() {
        let browser = Browser::new("a_", std::iter::empty(), keys());
        browser.set(&suite::record("github", Some("1"), Some("7"))).await.unwrap();
        let moved = reload(&browser, |_| "a_gitlab".into());
        assert!(lock(&moved.state).records.is_empty());
    }

    #[rocket::async_test]
    async fn too_large_is_said_and_only_userinfo_left_out() {
        let browser = Browser::new("a_", std::iter::empty(), keys());
        let mut record = suite::record("github", Some("1"), Some("7"));
        record.userinfo = format!("\"{}\"", "x".repeat(4000));
        browser.set(&record).await.unwrap();
        let kept = browser.get(&record.key()).await.unwrap().unwrap();
        assert_eq!(kept, Record { userinfo: "null".into(), ..record.clone() });
        let (name, value) = browser.changes().remove(0);
        assert!(name.len() + value.unwrap().len() + ATTRIBUTES <= LIMIT);

        record.token = "x".repeat(3000);
        let error = browser.set(&record).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(format!("{error:?}").contains("use DieselStorage"));
        assert!(browser.changes().is_empty());
        assert_eq!(browser.get(&record.key()).await.unwrap(), Some(kept));
    }

    #[rocket::async_test]
    async fn a_stranger_keeps_his_where_nobody_has_to_be_signed_in() {
        let browser = Browser::new("a_", std::iter::empty(), keys());
        let mut arrival = suite::arrival("github", Some("1"), None);
        let linked = browser.link(&arrival, &keys()).await.unwrap();
        assert_eq!((linked.user, linked.record.user_id), (None, None));
        arrival.user_required = true;
        arrival.profile.id = Some("2".into());
        assert_eq!(browser.link(&arrival, &keys()).await.unwrap_err().kind(), ErrorKind::Refused);
        arrival.purpose = Purpose::Site;
        assert_eq!(browser.link(&arrival, &keys()).await.unwrap_err().kind(), ErrorKind::Config);
    }
}

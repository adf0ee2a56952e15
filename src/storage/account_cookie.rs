//! The plain content of a cookie that holds an account: its JSON, and its sealed token as bytes. Within the JSON the token
//! would be base64 twice, and a third longer.

use super::{Account, KeyRing};
use crate::error::{Error, Result};

/// The byte between the JSON and the token. JSON never contains it.
const SEPARATOR: u8 = 0;

/// Returns the content of the cookie of `account`.
///
/// # Errors
/// If the account can't be serialized.
pub(super) fn pack(account: &Account) -> Result<Vec<u8>> {
    let json = |account: &Account| serde_json::to_vec(account).map_err(Error::app);
    let Some(token) = KeyRing::sealed_to_bytes(&account.token) else { return json(account) };
    let without_token = json(&Account { token: String::new(), ..account.clone() })?;
    Ok([&without_token[..], &[SEPARATOR], &token].concat())
}

/// Returns the account of a cookie with this content. `None` if it holds none.
pub(super) fn unpack(content: &[u8]) -> Option<Account> {
    let Some(at) = content.iter().position(|byte| *byte == SEPARATOR) else {
        return serde_json::from_slice(content).ok();
    };
    let account: Account = serde_json::from_slice(&content[..at]).ok()?;
    Some(Account { token: KeyRing::sealed_from_bytes(&content[at + 1..])?, ..account })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::suite;

    #[test]
    fn an_account_comes_back_and_is_shorter_than_its_json() {
        let account = suite::account("github", Some("1"), Some("7"));
        let packed = pack(&account).unwrap();
        assert_eq!(unpack(&packed), Some(account.clone()));
        assert!(packed.len() + account.token.len() / 4 < serde_json::to_vec(&account).unwrap().len() + 20);
        let unsealed = Account { token: "not sealed".into(), ..account };
        assert_eq!(unpack(&pack(&unsealed).unwrap()), Some(unsealed));
    }

    #[test]
    fn what_is_no_account_is_none() {
        let packed = pack(&suite::account("github", Some("1"), Some("7"))).unwrap();
        let end = packed.iter().position(|byte| *byte == SEPARATOR).unwrap();
        for broken in
            [&packed[..0], &packed[..end], &packed[..=end], &packed[..end + 8], &packed[end..], &[0, 0]]
        {
            assert!(unpack(broken).is_none_or(|account| account.token.is_empty()), "{broken:?}");
        }
    }
}

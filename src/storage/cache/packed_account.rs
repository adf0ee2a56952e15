//! `PackedAccount`: an account in few bytes.

use crate::secret::{decode_base64url, encode_base64url};
use crate::storage::Account;

/// An [`Account`] in one allocation, its token sealed. As it is, with two dozen allocations, an account takes twice as much.
pub(super) struct PackedAccount(Box<[u8]>);

impl PackedAccount {
    pub(super) fn new(account: &Account) -> Self {
        let Account { id, rank, expires_at, created_at, updated_at, version, email_verified, .. } = account;
        let mut bytes = Vec::new();
        for number in [*id, i64::from(*rank), *created_at, *updated_at, *version, expires_at.unwrap_or(0)] {
            // Zigzag encoding: the sign is the last bit, so that small numbers are short.
            put_number(&mut bytes, ((number << 1) ^ (number >> 63)) as u64);
        }
        bytes.push(u8::from(*email_verified) | u8::from(expires_at.is_some()) << 1);
        // The end of a sealed token is base64, which is a third longer than the bytes it encodes.
        let (head, body) = account.token.rsplit_once('.').unwrap_or((&account.token, ""));
        match decode_base64url(body).filter(|raw| !raw.is_empty() && encode_base64url(raw) == body) {
            Some(raw) => {
                put(&mut bytes, Some(head.as_bytes()));
                put(&mut bytes, Some(&raw));
            }
            None => {
                put(&mut bytes, Some(account.token.as_bytes()));
                put(&mut bytes, None);
            }
        }
        let Account { entry, issuer, token_type, scope, userinfo, .. } = account;
        for text in [entry, issuer, token_type, scope, userinfo] {
            put(&mut bytes, Some(text.as_bytes()));
        }
        let Account { provider_user_id, user_id, display_name, email, profile_url, image_url, .. } = account;
        for text in [provider_user_id, user_id, display_name, email, profile_url, image_url] {
            put(&mut bytes, text.as_ref().map(String::as_bytes));
        }
        Self(bytes.into())
    }

    pub(super) fn unpack(&self) -> Account {
        let mut rest = Rest(&self.0);
        let [id, rank, created_at, updated_at, version, expires_at] = std::array::from_fn(|_| rest.signed());
        let flags = rest.byte();
        let mut token = rest.text().unwrap_or_default();
        if let Some(raw) = rest.bytes() {
            token.push('.');
            token.push_str(&encode_base64url(raw));
        }
        let [entry, issuer, token_type, scope, userinfo] =
            std::array::from_fn(|_| rest.text().unwrap_or_default());
        let [provider_user_id, user_id, display_name, email, profile_url, image_url] =
            std::array::from_fn(|_| rest.text());
        Account {
            id,
            entry,
            issuer,
            provider_user_id,
            user_id,
            token,
            token_type,
            scope,
            expires_at: (flags & 2 != 0).then_some(expires_at),
            display_name,
            email,
            email_verified: flags & 1 != 0,
            profile_url,
            image_url,
            userinfo,
            rank: i32::try_from(rank).unwrap_or_default(),
            created_at,
            updated_at,
            version,
        }
    }

    #[cfg(test)]
    pub(super) fn contains(&self, bytes: &[u8]) -> bool {
        self.0.windows(bytes.len()).any(|window| window == bytes)
    }

    /// Size in memory, in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Writes `number` with seven bits per byte, the lowest first (LEB128).
fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Writes the length plus one and then the bytes; 0 if there is no `part`.
fn put(bytes: &mut Vec<u8>, part: Option<&[u8]>) {
    put_number(bytes, part.map_or(0, |part| part.len() as u64 + 1));
    bytes.extend_from_slice(part.unwrap_or_default());
}

/// The bytes that have not been read yet.
struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn take(&mut self, count: usize) -> &'b [u8] {
        let (part, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        part
    }

    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    fn number(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 || shift >= u64::BITS {
                return number;
            }
        }
    }

    fn signed(&mut self) -> i64 {
        let number = self.number();
        (number >> 1) as i64 ^ -((number & 1) as i64)
    }

    fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.number().checked_sub(1)?;
        Some(self.take(length as usize))
    }

    fn text(&mut self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{KeyRing, suite};

    #[test]
    fn there_and_back() {
        let full = Account {
            id: i64::MIN,
            expires_at: Some(-1),
            created_at: i64::MAX,
            rank: -7,
            email: Some("é".repeat(200)),
            userinfo: "x".repeat(70_000),
            ..suite::account("github", Some("1"), Some("7"))
        };
        let bare = Account {
            provider_user_id: None,
            user_id: None,
            display_name: None,
            email: Some(String::new()),
            expires_at: None,
            ..suite::account("", None, None)
        };
        let sealed = KeyRing::new([[7; 32]]).seal("account", &[], &[b'a'; 1000]).unwrap();
        for token in
            [sealed.as_str(), "", ".", "v1.key.", "v1.key.not base64", "v1.key.AB", "no dots", "a.b.c="]
        {
            for account in [&full, &bare] {
                let account = Account { token: token.into(), ..account.clone() };
                let packed = PackedAccount::new(&account);
                assert_eq!(packed.unpack(), account);
            }
        }
        let raw = |token: &str| PackedAccount::new(&Account { token: token.into(), ..bare.clone() }).len();
        assert!(raw(&sealed) - raw("") < sealed.len() * 4 / 5, "base64 is taken off");
    }
}

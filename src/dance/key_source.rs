//! The source of the keys that seal tokens, flows and sessions.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use rocket::Config;
use rocket::config::SecretKey;
use rocket::figment::Figment;

use crate::config::Settings;
use crate::secret::{KeyRing, decode_base64url, encode_base64url, random};

/// The fix for a missing key.
const FIX: &str = "set `token_keys` in [default.dance], or Rocket's `secret_key`:\n\n    \
    [default.dance]\n    token_keys = [\"…\"]        # openssl rand -base64 32\n";

/// Where the keys come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// `token_keys`.
    Settings,
    /// Rocket's `secret_key`.
    SecretKey,
    /// The file beside the data, which a debug build creates.
    File,
    /// A random key that ends with the process.
    Process,
}

/// Returns the keys: `token_keys`, else a key derived from a provided `secret_key`, else, in debug, the key in
/// `key_file`, or a key that ends with this process.
///
/// # Errors
/// A message for the operator.
pub(super) fn key_ring(
    settings: &Settings,
    figment: &Figment,
    is_debug: bool,
    key_file: Option<PathBuf>,
) -> Result<(KeyRing, KeySource), String> {
    if !settings.token_keys.is_empty() {
        return Ok((KeyRing::new(settings.token_keys.iter().copied()), KeySource::Settings));
    }
    if let Some(key) = from_secret_key(figment) {
        return Ok((KeyRing::new([key]), KeySource::SecretKey));
    }
    match key_file {
        _ if !is_debug => Err(format!("there is no key to seal tokens with: {FIX}")),
        Some(path) => {
            let key = from_file(&path)
                .map_err(|error| format!("the key file {} can't be used: {error}; {FIX}", path.display()))?;
            log::warn!("oauth: tokens are sealed with the key in {}, for debug only: {FIX}", path.display());
            Ok((KeyRing::new([key]), KeySource::File))
        }
        None => {
            log::warn!(
                "oauth: accounts are sealed with a key that ends with this process, for debug only: {FIX}"
            );
            let key = random().map_err(|error| error.to_string())?;
            Ok((KeyRing::new([key]), KeySource::Process))
        }
    }
}

/// Derives a key from Rocket's `secret_key`, in any of its spellings. `None` if the app provides none: at ignite it is all
/// zeros then, and Rocket draws another one at every launch.
fn from_secret_key(figment: &Figment) -> Option<[u8; 32]> {
    let secret_key: SecretKey = figment.extract_inner(Config::SECRET_KEY).ok()?;
    if !secret_key.is_provided() {
        return None;
    }
    let config = Config { secret_key, ..Config::default() };
    // A `Config` yields its key only as a figment provider. Serialised, the key is all zeros.
    let bytes: Vec<u8> = Figment::from(config).extract_inner(Config::SECRET_KEY).ok()?;
    if bytes.iter().all(|byte| *byte == 0) {
        return None;
    }
    ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref().try_into().ok()
}

/// Reads the key in `path`. If there is no such file, it makes one with a new key, readable by its owner only.
fn from_file(path: &Path) -> std::io::Result<[u8; 32]> {
    let key = random::<32>().map_err(std::io::Error::other)?;
    let mut new = OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
    match new.open(path) {
        Ok(mut file) => {
            file.write_all(encode_base64url(&key).as_bytes())?;
            file.sync_all()?;
            Ok(key)
        }
        Err(error) if error.kind() == Io::AlreadyExists => decode_base64url(fs::read_to_string(path)?.trim())
            .and_then(|key| key.try_into().ok())
            .ok_or_else(|| std::io::Error::other("it holds no key")),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_key_counts_only_when_provided() {
        let unset = Figment::from(Config::debug_default());
        assert!(from_secret_key(&unset).is_none());
        let key = "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk=";
        let set = unset.clone().merge((Config::SECRET_KEY, key));
        assert_eq!(from_secret_key(&set), from_secret_key(&set));
        assert!(from_secret_key(&set).is_some());
    }

    #[test]
    fn two_secret_keys_give_two_keys_however_they_are_spelled() {
        let key = |secret_key: &str| {
            from_secret_key(&Figment::from(Config::debug_default()).merge((Config::SECRET_KEY, secret_key)))
        };
        let base64 = key("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
        assert!(base64.is_some());
        assert_eq!(base64, key(&"01".repeat(32)));
        assert_ne!(base64, key(&"02".repeat(32)));
        assert_eq!(key(&"00".repeat(32)), None);
    }

    #[test]
    fn a_key_file_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.sqlite.key");
        let key = from_file(&path).unwrap();
        assert_eq!(from_file(&path).unwrap(), key);
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777,
            0o600
        );
        fs::write(&path, "nonsense").unwrap();
        assert!(from_file(&path).is_err());
    }
}

//! Random bytes.

use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, Result};

/// Returns `N` random bytes from the operating system's generator.
///
/// # Errors
/// [`ErrorKind::AppError`](crate::ErrorKind::AppError) if the generator fails. There is no fallback.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::app("the operating system's random generator failed"))?;
    Ok(bytes)
}

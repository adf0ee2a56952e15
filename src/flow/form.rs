//! Queries and forms (`application/x-www-form-urlencoded`), read strictly.

use std::collections::BTreeMap;

/// Maximum length of a query or a form, in bytes.
const MAX_BYTES: usize = 16 << 10;
/// Maximum number of parameters.
const MAX_PARAMETERS: usize = 64;

/// Reads the parameters of a query or a form.
///
/// # Errors
/// If the text is too long, a parameter is not UTF-8, or a parameter occurs twice (RFC 6749 §3.1). The sentence holds no
/// values.
pub(super) fn parameters(text: &str) -> Result<BTreeMap<String, String>, &'static str> {
    if text.len() > MAX_BYTES {
        return Err("it is too long");
    }
    let mut parameters = BTreeMap::new();
    for (index, pair) in text.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = decode(name).zip(decode(value)).ok_or("a parameter is not UTF-8")?;
        if index >= MAX_PARAMETERS {
            return Err("too many parameters");
        }
        if parameters.insert(name, value).is_some() {
            return Err("a parameter is given twice");
        }
    }
    Ok(parameters)
}

/// Decodes a name or a value. `url`'s parser is not strict enough: it would replace bytes that are not UTF-8 by U+FFFD
/// and keep a `%` that escapes nothing.
fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

//! Queries and forms (`application/x-www-form-urlencoded`).

/// Maximum length of a query or a form, in bytes: a code of 16 KiB, with each byte percent-encoded, and the rest.
const MAX_BYTES: usize = 64 << 10;
/// Maximum number of parameters.
const MAX_PARAMETERS: usize = 64;

/// The parameters of a query or a form. A value is decoded when it is read: a parameter that is not read may be malformed or
/// occur twice.
pub(super) struct Parameters<'a>(Vec<(String, &'a str)>);

impl<'a> Parameters<'a> {
    /// Splits a query or a form into its parameters.
    ///
    /// # Errors
    /// If the text is too long, or has too many parameters. The sentence holds no values.
    pub(super) fn parse(text: &'a str) -> Result<Self, &'static str> {
        if text.len() > MAX_BYTES {
            return Err("it is too long");
        }
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pairs: Vec<_> = pairs.take(MAX_PARAMETERS + 1).collect();
        if pairs.len() > MAX_PARAMETERS {
            return Err("too many parameters");
        }
        let pair = |pair: &'a str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (lossy(name), value)
        };
        Ok(Self(pairs.into_iter().map(pair).collect()))
    }

    /// Returns the value of a parameter that decides something.
    ///
    /// # Errors
    /// If it occurs twice (RFC 6749 §3.1), or is not UTF-8. The sentence holds no values.
    pub(super) fn unique(&self, name: &str) -> Result<Option<String>, &'static str> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        let Some((_, value)) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err("a parameter is given twice");
        }
        // `url`'s parser is not strict enough: it would keep a `%` that escapes nothing.
        let value = decode(value).and_then(|bytes| String::from_utf8(bytes).ok());
        value.map(Some).ok_or("a parameter is not UTF-8")
    }

    /// As [`unique`](Self::unique). An empty value counts as absent.
    pub(super) fn unique_text(&self, name: &str) -> Result<Option<String>, &'static str> {
        Ok(self.unique(name)?.filter(|value| !value.is_empty()))
    }

    /// Returns the first value of a parameter that decides nothing. What is not UTF-8 becomes U+FFFD.
    pub(super) fn first(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| lossy(value))
    }

    /// Returns all parameters, from the last to the first, so that in a map the first value of each name remains.
    pub(super) fn all(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().rev().map(|(name, value)| (name.clone(), lossy(value)))
    }
}

fn lossy(text: &str) -> String {
    url::form_urlencoded::parse(format!("={text}").as_bytes())
        .map(|(_, value)| value.into_owned())
        .next()
        .unwrap_or_default()
}

/// Decodes a value. None if a `%` escapes nothing.
fn decode(text: &str) -> Option<Vec<u8>> {
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
    Some(decoded)
}

//! Signature methods of OAuth 1.

/// How an OAuth 1 client signs its requests (RFC 5849 §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureMethod {
    /// `HMAC-SHA1`, which most providers require.
    HmacSha1,
    /// `HMAC-SHA256`.
    HmacSha256,
    /// `PLAINTEXT`: no signature; the request contains the secrets themselves. All URLs of an entry are https, or http
    /// on a loopback host.
    Plaintext,
    /// `RSA-SHA1`, with a private key of the client. Requires the feature `rsa-sha1`.
    RsaSha1,
}

impl SignatureMethod {
    pub(crate) const ALL: [Self; 4] = [Self::HmacSha1, Self::HmacSha256, Self::Plaintext, Self::RsaSha1];

    /// The name, as the parameter `oauth_signature_method` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HMAC-SHA1",
            Self::HmacSha256 => "HMAC-SHA256",
            Self::Plaintext => "PLAINTEXT",
            Self::RsaSha1 => "RSA-SHA1",
        }
    }
}

//! Signature algorithms of ID tokens.

/// A signature algorithm of ID tokens (RFC 7518 §3.1, RFC 8037 §3.1).
///
/// All but [`HS256`](SigningAlgorithm::HS256) are asymmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
    /// HMAC with SHA-256 and the client secret. Only a preset can accept it, for a provider that signs so: it is not among
    /// the values of the key `signing_algorithms`, and never verified with a published key.
    HS256,
}

impl SigningAlgorithm {
    /// Those that an entry accepts if nothing else is set.
    pub(crate) const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// The name in the registry, as a token's `alg` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
            Self::HS256 => "HS256",
        }
    }

    /// Whether `alg` names this algorithm. RFC 9864 has the name `Ed25519` for EdDSA with that curve.
    pub(crate) fn is(self, alg: &str) -> bool {
        alg == self.name() || self == Self::EdDSA && alg == "Ed25519"
    }
}

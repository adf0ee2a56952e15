//! Where requests have the access token.

/// Where API requests have the access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenPlacement {
    /// In the header `Authorization`, after this word: `Bearer` in RFC 6750 §2.1.
    Authorization(&'static str),
    /// In the header of this name, alone.
    Header(&'static str),
    /// In the query parameter of this name.
    Query(&'static str),
}

//! `Mailbox`: a plain e-mail address.

/// A plain e-mail address, split into local part and domain.
///
/// AL-14: a text that is not plainly one address has no mailbox. Mailers, databases or functions that lower-case may read
/// `ada@x.com,eve@y.com`, a dotless ı or a full-width ＠ as another address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mailbox<'a> {
    local: &'a str,
    domain: &'a str,
}

impl<'a> Mailbox<'a> {
    /// Parses a plain address: two dot-atoms of RFC 5322 in ASCII with one `@` between them, within the lengths of RFC 5321.
    pub(crate) fn parse(address: &'a str) -> Option<Self> {
        let (local, domain) = address.split_once('@')?;
        let atom = |part: &str, others: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        let is_local = local.len() <= 64 && local.split('.').all(|part| atom(part, "!#$%&'*+-/=?^_`{|}~"));
        let is_domain = domain.len() <= 255 && domain.split('.').all(|part| atom(part, "-"));
        (is_local && is_domain).then_some(Self { local, domain })
    }

    /// Whether the mailbox is at `domain`, compared without regard to ASCII case. A subdomain is another domain.
    pub(crate) fn is_at(self, domain: &str) -> bool {
        self.domain.eq_ignore_ascii_case(domain)
    }

    /// Whether both are one mailbox: byte for byte, except for the case of the domain.
    pub(crate) fn is_same_as(self, other: Self) -> bool {
        self.local == other.local && self.is_at(other.domain)
    }
}

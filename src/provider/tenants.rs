//! Tenants: one provider that speaks for several organizations.

/// How a provider with many tenants names them. A tenant's id is a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenants {
    /// What the metadata has in its issuer in place of a tenant's id, if it speaks for several tenants.
    pub placeholder: &'static str,
    /// The claim of an ID token that has the tenant's id.
    pub claim: &'static str,
    /// The word for all tenants.
    pub all: &'static str,
    /// The word for all organizations: the tenants but that of the personal accounts.
    pub organizations: &'static str,
    /// The word for the personal accounts.
    pub personal: &'static str,
    /// The id of the tenant of the personal accounts.
    pub personal_id: &'static str,
}

//! Tenants: an issuer that speaks for many.

use std::collections::BTreeSet;

use super::table::Table;

/// What stands for the tenant's id in an issuer that speaks for many, as Microsoft's metadata writes it.
pub(crate) const TENANT: &str = "{tenantid}";
/// The tenant of personal Microsoft accounts.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

const EXAMPLE: &str = "tenant = \"00000000-0000-0000-0000-000000000000\"";
const EXAMPLES: &str =
    "tenants = [\"00000000-0000-0000-0000-000000000000\"]    # or \"any\": whoever has an account there";

/// SessionSelection ID tokens are believed where the metadata speaks for many tenants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tenants {
    /// The issuer, with [`TENANT`] for the tenant's id.
    template: String,
    admitted: Admitted,
}

#[derive(Debug, Clone, PartialEq)]
enum Admitted {
    Only(BTreeSet<String>),
    Any,
    /// Companies and schools, no personal accounts.
    Organizations,
}

impl Tenants {
    /// What the metadata calls the issuer.
    pub(super) fn template(&self) -> &str {
        &self.template
    }

    /// Whether `iss` is the issuer of `tenant`, one that is admitted (ID-24).
    pub(super) fn admit(&self, iss: &str, tenant: &str) -> bool {
        let is_admitted = match &self.admitted {
            Admitted::Only(list) => list.contains(tenant),
            Admitted::Any => is_tenant_id(tenant),
            Admitted::Organizations => is_tenant_id(tenant) && tenant != CONSUMERS,
        };
        is_admitted && self.template.replace(TENANT, tenant) == iss
    }

    /// Whether `iss` could be the issuer of a tenant.
    pub(super) fn could_be(&self, iss: &str) -> bool {
        let (before, after) = self.template.split_once(TENANT).unwrap_or((&self.template, ""));
        match iss.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) {
            Some("") => true,
            Some(tenant) => self.admit(iss, tenant),
            None => false,
        }
    }
}

/// The key `tenant`, as it stands in URLs.
pub(super) fn tenant(table: &mut Table<'_>, key: &str) -> Option<String> {
    if !table.has(key) {
        let why = "is missing: your tenant's id (a UUID), `consumers`, or, with `tenants`, `organizations` or `common`";
        table.fault(key, why, EXAMPLE);
        return None;
    }
    let given = table.text(key)?;
    let lower = given.value.to_ascii_lowercase();
    match lower.as_str() {
        "consumers" => Some(CONSUMERS.to_owned()),
        "common" | "organizations" => Some(lower),
        id if is_tenant_id(id) => Some(lower),
        _ => {
            // A domain name would be answered with the metadata of another issuer: that of its id.
            let why = "must be your tenant's id (a UUID), `consumers`, or, with `tenants`, `organizations` or `common`";
            table.reader.fault(&given.place, why, EXAMPLE);
            None
        }
    }
}

/// The key `tenants`, for a `tenant` that is many.
pub(super) fn tenants(table: &mut Table<'_>, tenant: &str, template: String) -> Option<Tenants> {
    let is_many = ["common", "organizations"].contains(&tenant);
    if !table.has("tenants") {
        if is_many {
            let why = format!("is missing: with tenant = \"{tenant}\" it says whose people may come in");
            table.fault("tenants", why, EXAMPLES);
        }
        return None;
    }
    let given = table.list("tenants", |text| vec![text.to_owned()], "[\"…\"]")?;
    let ids: BTreeSet<String> = given.value.iter().map(|id| id.to_ascii_lowercase()).collect();
    let why = if !is_many {
        "is for tenant = \"organizations\" and \"common\": that tenant is one already"
    } else if given.value == ["any"] {
        let admitted = if tenant == "common" { Admitted::Any } else { Admitted::Organizations };
        return Some(Tenants { template, admitted });
    } else if ids.is_empty() || !ids.iter().all(|id| is_tenant_id(id)) {
        "must be a list of tenants' ids (UUIDs), or \"any\""
    } else {
        return Some(Tenants { template, admitted: Admitted::Only(ids) });
    };
    table.reader.fault(&given.place, why, EXAMPLES);
    None
}

/// Whether `text` is a UUID in small letters, as issuers spell them.
fn is_tenant_id(text: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.into_iter().all(hex)
}

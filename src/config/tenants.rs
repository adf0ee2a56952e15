//! Tenants: an issuer that speaks for several organizations.

use std::collections::BTreeSet;

use super::table::Table;

/// The placeholder of the tenant's id in the issuer of metadata that speaks for several tenants, as Microsoft writes it.
pub(crate) const TENANT: &str = "{tenantid}";
/// The tenant of personal Microsoft accounts.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

const EXAMPLE: &str = "tenant = \"00000000-0000-0000-0000-000000000000\"";
const EXAMPLES: &str =
    "tenants = [\"00000000-0000-0000-0000-000000000000\"]    # or \"any\": every account there may sign in";

/// The tenants whose ID tokens an entry accepts, if its metadata speaks for several tenants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tenants {
    /// The issuer, with [`TENANT`] in place of the tenant's id.
    template: String,
    admitted: Admitted,
}

#[derive(Debug, Clone, PartialEq)]
enum Admitted {
    Only(BTreeSet<String>),
    Any,
    /// Companies and schools, but no personal accounts.
    Organizations,
}

impl Tenants {
    /// The issuer as the metadata has it.
    pub(super) fn template(&self) -> &str {
        &self.template
    }

    /// Whether `iss` is the issuer of `tenant`, and that tenant is admitted (ID-24).
    pub(super) fn admit(&self, iss: &str, tenant: &str) -> bool {
        let is_admitted = match &self.admitted {
            Admitted::Only(list) => list.contains(tenant),
            Admitted::Any => is_tenant_id(tenant),
            Admitted::Organizations => is_tenant_id(tenant) && tenant != CONSUMERS,
        };
        is_admitted && self.template.replace(TENANT, tenant) == iss
    }

    /// Whether `iss` is the issuer of an admitted tenant, or the template without a tenant.
    pub(super) fn could_be(&self, iss: &str) -> bool {
        let (before, after) = self.template.split_once(TENANT).unwrap_or((&self.template, ""));
        match iss.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) {
            Some("") => true,
            Some(tenant) => self.admit(iss, tenant),
            None => false,
        }
    }
}

/// The tenant under `key`, as it is written in URLs.
pub(super) fn tenant(table: &mut Table<'_>, key: &str) -> Option<String> {
    if !table.has(key) {
        let why = "is missing: set your tenant's id (a UUID), `consumers`, or, with `tenants`, `organizations` or `common`";
        table.fault(key, why, EXAMPLE);
    }
    let given = table.text(key)?;
    let lower = given.value.to_ascii_lowercase();
    match lower.as_str() {
        "consumers" => Some(CONSUMERS.to_owned()),
        "common" | "organizations" => Some(lower),
        id if is_tenant_id(id) => Some(lower),
        _ => {
            // For a domain name the provider answers with the metadata of the tenant's id: another issuer.
            let why = "must be your tenant's id (a UUID), `consumers`, or, with `tenants`, `organizations` or `common`";
            table.reader.fault(&given.place, why, EXAMPLE);
            None
        }
    }
}

/// Reads `tenants`. `tenant`: the entry's, if it is right; `template`: the issuer with [`TENANT`] in it.
pub(super) fn read(table: &mut Table<'_>, tenant: Option<&str>, template: String) -> Option<Tenants> {
    match tenant {
        Some(tenant) => admitted(table, tenant).map(|admitted| Tenants { template, admitted }),
        None => {
            table.forget("tenants");
            None
        }
    }
}

fn admitted(table: &mut Table<'_>, tenant: &str) -> Option<Admitted> {
    let is_several = ["common", "organizations"].contains(&tenant);
    if !table.has("tenants") {
        if is_several {
            let why = format!("is missing: with tenant = \"{tenant}\" it lists the tenants that may sign in");
            table.fault("tenants", why, EXAMPLES);
        }
        return None;
    }
    let given = table.list("tenants", |text| vec![text.to_owned()], "[\"…\"]")?;
    let ids: BTreeSet<String> = given.value.iter().map(|id| id.to_ascii_lowercase()).collect();
    let why = if !is_several {
        "is for tenant = \"organizations\" and \"common\" only: remove it, or change `tenant`"
    } else if given.value == ["any"] {
        return Some(if tenant == "common" { Admitted::Any } else { Admitted::Organizations });
    } else if ids.is_empty() || !ids.iter().all(|id| is_tenant_id(id)) {
        "must be a list of tenants' ids (UUIDs), or \"any\""
    } else {
        return Some(Admitted::Only(ids));
    };
    table.reader.fault(&given.place, why, EXAMPLES);
    None
}

/// Whether `text` is a UUID in lower case, as issuers write it.
fn is_tenant_id(text: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.into_iter().all(hex)
}

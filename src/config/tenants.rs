//! The tenants of an entry: an issuer that speaks for several organizations.

use std::collections::BTreeSet;

use super::table::Table;
use crate::provider::Tenants;

const EXAMPLE: &str = "tenant = \"00000000-0000-0000-0000-000000000000\"";
const EXAMPLES: &str =
    "tenants = [\"00000000-0000-0000-0000-000000000000\"]    # or \"any\": every account there may sign in";

/// The tenants whose ID tokens an entry accepts, if its metadata speaks for several tenants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AdmittedTenants {
    /// How the provider names tenants.
    provider: &'static Tenants,
    /// The issuer, with the provider's placeholder for the tenant's id.
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

impl AdmittedTenants {
    /// The issuer as the metadata has it.
    pub(super) fn template(&self) -> &str {
        &self.template
    }

    /// The claim that has the tenant's id.
    pub(super) fn claim(&self) -> &'static str {
        self.provider.claim
    }

    /// Whether a key of the issuer `key_issuer` may sign tokens of `issuer`: if it is that issuer, or the template.
    pub(super) fn may_sign(&self, key_issuer: &str, issuer: &str) -> bool {
        key_issuer.contains(self.provider.placeholder) || key_issuer == issuer
    }

    /// Whether `iss` is the issuer of `tenant`, and that tenant is admitted (ID-24).
    pub(super) fn admit(&self, iss: &str, tenant: &str) -> bool {
        let is_admitted = match &self.admitted {
            Admitted::Only(list) => list.contains(tenant),
            Admitted::Any => is_tenant_id(tenant),
            Admitted::Organizations => is_tenant_id(tenant) && tenant != self.provider.personal_id,
        };
        is_admitted && self.template.replace(self.provider.placeholder, tenant) == iss
    }

    /// Whether `iss` is the issuer of an admitted tenant, or the template without a tenant.
    pub(super) fn could_be(&self, iss: &str) -> bool {
        let (before, after) =
            self.template.split_once(self.provider.placeholder).unwrap_or((&self.template, ""));
        match iss.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) {
            Some("") => true,
            Some(tenant) => self.admit(iss, tenant),
            None => false,
        }
    }
}

/// The tenant under `key`, as it is written in URLs.
pub(super) fn tenant(table: &mut Table<'_>, key: &str, provider: &Tenants) -> Option<String> {
    let Tenants { personal, organizations, all, .. } = provider;
    let wanted =
        format!("your tenant's id (a UUID), `{personal}`, or, with `tenants`, `{organizations}` or `{all}`");
    if !table.has(key) {
        table.fault(key, format!("is missing: set {wanted}"), EXAMPLE);
    }
    let given = table.text(key)?;
    let lower = given.value.to_ascii_lowercase();
    if lower == *personal {
        return Some(provider.personal_id.to_owned());
    }
    if lower == *all || lower == *organizations || is_tenant_id(&lower) {
        return Some(lower);
    }
    // For a domain name the provider answers with the metadata of the tenant's id: another issuer.
    table.reader.fault(&given.place, format!("must be {wanted}"), EXAMPLE);
    None
}

/// Reads `tenants`. `tenant`: the entry's, if it is right; `template`: the issuer with the provider's placeholder in it.
pub(super) fn read(
    table: &mut Table<'_>,
    provider: &'static Tenants,
    tenant: Option<&str>,
    template: String,
) -> Option<AdmittedTenants> {
    match tenant {
        Some(tenant) => {
            let admitted = admitted(table, provider, tenant)?;
            Some(AdmittedTenants { provider, template, admitted })
        }
        None => {
            table.forget("tenants");
            None
        }
    }
}

fn admitted(table: &mut Table<'_>, provider: &Tenants, tenant: &str) -> Option<Admitted> {
    let is_several = [provider.all, provider.organizations].contains(&tenant);
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
        format!(
            "is for tenant = \"{}\" and \"{}\" only: remove it, or change `tenant`",
            provider.organizations, provider.all
        )
    } else if given.value == ["any"] {
        return Some(if tenant == provider.all { Admitted::Any } else { Admitted::Organizations });
    } else if ids.is_empty() || !ids.iter().all(|id| is_tenant_id(id)) {
        "must be a list of tenants' ids (UUIDs), or \"any\"".to_owned()
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

//! Where an entry's profile comes from.

use std::collections::BTreeMap;

use url::Url;

use super::api_base::{ApiBase, with_slash};
use super::parameters::Parameters;
use super::table::Table;
use super::urls::is_loopback_host;
use crate::error::Result;
use crate::profile::{Profile, claims};
use crate::provider::{Preset, ProfileFields, ProfileInput, RequestBody, UserinfoMethod};

/// The fields of a profile that `profile = { … }` can name a path for.
const PROFILE_FIELDS: &[&str] =
    &["id", "name", "username", "email", "email_verified", "profile_url", "image_url"];

/// The requests that a profile needs, and how it is read from their answers.
#[derive(Clone)]
pub(crate) struct UserinfoOptions {
    /// The userinfo endpoint, if it is not discovered.
    pub(crate) url: Option<Url>,
    pub(crate) method: UserinfoMethod,
    pub(crate) body: RequestBody,
    /// Further requests: the name that the answer gets, and the URL, in which placeholders stand for fields of the answers
    /// before.
    pub(crate) extra_urls: Vec<(String, String)>,
    /// Where the preset finds the fields of a profile.
    pub(crate) fields: ProfileFields,
    /// The preset's function from the answers to a profile.
    pub(crate) profile: fn(&ProfileInput<'_>) -> Result<Profile>,
    /// The claims that `profile` decides with whether an address is verified, beside those of `fields`.
    email_proofs: &'static [&'static str],
    /// `profile = { id = "path", … }`: the path of each field that the entry reads itself.
    pub(crate) profile_paths: BTreeMap<String, String>,
    /// The values of the preset's own keys, for its function.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl UserinfoOptions {
    /// The options, and the base of the client's relative paths, which moves the further requests too.
    pub(super) fn read(
        table: &mut Table<'_>,
        preset: &Preset,
        parameters: &Parameters,
        token_endpoint: Option<&Url>,
    ) -> (Self, Option<ApiBase>) {
        let is_elsewhere = table.has("userinfo_url") || table.has("api_base_url");
        let url = parameters.url(table, ["userinfo_url"; 2], preset.userinfo_url, false);
        let in_token =
            preset.api_base_url.filter(|url| url.contains("{token.") && !table.has("api_base_url"));
        let fixed = preset.api_base_url.filter(|_| in_token.is_none());
        let base = parameters.url(table, ["api_base_url"; 2], fixed, false).map(with_slash);
        let elsewhere = is_elsewhere.then_some((&url, &base));
        let options = Self {
            method: method(table).unwrap_or(preset.userinfo),
            body: preset.userinfo_body,
            extra_urls: extra_urls(preset, parameters, elsewhere),
            fields: preset.fields,
            profile: preset.profile,
            email_proofs: preset.email_proofs,
            profile_paths: profile_paths(table),
            parameters: parameters.values.clone(),
            url,
        };
        let is_local = token_endpoint.and_then(Url::host_str).is_some_and(is_loopback_host);
        let in_token = in_token.map(|url| ApiBase::InToken { template: parameters.fill(url), is_local });
        (options, base.map(ApiBase::Fixed).or(in_token))
    }
}

impl UserinfoOptions {
    /// The names of the claims that say an address or whether it is verified, as the preset or the entry reads it.
    pub(crate) fn address_claims(&self) -> Vec<&str> {
        let paths = ["email", "email_verified"].map(|field| self.profile_paths.get(field));
        let own = paths.into_iter().flatten().map(|path| claims::first_name(path));
        let mut claims: Vec<&str> = self.fields.email_claims().collect();
        claims.extend(self.email_proofs);
        claims.extend(own);
        claims
    }

    /// Whether the user's id comes from the token answer, so that no userinfo is needed.
    pub(crate) fn is_id_in_token(&self) -> bool {
        self.fields.id.starts_with("token.")
    }
}

fn method(table: &mut Table<'_>) -> Option<UserinfoMethod> {
    let given = table.text("userinfo")?;
    let found = UserinfoMethod::ALL.into_iter().find(|method| method.name() == given.value);
    if found.is_none() {
        let why = "must be get, post or none: how the userinfo is requested. Its address is userinfo_url";
        table.reader.fault(&given.place, why, "userinfo = \"get\"");
    }
    found
}

/// The preset's further requests. If the entry points `elsewhere`, they move to the entry's own userinfo URL or API
/// base, or are left out: the token must not be sent to the preset's host.
fn extra_urls(
    preset: &Preset,
    parameters: &Parameters,
    elsewhere: Option<(&Option<Url>, &Option<Url>)>,
) -> Vec<(String, String)> {
    let moved = |url: String| {
        let Some((userinfo, api)) = elsewhere.filter(|_| !url.starts_with('{')) else { return Some(url) };
        let bases = [(preset.userinfo_url, userinfo), (preset.api_base_url, api)];
        bases.into_iter().find_map(|(from, to)| {
            let rest = url.strip_prefix(parameters.fill(from?).trim_end_matches('/'))?;
            Some(format!("{}{rest}", to.as_ref()?.as_str().trim_end_matches('/')))
        })
    };
    let urls = preset.extra_userinfo_urls.iter();
    urls.filter_map(|(name, url)| Some(((*name).to_owned(), moved(parameters.fill(url))?))).collect()
}

fn profile_paths(table: &mut Table<'_>) -> BTreeMap<String, String> {
    let Some(mut inner) = table.table("profile") else { return BTreeMap::new() };
    let paths = PROFILE_FIELDS
        .iter()
        .filter_map(|field| inner.text(field).map(|given| ((*field).to_owned(), given.value)))
        .collect();
    inner.close();
    paths
}

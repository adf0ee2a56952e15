//! Providers: facts about the authorization servers, one small file each.
//!
//! A provider is a [`Preset`]: a constant of facts, with one function from the userinfo to a
//! [`Profile`](crate::Profile). Requests, checks and storage are the same for all providers.
//!
//! An entry names its preset: `provider = "gitlab"`, or the entry has the preset's name. [`Google`], [`GitHub`] and the
//! other types here are the `P` of the guards [`OAuth<P>`](crate::OAuth) and [`Site<P>`](crate::Site) for an entry with
//! the preset's name. For an entry with another name, and for a provider that is not here, implement [`Provider`].
//!
//! ```
//! use rocket_dance::provider::{GitHub, Provider};
//! use rocket_dance::{OAuth, Result};
//!
//! /// `[default.oauth.gitlab_work]`, with `provider = "gitlab"` and its `hostname`.
//! struct GitLabWork;
//!
//! impl Provider for GitLabWork {
//!     const NAME: &'static str = "gitlab_work";
//! }
//!
//! #[rocket::get("/both")]
//! async fn both(github: OAuth<GitHub>, work: OAuth<GitLabWork>) -> Result<String> {
//!     Ok(github.get("user").text().await? + &work.get("user").text().await?)
//! }
//! ```

mod client_auth_method;
mod parameter_kind;
mod place;
mod preset;
mod profile_fields;
mod profile_input;
mod profile_reader;
mod protocol;
mod provider_trait;
mod refresh_tokens;
mod revocation_request;
mod secret_jwt;
mod signature_method;
mod signing_algorithm;
mod tenants;
mod token_placement;
mod wire_format;

pub use self::client_auth_method::ClientAuthMethod;
pub use self::parameter_kind::ParameterKind;
pub use self::preset::Preset;
pub use self::profile_fields::{EmailVerified, ProfileFields};
pub use self::profile_input::ProfileInput;
pub(crate) use self::profile_input::{callback_fields, token_field};
pub use self::protocol::{Protocol, ResponseMode};
pub use self::provider_trait::Provider;
pub use self::refresh_tokens::RefreshTokens;
pub use self::revocation_request::{RequestAuthorization, RevocationRequest};
pub use self::secret_jwt::SecretJwt;
pub use self::signature_method::SignatureMethod;
pub use self::signing_algorithm::SigningAlgorithm;
pub use self::tenants::Tenants;
pub use self::token_placement::TokenPlacement;
pub use self::wire_format::{RequestBody, TokenRequestFormat, UserinfoMethod};
pub use crate::profile::claims;

/// Declares the module of each provider, re-exports its type, and lists its preset.
macro_rules! providers {
    ($($module:ident::$provider:ident $(| $other:ident)*),+ $(,)?) => {
        $(mod $module;)+
        $(pub use self::$module::{$provider $(, $other)*};)+

        /// All presets, by name.
        pub const PRESETS: &[(&str, Preset)] = &[
            $(($provider::NAME, $provider::PRESET), $(($other::NAME, $other::PRESET),)*)+
            ("oauth1", Preset::OAUTH1),
            ("oauth2", Preset::OAUTH2),
            ("oidc", Preset::OIDC),
        ];
    };
}

// A new provider is a line here, and its file. After `|`: second names.
providers! {
    amazon::Amazon,
    apple::Apple,
    asana::Asana,
    atlassian::Atlassian,
    auth0::Auth0,
    authelia::Authelia,
    authentik::Authentik,
    authentiq::Authentiq,
    azure::Azure | Entra | Microsoft,
    azure_b2c::AzureB2c,
    battlenet::BattleNet,
    bitbucket::Bitbucket,
    box_com::BoxCom,
    clerk::Clerk,
    codeberg::Codeberg,
    cognito::Cognito,
    coinbase::Coinbase,
    dexcom::Dexcom,
    digitalocean::DigitalOcean,
    discogs::Discogs,
    discord::Discord,
    dribbble::Dribbble,
    dropbox::Dropbox,
    eventbrite::Eventbrite,
    eveonline::EveOnline,
    facebook::Facebook,
    figma::Figma,
    fitbit::Fitbit,
    flickr::Flickr,
    forgejo::Forgejo,
    foursquare::Foursquare,
    fusionauth::FusionAuth,
    gitea::Gitea,
    github::GitHub,
    gitlab::GitLab,
    google::Google,
    heroku::Heroku,
    hubspot::HubSpot,
    huggingface::HuggingFace,
    hydra::Hydra | Ory,
    instagram::Instagram,
    intuit::Intuit | QuickBooks,
    jira::Jira,
    jumpcloud::JumpCloud,
    kakao::Kakao,
    kanidm::Kanidm,
    keycloak::Keycloak,
    kick::Kick,
    kinde::Kinde,
    line::Line,
    linear::Linear,
    linkedin::LinkedIn,
    logto::Logto,
    mailchimp::Mailchimp,
    mailru::MailRu,
    mastodon::Mastodon,
    meetup::Meetup,
    naver::Naver,
    nextcloud::Nextcloud,
    notion::Notion,
    nylas::Nylas,
    okta::Okta,
    onelogin::OneLogin,
    orcid::Orcid,
    osm::OpenStreetMap,
    patreon::Patreon,
    paypal::PayPal,
    pinterest::Pinterest,
    pocketid::PocketId,
    reddit::Reddit,
    roblox::Roblox,
    salesforce::Salesforce,
    shopify::Shopify,
    slack::Slack,
    snapchat::Snapchat,
    soundcloud::SoundCloud,
    spotify::Spotify,
    stackexchange::StackExchange,
    strava::Strava,
    stripe::Stripe,
    threads::Threads,
    tiktok::TikTok,
    trakt::Trakt,
    trello::Trello,
    tumblr::Tumblr,
    twitch::Twitch,
    twitter::Twitter,
    vercel::Vercel,
    vimeo::Vimeo,
    vk::Vk,
    webex::Webex,
    wechat::WeChat,
    wikimedia::Wikimedia,
    workos::WorkOs,
    x::X,
    xero::Xero,
    yahoo::Yahoo,
    yandex::Yandex,
    zitadel::Zitadel,
    zoho::Zoho,
    zoom::Zoom,
}

/// The profile that `preset` reads from `answer`, with these values of its own keys.
#[cfg(test)]
fn read_profile(
    preset: Preset,
    answer: &serde_json::Value,
    parameters: &[(&str, &str)],
) -> crate::error::Result<crate::profile::Profile> {
    let parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    preset.read_profile(ProfileInput::new(answer, &parameters))
}

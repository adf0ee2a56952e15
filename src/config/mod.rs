//! The configuration: entries laid over presets, and the library's settings.
//!
//! It is read at ignite from Rocket's figment. Every fault is collected, and the launch fails with one message per
//! fault.

mod additions;
mod api_base;
mod api_hosts;
mod callback_url;
mod choose_preset;
mod client_auth;
mod database;
mod entry;
mod entry_reader;
mod environment;
mod faults;
mod granted_scope;
mod hidden_characters;
mod issuer;
mod login_path;
mod oauth1;
mod oauth2;
mod openid;
mod parameter_values;
mod parameters;
mod read;
mod secrets;
mod settings;
mod table;
mod targets;
mod tenants;
#[cfg(test)]
mod tests;
mod urls;
mod userinfo;

pub(crate) use self::additions::{AUTHORIZATION_PARAMS, OAUTH1_PARAMS, TOKEN_PARAMS};
pub(crate) use self::api_base::ApiBase;
pub(crate) use self::callback_url::mount_path;
#[cfg(feature = "testing")]
pub(crate) use self::choose_preset::find_preset;
pub(crate) use self::client_auth::{ClientAuthentication, PrivateKey};
#[cfg(feature = "_sql")]
pub(crate) use self::database::DatabaseSettings;
pub(crate) use self::entry::{Entry, ProtocolOptions};
pub(crate) use self::faults::Faults;
pub(crate) use self::issuer::Issuer;
pub(crate) use self::oauth1::{OAuth1Options, Signature};
pub(crate) use self::oauth2::{OAuth2Options, Placement};
#[cfg(test)]
pub(crate) use self::openid::OpenIdOptions;
pub(crate) use self::read::{ReadConfig, is_debug, read};
pub(crate) use self::settings::{CacheSettings, SessionSettings, Settings};
pub(crate) use self::targets::FlowTargets;
pub(crate) use self::urls::{is_loopback_host, is_own_origin, is_private};
pub(crate) use self::userinfo::UserinfoOptions;

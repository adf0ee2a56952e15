use super::{Preset, Provider};

/// Vercel, with OpenID Connect ("Sign in with Vercel").
///
/// - Register an app in the settings of the team, under Apps. Authorization callback URL: the callback URL that the log shows
///   at launch. The requested scopes must be enabled for the app; Vercel leaves out the others.
/// - Scopes: `openid` (id), `email`, `profile` (names, picture).
/// - PKCE is required. Refresh tokens: with the scope `offline_access`, which `offline = true` adds; they live for 30 days and
///   are used once. Removed accounts are revoked.
/// - The address counts as verified if there is an `email_verified`; Vercel's metadata does not list that claim.
///
/// Sources, checked on 2026-11-28: <https://vercel.com/docs/sign-in-with-vercel/authorization-server-api>,
/// <https://vercel.com/.well-known/openid-configuration>; better-auth `vercel` (the answer).
#[derive(Debug, Clone, Copy)]
pub struct Vercel;

impl Provider for Vercel {
    const NAME: &'static str = "vercel";
    const PRESET: Preset = Preset {
        title: "Vercel",
        issuer: Some("https://vercel.com"),
        api_base_url: Some("https://api.vercel.com/"),
        ..Preset::OIDC
    };
}

//! Facts about the app registration behind sign-in. Secrets show as names and dates only: Graph never returns more.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A client secret of an app registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppSecret {
    /// `displayName`, else the key id.
    pub name: String,
    /// `endDateTime`.
    pub ends_at: Timestamp,
}

/// An app registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppRegistration {
    /// Client id (`appId`).
    pub client_id: String,
    /// Display name.
    pub name: String,
    /// `web.redirectUris`.
    pub web: Vec<String>,
    /// Redirect URIs of the other platforms, `spa` and `publicClient`.
    pub other: Vec<String>,
    /// Client secrets.
    pub secrets: Vec<AppSecret>,
    /// Certificates that it may sign in with instead.
    pub certificates: Vec<AppSecret>,
}

/// Where the Primary sends a browser that signs in, read off its redirect without following it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Tenant in the authority's path.
    pub tenant: String,
    /// Query member `client_id`.
    pub client_id: String,
    /// Query member `redirect_uri`.
    pub redirect_uri: String,
}

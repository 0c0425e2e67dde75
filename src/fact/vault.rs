//! Facts about the vault that feeds the gateway. No value of a secret ever fits in here.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An access policy of a vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultPolicy {
    /// Object id that it is for.
    pub object_id: String,
    /// Permissions on secrets, lower case.
    pub secrets: Vec<String>,
}

/// A private endpoint's connection to a vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrivateConnection {
    /// Name.
    pub name: String,
    /// `Approved`, `Pending`, `Rejected` or `Disconnected`.
    pub status: String,
}

/// A Key Vault (`Microsoft.KeyVault/vaults`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// Name.
    pub name: String,
    /// Full ARM resource id.
    pub id: String,
    /// `properties.vaultUri`.
    pub uri: String,
    /// `properties.tenantId`.
    pub tenant_id: String,
    /// `properties.enableRbacAuthorization`; absent is access policies.
    pub rbac: bool,
    /// Access policies; they count only where `rbac` is off.
    pub policies: Vec<VaultPolicy>,
    /// `properties.publicNetworkAccess`; absent is `Enabled`.
    pub public_access: String,
    /// `properties.networkAcls.defaultAction`; absent is `Allow`.
    pub default_action: String,
    /// Addresses that the firewall lets in.
    pub addresses: Vec<String>,
    /// How many virtual networks the firewall lets in.
    pub networks: i64,
    /// Private endpoint connections.
    pub private: Vec<PrivateConnection>,
}

/// A secret in a vault, by its metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultSecret {
    /// Name.
    pub name: String,
    /// Version that is current.
    pub version: String,
    /// Whether it is enabled.
    pub enabled: bool,
    /// When that version was last changed.
    pub updated_at: Option<Timestamp>,
    /// When it ends, where it does.
    pub expires_at: Option<Timestamp>,
}

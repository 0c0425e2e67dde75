//! Facts about Azure: who asks, the cluster resource, the identity and its credentials, metadata.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which credential the run used against Azure. Claims only, never a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// `azure-cli`, `workload-identity`, `managed-identity`, `service-principal` or `pipelines`.
    pub method: String,
    /// Tenant of the token (claim `tid`), where it can be read.
    pub tenant: Option<String>,
    /// Object id of the caller (claim `oid`), where it can be read.
    pub object_id: Option<String>,
    /// Client id of the caller (claim `appid`), where it can be read.
    pub client_id: Option<String>,
}

/// The AKS cluster resource (`Microsoft.ContainerService/managedClusters`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Resource name.
    pub name: String,
    /// Full ARM resource id.
    pub id: String,
    /// `properties.provisioningState`.
    pub provisioning_state: Option<String>,
    /// `properties.powerState.code`: `Running` or `Stopped`.
    pub power_state: Option<String>,
    /// `properties.oidcIssuerProfile.enabled`; an absent profile is off.
    pub oidc_enabled: bool,
    /// `properties.oidcIssuerProfile.issuerUrl`, byte for byte.
    pub issuer_url: Option<String>,
    /// `properties.securityProfile.workloadIdentity.enabled`; an absent profile is off.
    pub workload_identity_enabled: bool,
    /// `properties.fqdn` or `properties.privateFQDN`: the API server's name.
    pub fqdn: Option<String>,
}

/// The issuer's `OpenID` Connect discovery document and keys, as seen from the vantage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerDocument {
    /// The `issuer` member.
    pub issuer: String,
    /// The `jwks_uri` member.
    pub jwks_uri: String,
    /// Key ids (`kid`) in the key set.
    pub key_ids: Vec<String>,
}

/// A user-assigned managed identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManagedIdentity {
    /// Resource name.
    pub name: String,
    /// Full ARM resource id.
    pub id: String,
    /// Resource group, from the id.
    pub resource_group: String,
    /// Client id: what annotations and the `SecretProviderClass` name.
    pub client_id: String,
    /// Principal (object) id: what role assignments name.
    pub principal_id: String,
    /// Tenant.
    pub tenant_id: String,
}

/// A federated identity credential of the identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FederatedCredential {
    /// Resource name.
    pub name: String,
    /// Trusted issuer, byte for byte.
    pub issuer: String,
    /// Trusted subject; absent where an expression stands instead of it.
    pub subject: Option<String>,
    /// Trusted audiences.
    pub audiences: Vec<String>,
    /// Claims-matching expression of a flexible credential.
    pub expression: Option<String>,
}

/// How the instance metadata endpoint answered, from the vantage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Imds {
    /// Whether something answered as Azure's instance metadata service does.
    pub answers: bool,
    /// What was seen, one line: `timed out (connect)`, `200, AzurePublicCloud`, `403 from a proxy`.
    pub seen: String,
    /// `compute.azEnvironment` of the answer.
    pub environment: Option<String>,
}

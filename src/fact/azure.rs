//! Facts about Azure: who asks, the cluster resource, the identity and its credentials, metadata.

use jiff::Timestamp;
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
    /// `properties.addonProfiles.azureKeyvaultSecretsProvider.enabled`; an absent profile is off.
    pub csi_addon_enabled: bool,
    /// Client id of the add-on's own identity: a classic mistake is to grant roles to it.
    pub csi_addon_client_id: Option<String>,
    /// `properties.identityProfile.kubeletidentity.objectId`: who pulls images.
    pub kubelet_object_id: Option<String>,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Subscription id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// `Enabled`, `Warned`, `PastDue`, `Disabled` or `Deleted`.
    pub state: String,
    /// Tenant that it belongs to.
    pub tenant_id: String,
}

/// A resource provider in a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderState {
    /// Namespace (`Microsoft.KeyVault`).
    pub name: String,
    /// `Registered`, `NotRegistered`, `Registering` or `Unregistering`; `Unknown` where it could not be read.
    pub state: String,
}

/// What the API server says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterApi {
    /// The address that the kubeconfig names.
    pub server: String,
    /// The issuer that it publishes in its own discovery document, where one may read that.
    pub issuer: Option<String>,
}

/// How a token of the gateway's service account was received at Entra.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Exchanges tried.
    pub attempts: i64,
    /// Of those, how many gave a token.
    pub succeeded: i64,
    /// Codes of the others, each once.
    pub codes: Vec<String>,
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
    /// When it was made or last changed, by its own record, else by the Activity Log of the last hour; none where
    /// neither says.
    pub changed_at: Option<Timestamp>,
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

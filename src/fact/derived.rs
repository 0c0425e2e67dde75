//! Shapes of the facts that follow from other facts.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a pod's service account token says to Entra.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Presented {
    /// Claim `iss`: the cluster's issuer.
    pub issuer: String,
    /// Claim `sub`: `system:serviceaccount:NAMESPACE:NAME`.
    pub subject: String,
    /// Claim `aud`.
    pub audience: String,
}

/// A credential beside what the pods present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The credential's name.
    pub name: String,
    /// Its issuer.
    pub issuer: String,
    /// Its subject (or expression).
    pub subject: String,
    /// Its audiences, joined with a comma.
    pub audience: String,
    /// Fields that differ: `issuer`, `audience`, `subject`.
    pub differs: Vec<String>,
    /// Place of the credential in the identity's list, from 1.
    pub position: i64,
    /// How many credentials the identity has.
    pub of: i64,
}

/// How a federation mismatch is mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FederationRepair {
    /// `update` the nearest credential, `create` another, mend the `deployment`, `limit` where none can be
    /// added, or `none`.
    pub how: String,
    /// Name of the credential to update or to create.
    pub credential: String,
    /// Why this way, one sentence.
    pub why: String,
}

/// A principal that lacks a right at a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessGap {
    /// Its object id.
    pub user: String,
    /// Its name, or the object id again.
    pub user_name: String,
    /// `user`, `gateway`, `kubelet` or `provisioner`.
    pub kind: String,
    /// Principal type as `az role assignment create` takes it: `User` or `ServicePrincipal`.
    pub principal_type: String,
    /// ARM scope.
    pub scope: String,
    /// Name of the scope for people.
    pub scope_name: String,
    /// The built-in role that would grant it with the least beside.
    pub role: String,
    /// Roles that could be activated, joined with a comma; empty where none.
    pub eligible: String,
}

/// How secrets come to the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// `csi`, `external-secrets`, or `plain` where nothing that is known fills the secrets.
    pub how: String,
    /// Names of the classes or external secrets that deliver.
    pub by: Vec<String>,
    /// Kubernetes secrets that the gateway refers to.
    pub secrets: Vec<String>,
    /// Classes that the template mounts and the namespace does not have.
    pub missing: Vec<String>,
}

/// A key that the gateway needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyNeed {
    /// Secret.
    pub secret: String,
    /// Key.
    pub key: String,
    /// Who needs it: a variable, or a setting.
    pub needed_by: String,
}

/// A mounted secret that is older than the vault's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaleSecret {
    /// Name in the vault.
    pub name: String,
    /// Pod.
    pub pod: String,
    /// Version that the pod has.
    pub has: String,
    /// Version that is current.
    pub current: String,
    /// Why the pod has an older one.
    pub why: String,
}

/// The gateway's address of the Primary, by its shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrimaryAddress {
    /// The URL without a user.
    pub url: String,
    /// Its host.
    pub host: String,
    /// Why no pod can ever reach it; empty where a pod may.
    pub never: String,
}

/// Where the gateway keeps what it enrolled with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateFile {
    /// The file.
    pub path: String,
    /// Volume that it lies on; empty where it lies in the container.
    pub volume: String,
    /// Whether it survives the pod.
    pub survives: bool,
}

/// Whether the rollout of the newest template has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// `complete`, `progressing` or `stuck`.
    pub state: String,
    /// What the Deployment says of it.
    pub said: String,
}

/// What runs beside what the registry's tag holds and what was built locally.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageDrift {
    /// Digest that runs in the cluster.
    pub running: String,
    /// Digest behind the registry's tag.
    pub tagged: String,
    /// Registry digest of the Primary's own image; empty where it has none.
    pub local: String,
    /// `none`, `tag-moved` (what runs is not what the tag holds), or `local-differs` (both are the same, and the
    /// Primary's image is another).
    pub what: String,
    /// Whether the Primary's image is known to no registry as it stands.
    pub local_unpushed: bool,
}

/// Whether the gateway's network can come to the vault, as far as the control plane decides that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultNetwork {
    /// `open`, `private`, `firewall`, or `closed` where public access is off and no private endpoint is approved.
    pub state: String,
    /// Why, one line.
    pub why: String,
}

/// Redirect URIs, registered and in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redirects {
    /// The callback that has to be registered.
    pub wanted: String,
    /// Whether it is.
    pub has_wanted: bool,
    /// Registered URIs whose path is the one that never works.
    pub wrong: Vec<String>,
    /// What the Primary sends; empty where that could not be read.
    pub in_use: String,
    /// Whether what it sends is registered.
    pub in_use_registered: bool,
    /// Whether the path of what it sends is the one that never works.
    pub in_use_wrong: bool,
    /// Every registered URI.
    pub registered: Vec<String>,
}

/// How polls of the tasks endpoint end, from the gateway's log, else the Primary's log and records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tasks {
    /// `ok`, `unauthorized`, `failing` (a server error), `refused` (any other answer), `unreachable` (no answer),
    /// `stopped`, or `alive` where no poll line can be seen and the
    /// Primary's heartbeat is recent.
    pub outcome: String,
    /// Polls seen.
    pub polls: i64,
    /// HTTP status of the last poll.
    pub last_status: Option<i64>,
    /// When the last poll was.
    pub last_at: Option<Timestamp>,
    /// Where it was read: a place as in text evidence, or `heartbeat`.
    pub source: String,
}

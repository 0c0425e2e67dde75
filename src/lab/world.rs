//! The deployment that a lab simulates.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A whole deployment. Maps rather than lists, so that a scenario can name the one thing that differs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Settings of the tool that the scenario needs.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
    /// Entra, Resource Manager and Graph.
    pub azure: Azure,
    /// The cluster's API.
    pub kubernetes: Kubernetes,
    /// The Primary's API.
    pub primary: Primary,
    /// The Docker Engine of the Primary's host.
    pub docker: Docker,
    /// The Primary's database.
    pub database: Database,
    /// The gateway's own database.
    pub gateway_database: Database,
    /// Names to addresses.
    pub dns: BTreeMap<String, String>,
    /// `absent`, `timeout` or `azure-vm`.
    pub imds: String,
    /// Service to what is wrong with it: `unreachable`, `deny-all`, `html`, `throttled`, `hang`.
    #[serde(default)]
    pub faults: BTreeMap<String, String>,
    /// The container registry.
    pub registry: Registry,
    /// Service to the seconds that its clock is ahead.
    #[serde(default)]
    pub clocks: BTreeMap<String, i64>,
    /// Milliseconds that every answer takes longer.
    #[serde(default)]
    pub latency_ms: u64,
    /// Calls that are answered 403: `SERVICE PATH`, where the path may end in `*`.
    #[serde(default)]
    pub denied: Vec<String>,
}

/// A container registry's data plane.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Login server.
    pub host: String,
    /// `REPOSITORY:TAG` to what it holds.
    #[serde(default)]
    pub tags: BTreeMap<String, Manifest>,
}

/// What a tag holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Digest.
    pub digest: String,
    /// Digests of an index's manifests.
    #[serde(default)]
    pub children: Vec<String>,
}

/// What Azure knows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Azure {
    /// Tenant id.
    pub tenant: String,
    /// Who the tool logs in as.
    pub login: Login,
    /// Subscription id to its name and the management groups above it.
    pub subscriptions: BTreeMap<String, Subscription>,
    /// Resource provider to its registration state.
    #[serde(default)]
    pub providers: BTreeMap<String, String>,
    /// Vault to its secrets.
    #[serde(default)]
    pub secrets: BTreeMap<String, BTreeMap<String, SecretMeta>>,
    /// Applications in the shape of Graph's answers, each with its `appId`.
    #[serde(default)]
    pub applications: BTreeMap<String, Value>,
    /// Deny assignments.
    #[serde(default)]
    pub denials: BTreeMap<String, Denial>,
    /// Roles that could be activated.
    #[serde(default)]
    pub eligible: BTreeMap<String, Assignment>,
    /// Writes of the last hour: resource id to time.
    #[serde(default)]
    pub activity: BTreeMap<String, String>,
    /// Resources in the shape of ARM's answers, each with its `id`.
    pub resources: BTreeMap<String, Value>,
    /// Federated credentials of the gateway's identity, by name.
    pub credentials: BTreeMap<String, Credential>,
    /// Role definitions by GUID.
    pub roles: BTreeMap<String, Role>,
    /// Role assignments.
    #[serde(default)]
    pub assignments: BTreeMap<String, Assignment>,
    /// Users by object id.
    #[serde(default)]
    pub users: BTreeMap<String, User>,
    /// Group id to the object ids of its members.
    #[serde(default)]
    pub groups: BTreeMap<String, Vec<String>>,
}

/// A vault secret's metadata.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretMeta {
    /// Current version.
    pub version: String,
    /// When it was last changed.
    pub updated: String,
    /// Whether it is enabled.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// A deny assignment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// Where.
    pub scope: String,
    /// To whom.
    pub principal: String,
}

/// A service principal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Client id.
    pub client_id: String,
    /// Object id.
    pub object_id: String,
    /// Client secret, known to the lab only.
    pub client_secret: String,
}

/// A subscription.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Display name.
    pub name: String,
    /// Scopes of the management groups above it.
    #[serde(default)]
    pub above: Vec<String>,
}

/// A federated credential.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// Trusted issuer.
    pub issuer: String,
    /// Trusted subject; none for a flexible credential.
    #[serde(default)]
    pub subject: Option<String>,
    /// Claims-matching expression of a flexible credential.
    #[serde(default)]
    pub expression: Option<String>,
    /// Trusted audiences.
    pub audiences: Vec<String>,
}

/// A role definition.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Role name.
    pub name: String,
    /// Control-plane actions.
    pub actions: Vec<String>,
    /// Actions taken away.
    #[serde(default)]
    pub not_actions: Vec<String>,
    /// Data-plane actions.
    #[serde(default)]
    pub data_actions: Vec<String>,
}

/// A role assignment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Where.
    pub scope: String,
    /// To whom.
    pub principal: String,
    /// `User`, `Group` or `ServicePrincipal`.
    pub kind: String,
    /// Role GUID.
    pub role: String,
    /// When it was made; long ago where none.
    #[serde(default)]
    pub created: Option<String>,
    /// Attribute-based condition.
    #[serde(default)]
    pub condition: Option<String>,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Display name.
    pub name: String,
    /// User principal name.
    pub upn: String,
}

/// What the cluster's API answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kubernetes {
    /// Bearer token that is accepted.
    pub token: String,
    /// Issuer that the API server publishes; the cluster resource's where none.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Objects as the API returns them, with `apiVersion` and `kind`.
    pub objects: BTreeMap<String, Value>,
    /// `POD/CONTAINER` (and `POD/CONTAINER/previous`) to a log file of the sample.
    #[serde(default)]
    pub logs: BTreeMap<String, String>,
}

/// The Primary.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Primary {
    /// Host name in its URL.
    pub host: String,
    /// Port in its URL.
    pub port: u16,
    /// Whether the run is told of the authority that its certificate is from.
    #[serde(default = "yes")]
    pub trusted: bool,
    /// Names in its certificate.
    pub names: Vec<String>,
    /// First day of its certificate, as an RFC 3339 time.
    pub not_before: String,
    /// Last day of its certificate.
    pub not_after: String,
    /// Token that the admin API accepts.
    pub token: String,
    /// Status of the health endpoint.
    pub health_status: u16,
    /// Body of the health endpoint.
    pub health: Value,
    /// Body of the system's health, with the licence.
    pub system: Value,
    /// Where the sign-in address sends a browser.
    pub sign_in: String,
    /// Gateway records by id.
    #[serde(default)]
    pub gateways: BTreeMap<String, Gateway>,
}

/// A gateway record.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Name.
    pub name: String,
    /// Environment.
    pub environment: String,
    /// Role.
    pub role: String,
    /// `activation_status`.
    pub status: String,
    /// Last heartbeat.
    pub last_heartbeat: Option<String>,
    /// Failures in a row.
    pub consecutive_failures: i64,
}

/// The Docker Engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Docker {
    /// Compose project.
    pub project: String,
    /// Containers by name.
    pub containers: BTreeMap<String, Container>,
    /// Container to a log file of the sample.
    #[serde(default)]
    pub logs: BTreeMap<String, String>,
}

/// A container.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Compose service.
    pub service: String,
    /// Image.
    pub image: String,
    /// `running`, `exited`, …
    pub state: String,
    /// Exit code.
    #[serde(default)]
    pub exit_code: i64,
    /// `healthy`, `unhealthy`, or none.
    #[serde(default)]
    pub health: Option<String>,
    /// Restart policy.
    pub restart: String,
    /// What it waits for, as Compose's label says it: `SERVICE:CONDITION:RESTART`.
    #[serde(default)]
    pub depends_on: String,
    /// Restarts so far.
    #[serde(default)]
    pub restarts: i64,
    /// Whether its last end was for lack of memory.
    #[serde(default)]
    pub oom_killed: bool,
    /// Published ports: `HOST:CONTAINER`.
    #[serde(default)]
    pub ports: Vec<String>,
    /// Digests under which registries know its image.
    #[serde(default)]
    pub digests: Vec<String>,
    /// Variables, `NAME=VALUE`.
    #[serde(default)]
    pub env: Vec<String>,
}

/// A database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Whether no URL of it is configured, so that it has to be reached at its container's own address.
    #[serde(default)]
    pub by_container: bool,
    /// Schema of the tables.
    pub schema: String,
    /// Tables by name.
    #[serde(default)]
    pub tables: BTreeMap<String, Table>,
}

/// A table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Columns.
    pub columns: Vec<String>,
    /// Rows; null or text.
    #[serde(default)]
    pub rows: Vec<Vec<Option<String>>>,
}

impl World {
    /// Whether a call is refused.
    pub(super) fn denies(&self, service: &str, path: &str) -> bool {
        self.denied.iter().filter_map(|line| line.split_once(' ')).any(|(name, pattern)| {
            name == service
                && match pattern.strip_suffix('*') {
                    Some(start) => path.to_lowercase().starts_with(&start.to_lowercase()),
                    None => path.eq_ignore_ascii_case(pattern),
                }
        })
    }

    /// Seconds that a service's clock is ahead.
    pub(super) fn ahead(&self, service: &str) -> i64 {
        self.clocks.get(service).copied().unwrap_or(0)
    }

    /// What is wrong with a service, if anything.
    pub(super) fn fault(&self, service: &str) -> Option<&str> {
        self.faults.get(service).map(String::as_str)
    }
}

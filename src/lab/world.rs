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
    /// Trusted subject.
    pub subject: String,
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
}

/// A database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
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
    /// What is wrong with a service, if anything.
    pub(super) fn fault(&self, service: &str) -> Option<&str> {
        self.faults.get(service).map(String::as_str)
    }
}

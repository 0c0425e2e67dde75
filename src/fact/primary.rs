//! Facts about the Primary: its API, certificate, containers, database and gateway records.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The Primary's answer to its health endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// HTTP status.
    pub http_status: u16,
    /// The `status` member, lower case; `healthy` and `ok` are both good.
    pub status: String,
    /// The `version` member.
    pub version: Option<String>,
    /// Component name to its status.
    pub components: BTreeMap<String, String>,
}

/// Answers of the Primary's health endpoint, asked several times where the first was not good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// How often it was asked.
    pub asked: u32,
    /// How often it said that all is well.
    pub fine: u32,
    /// What it answered otherwise, one line each, without repetition.
    pub others: Vec<String>,
}

/// One certificate, as presented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Subject distinguished name.
    pub subject: String,
    /// Issuer distinguished name.
    pub issuer: String,
    /// Subject alternative names (DNS names and addresses).
    pub names: Vec<String>,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
}

/// What a TLS peer presented, whether or not it verifies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerCertificates {
    /// Name that was asked for.
    pub host: String,
    /// Address that was connected to.
    pub address: String,
    /// The chain in the order presented, leaf first.
    pub chain: Vec<Certificate>,
    /// `none`, `expired`, `not-yet-valid`, `hostname-mismatch`, `unknown-authority` or `other`.
    pub problem: String,
    /// The verifier's own words, empty where it verifies.
    pub detail: String,
}

/// A service of the Primary's Compose project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComposeService {
    /// Service name (label `com.docker.compose.service`).
    pub service: String,
    /// Container name.
    pub container: String,
    /// Image reference.
    pub image: String,
    /// `running`, `exited`, `restarting`, …
    pub state: String,
    /// Exit code, where it has exited.
    pub exit_code: Option<i64>,
    /// `healthy`, `unhealthy`, `starting`, or absent without a health check.
    pub health: Option<String>,
    /// Whether it is a one-shot job (another service waits for its end, or nothing about it is a server's): having exited with 0 is
    /// success.
    pub one_shot: bool,
    /// Services whose end it waits for.
    pub waits_for: Vec<String>,
    /// Services that it depends on.
    pub depends_on: Vec<String>,
    /// Restarts so far.
    pub restarts: i64,
    /// Whether its last end was for lack of memory.
    pub oom_killed: bool,
    /// Ports that the host publishes, as `HOST:CONTAINER`.
    pub ports: Vec<String>,
    /// Digests under which registries know its image; empty where it was built here and not pushed as it stands.
    pub repo_digests: Vec<String>,
    /// Names of variables whose value is a placeholder that was never replaced.
    pub placeholders: Vec<String>,
}

/// The Primary's licence, from the health of its system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// `license.status`, lower case.
    pub status: String,
    /// `license.tier`.
    pub tier: Option<String>,
    /// `license.expires_at`.
    pub ends_at: Option<Timestamp>,
    /// Whether that day has passed, by the Primary's own clock.
    pub ended: bool,
}

/// Which migration a database stands at (golang-migrate's bookkeeping row).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// Version of the last migration that was begun.
    pub version: i64,
    /// Whether that migration failed half-way.
    pub dirty: bool,
}

/// One gateway as the Primary knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayRecord {
    /// Record id.
    pub id: String,
    /// Gateway name.
    pub name: String,
    /// Environment it serves, as written.
    pub environment: String,
    /// `activation_status`, lower case.
    pub status: String,
    /// Last heartbeat, where there was one.
    pub last_heartbeat: Option<Timestamp>,
    /// Age of that heartbeat in seconds, by the clock of the server that wrote it.
    pub heartbeat_age_s: Option<i64>,
    /// Failures in a row.
    pub consecutive_failures: i64,
    /// Role it was enrolled with, lower case; empty where the Primary does not tell.
    pub role: String,
}

/// All gateways that the Primary knows, from one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayRecords {
    /// The server's own time when it answered.
    pub server_time: Timestamp,
    /// The records.
    pub gateways: Vec<GatewayRecord>,
}

/// What a name resolves to, from the vantage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NameLookup {
    /// The name.
    pub host: String,
    /// Every address in the answer.
    pub addresses: Vec<String>,
    /// Canonical names passed on the way.
    pub aliases: Vec<String>,
    /// Which resolver answered.
    pub resolver: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

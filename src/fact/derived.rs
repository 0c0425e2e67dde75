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

/// A user who cannot read a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessGap {
    /// The user's object id.
    pub user: String,
    /// The user's name, or the object id again.
    pub user_name: String,
    /// Subscription id.
    pub subscription: String,
    /// Roles the user could activate, joined with a comma; empty where none.
    pub eligible: String,
}

/// How polls of the tasks endpoint end, from the gateway's log, else the Primary's log and records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tasks {
    /// `ok`, `unauthorized`, `failing`, `stopped`, or `alive` where no poll line can be seen and the
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

//! Facts about the examination itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A clock beside another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Whose clock: `this machine`, `the Primary`.
    pub whose: String,
    /// Against whose: `Entra`, `Azure Resource Manager`.
    pub against: String,
    /// Seconds that it is ahead; negative where behind.
    pub ahead_s: i64,
}

/// Something that is not what the deployment asked for has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disagreement {
    /// What disagrees: `issuer`, `API server`, `tenant`, `subscription`, `environment`, `Compose project`.
    pub what: String,
    /// What was asked for, and where that comes from.
    pub asked: String,
    /// What was reached.
    pub reached: String,
}

/// A right that this run lacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingRight {
    /// The right, as the other side names it.
    pub right: String,
    /// Facts that stay unknown without it.
    pub facts: Vec<String>,
}

/// Whether a place was reached, and where it failed if not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// Host and port.
    pub place: String,
    /// `none` where it was reached, else the layer that failed: `dns`, `connect`, `tls`, `first byte` or `body`.
    pub layer: String,
    /// What was seen, one line.
    pub seen: String,
    /// From where, as in `from this machine`.
    pub from: String,
}

//! What is known of one fact: a value, its absence, or why it could not be learned.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a call was made from. An observation of DNS, TCP, TLS or the metadata service
/// holds for its own vantage only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Vantage {
    /// An operator's own machine, outside Azure and outside any container.
    Operator,
    /// A container on a local Docker engine.
    Docker,
    /// A virtual machine in Azure.
    AzureVm,
    /// A pod in a Kubernetes cluster.
    Pod,
    /// A continuous-integration runner.
    Ci,
}

impl Vantage {
    /// How the vantage reads in a sentence that begins with "from".
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Operator => "this machine",
            Self::Docker => "a container on this machine",
            Self::AzureVm => "an Azure virtual machine",
            Self::Pod => "a pod",
            Self::Ci => "a CI runner",
        }
    }
}

/// The layer of a connection at which a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// The name did not resolve.
    Dns,
    /// No TCP connection (or, for a socket file, no connection) came about.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// Connected, but the first byte of an answer never came.
    FirstByte,
    /// The answer began and did not end, or did not end within its bounds.
    Body,
}

impl Layer {
    /// The layer's name as shown to people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::FirstByte => "first byte",
            Self::Body => "body",
        }
    }
}

/// Why something could not be learned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reason {
    /// The other side refused: this caller lacks a right.
    Denied {
        /// What the other side said, one line.
        detail: String,
        /// The right that is missing, where the answer names it or the call implies it.
        permission: Option<String>,
    },
    /// No usable connection, or only failures from the server.
    Unreachable {
        /// Where it failed.
        layer: Layer,
        /// What was seen, one line.
        detail: String,
    },
    /// A deadline passed.
    TimedOut {
        /// What was being waited for.
        layer: Layer,
        /// How long was waited, in milliseconds.
        after_ms: u64,
    },
    /// An answer came and could not be understood.
    Malformed {
        /// What was wrong with it, one line.
        detail: String,
    },
    /// A setting is missing, so there was nothing to ask.
    NotConfigured {
        /// The setting, as a dotted name (`obo.users`).
        setting: String,
    },
    /// It is right, and too young to have spread to every server that decides by it.
    Settling {
        /// What is settling, a few words.
        what: String,
        /// Seconds until it has usually spread.
        left_s: i64,
    },
    /// It was not asked for: it sits behind an opt-in flag, or its probe was left out.
    NotAsked {
        /// The flag or option that would ask.
        option: String,
    },
}

impl Reason {
    /// The reason in one short word or two, the same in every format.
    pub fn label(&self) -> String {
        match self {
            Self::Denied { .. } => "denied".into(),
            Self::Unreachable { layer, .. } => format!("unreachable ({})", layer.name()),
            Self::TimedOut { layer, .. } => format!("timed out ({})", layer.name()),
            Self::Malformed { .. } => "malformed".into(),
            Self::NotConfigured { .. } => "not configured".into(),
            Self::Settling { .. } => "settling".into(),
            Self::NotAsked { .. } => "not asked".into(),
        }
    }

    /// What was seen, for a person; empty where the label says it all.
    pub fn detail(&self) -> String {
        match self {
            Self::Denied { detail, .. } | Self::Unreachable { detail, .. } | Self::Malformed { detail } => {
                detail.clone()
            }
            Self::TimedOut { after_ms, .. } => format!("after {after_ms} ms"),
            Self::NotConfigured { setting } => setting.clone(),
            Self::Settling { what, left_s } => format!("{what}, about {left_s} s left"),
            Self::NotAsked { option } => option.clone(),
        }
    }
}

/// Which call an observation comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The call: method and path, Kubernetes verb and resource, or SQL; empty for a derived fact.
    pub call: String,
    /// Against what: a host, a socket, a database; empty for a derived fact.
    pub against: String,
    /// From where.
    pub vantage: Vantage,
    /// When it was answered.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// For a derived fact: the facts that decided it, or the one that it lacks. Empty for an observed one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome<T> {
    /// It is there, and this is it.
    Known(T),
    /// It was looked for and is not there.
    Absent,
    /// It could not be learned. This is never the same as [`Outcome::Absent`].
    Unknown(Reason),
}

/// One fact as it was observed, with where that comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observation<T> {
    /// What came of asking.
    pub outcome: Outcome<T>,
    /// Which call said so.
    pub origin: Origin,
}

impl<T> Observation<T> {
    /// A value was seen.
    pub fn known(value: T, origin: Origin) -> Self {
        Self { outcome: Outcome::Known(value), origin }
    }

    /// It was looked for and is not there.
    pub fn absent(origin: Origin) -> Self {
        Self { outcome: Outcome::Absent, origin }
    }

    /// It could not be learned.
    pub fn unknown(reason: Reason, origin: Origin) -> Self {
        Self { outcome: Outcome::Unknown(reason), origin }
    }

    /// The value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match &self.outcome {
            Outcome::Known(value) => Some(value),
            Outcome::Absent | Outcome::Unknown(_) => None,
        }
    }

    /// Why it is unknown, where it is.
    pub fn reason(&self) -> Option<&Reason> {
        match &self.outcome {
            Outcome::Unknown(reason) => Some(reason),
            Outcome::Known(_) | Outcome::Absent => None,
        }
    }

    /// The same observation about something made from the value; absence and ignorance carry over.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Observation<U> {
        let outcome = match self.outcome {
            Outcome::Known(value) => Outcome::Known(change(value)),
            Outcome::Absent => Outcome::Absent,
            Outcome::Unknown(reason) => Outcome::Unknown(reason),
        };
        Observation { outcome, origin: self.origin }
    }
}

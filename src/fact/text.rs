//! Text in which symptoms are looked for, and how much of it was read.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lines behind the one in which a message begins that may belong to it: messages wrap.
pub const FOLLOWING: usize = 4;

/// Where a piece of text was taken from. Rules may restrict a symptom to some sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TextSource {
    /// The gateway's container log.
    GatewayLog,
    /// The Primary's container log.
    PrimaryLog,
    /// Kubernetes events about the gateway, and the waiting messages of its containers.
    KubernetesEvent,
    /// Anything else that a person handed over.
    Text,
}

impl TextSource {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::GatewayLog, Self::PrimaryLog, Self::KubernetesEvent, Self::Text];

    /// The name in rule files and documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::GatewayLog => "gateway-log",
            Self::PrimaryLog => "primary-log",
            Self::KubernetesEvent => "kubernetes-event",
            Self::Text => "text",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The fact that says whether this source was read, for rules that rest on text.
    pub fn fact_name(self) -> Option<&'static str> {
        match self {
            Self::GatewayLog => Some("text.gateway_log"),
            Self::PrimaryLog => Some("text.primary_log"),
            Self::KubernetesEvent => Some("text.events"),
            Self::Text => None,
        }
    }
}

/// One line (or event, or message) that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextEvidence {
    /// What kind of source it is from.
    pub source: TextSource,
    /// Which one exactly: `pod/NAME/CONTAINER`, `compose/backend`, `event/pod/NAME`.
    pub place: String,
    /// Line number in that source, from 1.
    pub line: u64,
    /// The line's own time, where it carries one.
    pub at: Option<Timestamp>,
    /// How many times it was seen (an event's count); 1 for a line.
    pub count: u32,
    /// The text, without secrets and without control characters other than newline and tab.
    pub text: String,
}

/// How much of a source was read. Its being known means that the source was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextRead {
    /// Lines (or events) read.
    pub lines: u64,
    /// The places they are from.
    pub places: Vec<String>,
    /// Whether older text was left out at a limit.
    pub cut: bool,
}

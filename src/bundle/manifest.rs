//! The first thing in a bundle: who wrote it of what, what it holds, and what is missing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fact::{Outcome, Reason, Snapshot, Vantage, vocabulary};

/// Version of the bundle's form; it rises when an older reader could misread a newer bundle.
pub const BUNDLE_FORMAT: u32 = 1;

/// A bundle's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mzv-doctor bundle manifest")]
pub struct Manifest {
    /// [`BUNDLE_FORMAT`] of the writer.
    pub bundle_format: u32,
    /// Version of the tool that wrote it.
    pub tool_version: String,
    /// When the run began.
    pub observed_at: Timestamp,
    /// From where.
    pub vantage: Vantage,
    /// Short name of the deployment.
    pub target: String,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// Whether identifiers were replaced by pseudonyms.
    pub pseudonyms: bool,
    /// Answers that there was no room for.
    #[serde(default)]
    pub left_out: usize,
    /// Names that the writer found.
    pub found: Vec<String>,
    /// The writer's rules, each with a mark that differs where the rule does.
    pub rules: BTreeMap<String, String>,
    /// The other files, in order.
    pub files: Vec<Member>,
    /// What is missing, and why.
    pub gaps: Vec<Gap>,
}

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Something that is not in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// The fact, or the log.
    pub what: String,
    /// `denied`, `timed out (connect)`, `cut at a limit`, …
    pub reason: String,
    /// What was seen; empty where the reason says it all.
    pub detail: String,
}

/// What a snapshot lacks. What only an option asks for, and nobody asked for, is no gap.
pub(super) fn gaps(snapshot: &Snapshot, left_out: usize) -> Vec<Gap> {
    let derived = |name: &str| vocabulary().iter().any(|spec| spec.name == name && !spec.from.is_empty());
    let mut gaps = Vec::new();
    for (name, seen) in &snapshot.facts {
        match &seen.outcome {
            Outcome::Unknown(Reason::NotAsked { .. }) => {}
            Outcome::Unknown(reason) if !derived(name) => {
                gaps.push(Gap { what: name.clone(), reason: reason.label(), detail: reason.detail() });
            }
            Outcome::Known(read) if name.starts_with("text.") => {
                let is = |key: &str| read.get(key).and_then(serde_json::Value::as_bool) == Some(true);
                if is("cut") {
                    let detail = "only the newest lines of each log were read".into();
                    gaps.push(Gap { what: name.clone(), reason: "cut at a limit".into(), detail });
                }
            }
            Outcome::Unknown(_) | Outcome::Known(_) | Outcome::Absent => {}
        }
    }
    if left_out > 0 {
        let detail = format!("{left_out} of them are too long, or too many");
        gaps.push(Gap { what: "answers as they came".into(), reason: "cut at a limit".into(), detail });
    }
    gaps
}

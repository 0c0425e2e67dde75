//! The shapes of a diagnosis.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Chain, Field, Verified};
use crate::fact::{Origin, ProbeRun, Reason, TextSource, Vantage};

/// Version of the diagnosis' form; it rises when an older reader could misread a newer document.
pub const DIAGNOSIS_FORMAT: u32 = 1;

/// How bad it is that a rule fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Expected, or a known limitation: nothing to mend.
    Notice,
    /// Will break, or hurts.
    Warning,
    /// Broken.
    Error,
}

impl Severity {
    /// The name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Confidence {
    /// The name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// How sure the rule is of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// One of several explanations.
    Possible,
    /// The usual explanation.
    Likely,
    /// Nothing else explains it.
    Certain,
}

/// One labelled value that decided a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// A word or two.
    pub label: String,
    /// The value seen.
    pub value: String,
}

/// One side of a contrast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// A word or two: `it has`, `pods send`.
    pub label: String,
    /// The value, verbatim.
    pub value: String,
}

/// Two values that should be the same and are not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// What is there.
    pub has: Side,
    /// What it has to be.
    pub wants: Side,
}

/// A piece of text in which a symptom was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Excerpt {
    /// Kind of source.
    pub source: TextSource,
    /// Which one exactly.
    pub place: String,
    /// Line number of the last occurrence, from 1.
    pub line: u64,
    /// Byte in that line, from 1, where it was kept.
    pub column: Option<u64>,
    /// How many times it was seen.
    pub count: u32,
    /// First time, where the text carries times.
    pub first: Option<Timestamp>,
    /// Last time, where the text carries times.
    pub last: Option<Timestamp>,
    /// The text around the match of the last occurrence, at most a few hundred characters. Hostile until a format
    /// has made it inert.
    pub text: String,
    /// The part of the text that shows it; empty where it was not kept. As hostile as the text.
    pub decisive: String,
}

/// What to do about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// One sentence that begins with a verb; may be empty where the commands say it all.
    pub text: String,
    /// Commands as argument lists, real names filled in. Formats quote them for a shell.
    pub commands: Vec<Vec<String>>,
    /// Names that could not be filled in and stand in the commands as `<name>`.
    pub open: Vec<String>,
    /// What a person has to do or to look at before a command changes anything; empty where nothing.
    pub first: String,
}

/// A rule that fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The named error.
    pub id: String,
    /// One line.
    pub title: String,
    /// Area of the rule table.
    pub area: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// What it is about; with the id, what makes a finding the same from run to run.
    pub subject: String,
    /// The area that it was judged for, where the rule is judged for several (`primary_db`).
    pub about: Option<String>,
    /// A few words for the row of a consequence (`0 of 1 pods ready`).
    pub brief: String,
    /// What decided it.
    pub evidence: Vec<Evidence>,
    /// Two values that should be equal.
    pub contrast: Option<Contrast>,
    /// Text that shows it.
    pub text: Vec<Excerpt>,
    /// What it means, a few sentences.
    pub explanation: String,
    /// What mends it; none for a notice.
    pub remedy: Option<Remedy>,
    /// What to know when verifying (`takes a minute or two to spread`).
    pub verify: String,
    /// Ids of findings of this diagnosis that explain this one; empty makes it a cause.
    pub caused_by: Vec<String>,
    /// Names that would explain it and could not be examined, where nothing that was found explains it.
    pub perhaps: Vec<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// Facts that decided it, with the call each is from.
    pub facts: BTreeMap<String, Origin>,
    /// What makes it the same finding from run to run; see [`fingerprint`].
    pub fingerprint: String,
    /// Why it fails no run although it stands.
    pub accepted: Option<Accepted>,
}

/// Area of findings about the suppressions file, which no rule stands for.
pub const SUPPRESSIONS_AREA: &str = "suppressions";

impl Finding {
    /// Whether it is about the deployment, so that a run can look at it again.
    pub fn is_of_a_rule(&self) -> bool {
        self.area != SUPPRESSIONS_AREA
    }
}

/// Why a finding fails no run although it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Accepted {
    /// Somebody answers for it, until a day.
    Suppression {
        /// Why it is accepted.
        reason: String,
        /// Who answers for it.
        owner: String,
        /// The last day on which it is.
        expires: Date,
    },
    /// It was found before.
    Baseline {
        /// When the run began that found it.
        observed_at: Timestamp,
    },
}

impl Accepted {
    /// In a few words.
    pub fn phrase(&self) -> String {
        match self {
            Self::Suppression { reason, owner, expires } => {
                format!("accepted until {expires} by {owner}: {reason}")
            }
            Self::Baseline { observed_at } => format!("known since {observed_at}, as the baseline says"),
        }
    }
}

/// 32 hexadecimal digits of SHA-256 over name, area and subject. Wording, order and evidence are no part of it.
pub fn fingerprint(id: &str, about: Option<&str>, subject: &str) -> String {
    let text = [id, about.unwrap_or_default(), subject].join("\0");
    hex::encode(&Sha256::digest(text)[..16])
}

/// A fact that a verdict lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// Fact name.
    pub fact: String,
    /// Why it is unknown.
    pub reason: Reason,
    /// The call that would have answered.
    pub call: String,
    /// Against what it was made.
    pub against: String,
}

/// A rule that could not be decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inconclusive {
    /// The named error.
    pub id: String,
    /// One line.
    pub title: String,
    /// How bad it would be.
    pub severity: Severity,
    /// Whether the run may not be called green without it.
    pub required: bool,
    /// Facts it lacks.
    pub missing: Vec<Missing>,
}

/// A rule that was decided and did not fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Passed {
    /// The named error.
    pub id: String,
    /// One line.
    pub title: String,
    /// How bad it would have been.
    pub severity: Severity,
    /// Text that names this error although the facts contradict it: history, not a verdict.
    pub history: Vec<Excerpt>,
}

/// A rule that does not apply to this deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotApplicable {
    /// The named error.
    pub id: String,
    /// One line.
    pub title: String,
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnosis {
    /// [`DIAGNOSIS_FORMAT`] of the writer.
    pub format: u32,
    /// Version of the tool.
    pub tool_version: String,
    /// When the examination began.
    pub observed_at: Timestamp,
    /// From where.
    pub vantage: Vantage,
    /// What tells this deployment from others, as far as it is known: ids and names, by setting.
    #[serde(default)]
    pub deployment: BTreeMap<String, String>,
    /// Short name of the deployment (its environment).
    pub target: String,
    /// Facts asked.
    pub facts_asked: usize,
    /// How long the probes took altogether, in milliseconds.
    pub took_ms: u64,
    /// What is wrong (and notices), worst causes first, each followed by nothing: consequences are linked by id.
    pub findings: Vec<Finding>,
    /// What could not be decided.
    pub inconclusive: Vec<Inconclusive>,
    /// What is fine.
    pub passed: Vec<Passed>,
    /// What does not apply here.
    pub not_applicable: Vec<NotApplicable>,
    /// How each probe went.
    pub probes: Vec<ProbeRun>,
    /// The links of the deployment in their order, each with whether it holds.
    pub chains: Vec<Chain>,
    /// Federation field by field; empty where neither the pods nor the identity's credentials are known.
    pub federation: Vec<Field>,
    /// Findings of this severity or worse fail the run.
    pub fail_on: Severity,
    /// The one name that was asked about, where only one was; everything else is left out.
    pub only: Option<Verified>,
    /// Arguments that lead to the same deployment again.
    pub again: Vec<String>,
    /// Why the run ends as it does, in a few words; empty where the findings say it.
    pub because: String,
}

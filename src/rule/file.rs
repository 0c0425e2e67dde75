//! The form of a rule file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::fact::TextSource;

/// How bad it is that a rule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// The name in rule files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// How sure a rule is of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sureness {
    /// One of several explanations.
    Possible,
    /// The usual explanation.
    Likely,
    /// Nothing else explains it.
    Certain,
}

/// What an example comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// The rule fires.
    Fired,
    /// The rule is decided and quiet.
    Passed,
    /// The rule cannot be decided.
    Inconclusive,
    /// The rule does not apply.
    NotApplicable,
}

/// A piece of text of an example.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExampleText {
    /// Where it was read.
    #[serde(rename = "in")]
    pub source: TextSource,
    /// The program or library that words it so.
    #[serde(default)]
    pub from: String,
    /// The text.
    pub line: String,
}

/// A miniature world and what the rule comes to in it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What it comes to.
    pub expect: Expect,
    /// Known facts; null is absent. What is not listed is unknown.
    #[serde(default)]
    pub facts: BTreeMap<String, Value>,
    /// Settings that differ from the defaults.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
    /// Facts that are unknown because a call timed out.
    #[serde(default)]
    pub unknown: Vec<String>,
    /// Text that was read.
    #[serde(default)]
    pub text: Vec<ExampleText>,
}

/// An expression or pattern with its line.
pub(super) type Source = Spanned<String>;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelledFile {
    pub(super) label: String,
    #[schemars(with = "String")]
    pub(super) value: Source,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ContrastFile {
    pub(super) has: LabelledFile,
    pub(super) wants: LabelledFile,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SymptomFile {
    #[serde(rename = "in", default = "every_source")]
    pub(super) sources: Vec<TextSource>,
    /// Code of Entra (the digits behind `AADSTS`), in place of a pattern.
    #[serde(default)]
    #[schemars(with = "Option<u64>")]
    pub(super) entra: Option<Spanned<u64>>,
    /// Where a space and a quotation mark stand for every way in which texts write them.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) pattern: Option<Source>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) unless: Option<Source>,
}

fn every_source() -> Vec<TextSource> {
    vec![TextSource::GatewayLog, TextSource::PrimaryLog, TextSource::KubernetesEvent, TextSource::Text]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VariantFile {
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) when: Option<Source>,
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(super) for_each: BTreeMap<String, Source>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) text: Option<Source>,
    #[serde(default)]
    #[schemars(with = "Vec<Vec<String>>")]
    pub(super) commands: Vec<Vec<Source>>,
    /// Whether the text asks for something that no command does, before anything is changed.
    #[serde(default)]
    pub(super) by_hand: bool,
}

/// A rule file as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mzv-doctor rule")]
pub(super) struct RuleFile {
    pub(super) id: String,
    /// Other names that people look it up by.
    #[serde(default)]
    pub(super) also: Vec<String>,
    pub(super) title: String,
    pub(super) area: String,
    pub(super) severity: Severity,
    pub(super) confidence: Sureness,
    #[serde(default)]
    pub(super) each: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) applies: Option<Source>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) when: Option<Source>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) notice_when: Option<Source>,
    #[serde(default)]
    pub(super) symptoms: Vec<SymptomFile>,
    /// The rule examines nothing: where no text shows it, a diagnosis does not speak of it.
    #[serde(default)]
    pub(super) text_only: bool,
    /// Names of recoveries (`text.yaml`): later text of the same source that shows one ends the symptom.
    #[serde(default)]
    pub(super) recovered_by: Vec<String>,
    /// What is usually behind it in this deployment, the likeliest first.
    #[serde(default)]
    pub(super) causes: Vec<String>,
    #[schemars(with = "String")]
    pub(super) subject: Source,
    #[schemars(with = "String")]
    pub(super) brief: Source,
    #[serde(default)]
    pub(super) evidence: Vec<LabelledFile>,
    #[serde(default)]
    pub(super) contrast: Option<ContrastFile>,
    #[schemars(with = "String")]
    pub(super) explanation: Source,
    #[serde(default)]
    pub(super) remedy: Vec<VariantFile>,
    #[serde(default)]
    pub(super) verify: String,
    #[serde(default)]
    pub(super) caused_by: Vec<String>,
    #[serde(default)]
    pub(super) references: Vec<String>,
    pub(super) examples: Vec<Example>,
}

/// JSON Schema of a rule file.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(RuleFile)
}

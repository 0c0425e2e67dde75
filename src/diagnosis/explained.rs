//! What a named error means, apart from any deployment that shows it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::judge::{Fired, World};
use super::{Confidence, Remedy, Severity, compose};
use crate::fact::Snapshot;
use crate::rule::{Expect, Rule, RuleTable};

/// A way in which a program words it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// The program or library; empty where it is a deployment's own log.
    pub from: String,
    /// An example.
    pub text: String,
}

/// A named error, explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// The named error.
    pub id: String,
    /// Other names.
    pub also: Vec<String>,
    /// One line.
    pub title: String,
    /// Area of the rule table.
    pub area: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// What it means.
    pub explanation: String,
    /// What is usually behind it in this deployment, the likeliest first.
    pub causes: Vec<String>,
    /// Ways to mend it; which fits, a diagnosis tells. What is in brackets is to be filled in.
    pub remedies: Vec<Remedy>,
    /// What to know when verifying.
    pub verify: String,
    /// Whether `check` examines it; otherwise only text shows it.
    pub examined: bool,
    /// Names that explain it.
    pub caused_by: Vec<String>,
    /// How programs word it.
    pub wordings: Vec<Wording>,
    /// Where to read more.
    pub references: Vec<String>,
}

/// Explains a rule, with the settings of `snapshot` filled in.
pub fn explain(snapshot: &Snapshot, table: &RuleTable, rule: &Rule) -> Explanation {
    let world = World::new(snapshot, table);
    let binding = rule.bindings().into_iter().next().flatten();
    let filled = compose::finding(&world, rule, binding, &Fired::unseen(rule));
    let mut wordings: BTreeMap<&str, String> = BTreeMap::new();
    let mut own = Vec::new();
    for text in rule.examples.iter().filter(|it| it.expect == Expect::Fired).flat_map(|it| &it.text) {
        if text.from.is_empty() {
            own.push(Wording { from: String::new(), text: text.line.clone() });
        } else {
            wordings.entry(&text.from).or_insert_with(|| text.line.clone());
        }
    }
    let named = wordings.into_iter().map(|(from, text)| Wording { from: from.to_owned(), text });
    Explanation {
        id: rule.id.clone(),
        also: rule.also.clone(),
        title: rule.title.clone(),
        area: rule.area.clone(),
        severity: compose::severity(rule.severity),
        confidence: compose::confidence(rule.confidence),
        explanation: filled.explanation,
        causes: rule.causes.clone(),
        remedies: compose::remedies(&world, rule, binding),
        verify: rule.verify.clone(),
        examined: !rule.text_only,
        caused_by: rule.caused_by.clone(),
        wordings: named.chain(own).collect(),
        references: rule.references.clone(),
    }
}

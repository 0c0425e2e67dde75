//! The rule table: one named error a file, data only. Loaded strictly: what cannot be meant does not load.
//!
//! A rule reads facts by name in a condition (CEL), looks for symptoms in text (regular expressions with
//! named captures), or both. To add one: a file `rules/AREA/ID.yaml`; its examples are its tests.

mod catalogue;
mod chains;
mod check;
mod clause;
mod expression;
mod file;
mod files;
mod filter;
mod literal;
mod load;
mod prepare;
mod search;
mod shape;
mod symptom;
mod table;
mod template;
mod wording;

pub use catalogue::{catalogue, scanner};
pub use chains::{ChainSpec, Chains, LinkSpec, chains};
pub use clause::{Clause, Joined};
pub use expression::{Expression, Ground, Scope, Truth};
pub use file::{Example, ExampleText, Expect, Severity, Sureness, schema};
pub use files::marks;
pub use load::RuleError;
pub use prepare::Entry;
pub use search::{Search, Shown, is_retry};
pub use shape::{Shape, shapes};
pub use symptom::{Found, Hit, Scanner};
pub use table::{RuleTable, load, load_some, load_to_judge};
pub use template::{Filled, Template, Values};

use std::collections::BTreeMap;

/// One labelled template.
pub struct Labelled {
    /// A word or two.
    pub label: String,
    /// The value.
    pub value: Template,
}

/// Two labelled templates whose values should be the same.
pub struct Contrasted {
    /// What is there.
    pub has: Labelled,
    /// What it has to be.
    pub wants: Labelled,
}

/// One way to mend it.
pub struct Variant {
    /// When this way is the right one; always where none.
    pub when: Option<Expression>,
    /// Variable and list: the commands are given once for each element.
    pub for_each: Option<(String, Expression)>,
    /// One sentence.
    pub text: Option<Template>,
    /// Argument lists.
    pub commands: Vec<Vec<Template>>,
    /// Whether the text asks for something that no command does, before anything is changed.
    pub by_hand: bool,
}

/// One named error.
pub struct Rule {
    /// The name.
    pub id: String,
    /// Other names that people look it up by.
    pub also: Vec<String>,
    /// One line.
    pub title: String,
    /// The area, which is its folder.
    pub area: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Sureness,
    /// Variable and fact areas: the rule is judged once for each.
    pub each: Option<(String, Vec<String>)>,
    /// Whether the rule applies at all.
    pub applies: Option<Expression>,
    /// The condition.
    pub when: Option<Expression>,
    /// When what fired is a notice only.
    pub notice_when: Option<Expression>,
    /// Number of symptoms, which the table's scanner holds.
    pub symptoms: usize,
    /// The rule examines nothing: where no text shows it, a diagnosis does not speak of it.
    pub text_only: bool,
    /// Names of recoveries that end the symptom.
    pub recovered_by: Vec<String>,
    /// What is usually behind it in this deployment, the likeliest first.
    pub causes: Vec<String>,
    /// Sources that the symptoms look in.
    pub sources: Vec<crate::fact::TextSource>,
    /// What a finding is about.
    pub subject: Template,
    /// A few words for the row of a consequence.
    pub brief: Template,
    /// What to show as evidence.
    pub evidence: Vec<Labelled>,
    /// Two values side by side.
    pub contrast: Option<Contrasted>,
    /// What it means.
    pub explanation: Template,
    /// Ways to mend it, the first that fits.
    pub remedy: Vec<Variant>,
    /// What to know when verifying.
    pub verify: String,
    /// Rules whose finding explains this one's.
    pub caused_by: Vec<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// Its tests.
    pub examples: Vec<Example>,
}

impl Rule {
    /// Facts that its conditions read, and those that say whether the text it looks in was read.
    pub fn reads(&self) -> std::collections::BTreeSet<String> {
        let conditions = [&self.applies, &self.when, &self.notice_when].into_iter().flatten();
        let mut names = std::collections::BTreeSet::new();
        for condition in conditions {
            for binding in self.bindings() {
                names.extend(condition.facts(binding));
            }
        }
        names.extend(self.sources.iter().filter_map(|source| source.fact_name()).map(str::to_owned));
        names
    }

    /// What the rule is judged for: each fact area in turn, or once without any.
    pub fn bindings(&self) -> Vec<Option<(&str, &str)>> {
        match &self.each {
            None => vec![None],
            Some((variable, areas)) => {
                areas.iter().map(|area| Some((variable.as_str(), area.as_str()))).collect()
            }
        }
    }
}

/// The values of one area by fact, as an expression sees them; an unknown fact is left out.
pub type Areas = BTreeMap<String, BTreeMap<String, serde_json::Value>>;

//! `rules`: the table itself.

use std::fmt::Write;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::arguments::Rules;
use super::check::load_rules;
use super::{Failure, output};
use crate::diagnosis::judge_example;
use crate::fact::{Snapshot, Vantage};
use crate::gate::exit;
use crate::rule::{self, Entry};
use crate::target::Target;

pub(super) fn rules(verb: Rules) -> Result<u8, Failure> {
    match verb {
        Rules::List { rules } => {
            let table = load_rules(rules.as_deref())?;
            let widest = table.rules.keys().map(String::len).max().unwrap_or(0);
            let mut text = String::new();
            for rule in table.rules.values() {
                let severity = rule.severity.name();
                // Writing to a string does not fail.
                let _written = writeln!(text, "{:widest$}   {severity:7}   {}", rule.id, rule.title);
            }
            output::put(&text)?;
        }
        Rules::Index => output::put(&index())?,
        Rules::Test { names, rules } => return test(&names, rules.as_deref()),
        Rules::Schema => {
            let schema = serde_json::to_string_pretty(&rule::schema()).unwrap_or_default();
            output::put(&format!("{schema}\n"))?;
        }
    }
    Ok(exit::FINE)
}

/// The embedded rules by area, each with what shows it.
fn index() -> String {
    let mut areas: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in rule::catalogue() {
        areas.entry(&entry.area).or_default().push(entry);
    }
    let mut text = String::from(
        "# Rules\n\nWritten by `mzv-doctor rules index` from the files here. `mzv-doctor explain NAME` says more of each.\n",
    );
    for (area, entries) in areas {
        // Writing to a string does not fail.
        let _written =
            write!(text, "\n## {area}\n\n| name | what it is | severity | shown by |\n|---|---|---|---|\n");
        for entry in entries {
            let shown_by = match (entry.text_only, entry.has_symptoms()) {
                (true, _) => "text",
                (false, true) => "check, text",
                (false, false) => "check",
            };
            let title = entry.title.replace('|', "\\|");
            let _written = writeln!(text, "| `{}` | {title} | {} | {shown_by} |", entry.id, entry.severity);
        }
    }
    text
}

/// Judges the examples of rules as the project's own tests do, for those who write rules of their own.
fn test(names: &[String], overlay: Option<&Path>) -> Result<u8, Failure> {
    let table = load_rules(overlay)?;
    if let Some(unknown) = names.iter().find(|name| !table.rules.contains_key(*name)) {
        return Err(Failure::Usage(format!(
            "there is no rule {unknown}; `mzv-doctor rules list` names them"
        )));
    }
    let mut world = Snapshot::new(Timestamp::now(), Vantage::Operator);
    world.target = Target::staged(BTreeMap::new(), "default")?.settings().clone();
    let mut text = String::new();
    let (mut examples, mut wrong) = (0, 0);
    for rule in table.rules.values().filter(|rule| names.is_empty() || names.contains(&rule.id)) {
        for (number, example) in (1..).zip(&rule.examples) {
            examples += 1;
            let got = judge_example(&table, rule, &example.snapshot(&world));
            if got != example.expect {
                wrong += 1;
                let (id, wanted) = (&rule.id, example.expect);
                // Writing to a string does not fail.
                let _written = writeln!(text, "{id}: example {number} comes to {got:?}, expected {wanted:?}");
            }
        }
    }
    output::put(&format!("{text}{examples} examples, {wrong} not as expected\n"))?;
    Ok(if wrong > 0 { exit::FINDINGS } else { exit::FINE })
}

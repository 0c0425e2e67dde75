//! `rules`: the table itself.

use std::fmt::Write;

use super::arguments::Rules;
use super::check::load_rules;
use super::{Failure, output};
use crate::gate::exit;
use crate::rule;

pub(super) fn rules(verb: Rules) -> Result<u8, Failure> {
    match verb {
        Rules::List { rules } => {
            let table = load_rules(rules.as_deref())?;
            let widest = table.rules.keys().map(String::len).max().unwrap_or(0);
            let mut text = String::new();
            for rule in table.rules.values() {
                let severity = match rule.severity {
                    rule::Severity::Error => "error",
                    rule::Severity::Warning => "warning",
                    rule::Severity::Notice => "notice",
                };
                // Writing to a string does not fail.
                let _written = writeln!(text, "{:widest$}   {severity:7}   {}", rule.id, rule.title);
            }
            output::put(&text)?;
        }
        Rules::Schema => {
            let schema = serde_json::to_string_pretty(&rule::schema()).unwrap_or_default();
            output::put(&format!("{schema}\n"))?;
        }
    }
    Ok(exit::FINE)
}

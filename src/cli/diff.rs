//! `diff`: what changed between two runs that were recorded.

use super::arguments::{Diff, DiffFormat};
use super::check::load_rules;
use super::examination::policy;
use super::{Failure, output, record};
use crate::derive::derive;
use crate::diagnosis::{changes, diagnose};
use crate::gate::exit;
use crate::report;

pub(super) fn diff(wanted: &Diff) -> Result<u8, Failure> {
    let rules = load_rules(wanted.rules.as_deref())?;
    let read = |file: &std::path::Path| -> Result<_, Failure> {
        let (mut snapshot, _) = record::read(file)?;
        derive(&mut snapshot);
        let diagnosis = diagnose(&snapshot, &rules, &policy([]));
        Ok((snapshot, diagnosis))
    };
    let (before, after) = (read(&wanted.before)?, read(&wanted.after)?);
    let changes = changes((&before.0, &before.1), (&after.0, &after.1));
    output::put(&match wanted.output {
        DiffFormat::Terminal => {
            report::changes_on_terminal(&changes, output::style(wanted.color, wanted.verbose))
        }
        DiffFormat::Json => report::changes_in_json(&changes),
    })?;
    Ok(if changes.names.is_empty() && changes.facts.is_empty() { exit::FINE } else { exit::FINDINGS })
}

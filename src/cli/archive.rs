//! `check --bundle FOLDER`: every bundle below it, judged side by side, and one overview.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::arguments::{Check, Written};
use super::examination::policy;
use super::{Failure, output, record};
use crate::bundle::is_bundle;
use crate::derive::derive;
use crate::diagnosis::{Policy, diagnose};
use crate::gate::{self, ending, exit};
use crate::report::{Format, Overview, Tally, overview_in_json, overview_on_terminal};
use crate::rule;
use crate::text::{File, walk};

/// Judges every bundle of a folder. The exit status is that of the worst: findings before what stayed open.
pub(super) fn check(arguments: &Check, folder: &Path) -> Result<u8, Failure> {
    for output in &arguments.output {
        if !matches!(output.format, Written::Diagnosis(Format::Terminal | Format::Json)) {
            return Err(Failure::Usage(
                "of a folder of bundles there is an overview as terminal or json only".into(),
            ));
        }
    }
    if arguments.baseline.is_some() || arguments.suppressions.is_some() {
        return Err(Failure::Usage(
            "--baseline and --suppressions have no meaning with a folder of bundles".into(),
        ));
    }
    let overview = judge(arguments, folder)?;
    let worst = |code: &u8| overview.ended.contains_key(code);
    let code = match () {
        () if worst(&exit::FINDINGS) => exit::FINDINGS,
        () if overview.runs == 0 || !overview.unread.is_empty() => exit::INCONCLUSIVE,
        () if overview.ended.keys().all(|code| *code == exit::FINE) => exit::FINE,
        () => exit::INCONCLUSIVE,
    };
    let to_screen = [super::arguments::Output { format: Written::Diagnosis(Format::Terminal), file: None }];
    let outputs = if arguments.output.is_empty() { &to_screen[..] } else { &arguments.output };
    for wanted in outputs {
        let text = match wanted.format {
            Written::Diagnosis(Format::Json) => overview_in_json(&overview),
            _ => overview_on_terminal(&overview, code),
        };
        match &wanted.file {
            None => output::put(&text)?,
            Some(file) => output::write(file, &text)?,
        }
    }
    Ok(code)
}

fn judge(arguments: &Check, folder: &Path) -> Result<Overview, Failure> {
    let rules = super::check::load_rules(arguments.examine.rules.as_deref())?;
    for name in &arguments.require {
        if !rules.rules.contains_key(name) {
            return Err(Failure::Usage(format!(
                "there is no rule {name}; `mzv-doctor rules list` names them"
            )));
        }
    }
    let marks = rule::marks(arguments.examine.rules.as_deref())?;
    let policy =
        Policy { fail_on: Some(arguments.fail_on.severity()), ..policy(arguments.require.iter().cloned()) };
    let gate = gate::Policy {
        fail_on: arguments.fail_on.severity(),
        min_confidence: arguments.min_confidence.confidence(),
        min_coverage: arguments.min_coverage,
        ..gate::Policy::default()
    };
    // A link may lead out of the folder, and is nothing that somebody put there.
    let is_link = |file: &File| file.path.symlink_metadata().is_ok_and(|there| there.is_symlink());
    let inside = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let is_inside =
        |file: &File| std::fs::canonicalize(&file.path).is_ok_and(|real| real.starts_with(&inside));
    let mut files = walk(folder, &mut BTreeSet::new());
    files.retain(|file| !is_link(file) && is_inside(file));
    let (next, tally, newer) = (AtomicUsize::new(0), Mutex::new(Tally::default()), AtomicUsize::new(0));
    let count = |change: &mut dyn FnMut(&mut Tally)| {
        change(&mut tally.lock().unwrap_or_else(PoisonError::into_inner));
    };
    let one = |file: &File| {
        if let Some(problem) = &file.problem {
            return count(&mut |tally| tally.miss(file.place.clone(), problem.clone()));
        }
        let is_json = file.path.extension().is_some_and(|ending| ending == "json");
        match is_bundle(&file.path) {
            // A snapshot is a record as well; other documents are none.
            Ok(false) if is_json && record::is_snapshot(&file.path) => {}
            Ok(false) => return count(&mut Tally::pass_over),
            Ok(true) => {}
            Err(error) => return count(&mut |tally| tally.miss(file.place.clone(), error.to_string())),
        }
        match record::read(&file.path) {
            Err(failure) => {
                let said = failure.to_string();
                let said = said.strip_prefix(&format!("{}: ", file.place)).unwrap_or(&said).to_owned();
                count(&mut |tally| tally.miss(file.place.clone(), said.clone()));
            }
            Ok((mut snapshot, manifest)) => {
                if manifest.is_some_and(|manifest| manifest.rules != marks) {
                    newer.fetch_add(1, Ordering::Relaxed);
                }
                derive(&mut snapshot);
                let diagnosis = diagnose(&snapshot, &rules, &policy);
                let code = ending(&diagnosis, gate).code;
                count(&mut |tally| tally.add(&file.place, code, &diagnosis));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    one(file);
                }
            });
        }
    });
    let newer = newer.into_inner();
    if newer > 0 {
        output::note(&format!("{newer} of them were written with other rules, and judged by the ones here"));
    }
    Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner).end())
}

//! `check` and `verify`: observe, derive, judge, report; again, where it is to wait.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;

use super::arguments::{Check, Output, TargetArguments, Written};
use super::examination::{Examination, settings};
use super::{Failure, output, record};
use crate::diagnosis::{Diagnosis, verified};
use crate::fact::{Vantage, vocabulary};
use crate::gate::{self, Outlook, exit_code, outlook};
use crate::lab::{self, Lab};
use crate::probe;
use crate::report::{self, Format};
use crate::rule::{self, RuleTable};
use crate::target::Target;

/// Time between two looks at what still changes, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(15));

/// Examines and reports; with `only`, on that name and what explains it.
pub(super) async fn check(arguments: &Check, only: Option<&str>) -> Result<u8, Failure> {
    if arguments.output.iter().filter(|wanted| wanted.file.is_none()).count() > 1 {
        let problem = "two reports cannot share standard output: give one of them a file, as in -o json=FILE";
        return Err(Failure::Usage(problem.into()));
    }
    if arguments.wait.is_some() && arguments.examine.bundle.is_some() {
        return Err(Failure::Usage(
            "--wait has no meaning with --bundle: nothing changes in a record".into(),
        ));
    }
    let mut examination = Examination::begin(&arguments.examine).await?;
    for name in arguments.require.iter().map(String::as_str).chain(only) {
        examination.rule(name)?;
    }
    let facts = only.map(|name| examination.facts_for(name));
    examination.look(facts.as_ref()).await?;
    let mut diagnosis = judge(&examination, arguments, only);
    let mut policy = gate::Policy {
        fail_on: arguments.fail_on.severity(),
        min_confidence: arguments.min_confidence.confidence(),
        interrupted: examination.stopped,
        waited: false,
    };
    if let Some(longest) = arguments.wait {
        wait(&mut examination, &mut diagnosis, arguments, only, policy, longest).await?;
        (policy.waited, policy.interrupted) = (true, examination.stopped);
    }
    let code = exit_code(&diagnosis, policy);
    report_all(arguments, &examination, &diagnosis, code)?;
    Ok(code)
}

fn judge(examination: &Examination, arguments: &Check, only: Option<&str>) -> Diagnosis {
    let mut diagnosis =
        examination.diagnose(arguments.require.iter().cloned().chain(only.map(str::to_owned)));
    diagnosis.fail_on = arguments.fail_on.severity();
    if let Some(name) = only {
        let verified = verified(&diagnosis, &examination.rules, name);
        restrict(&mut diagnosis, name, &examination.rules);
        diagnosis.only = Some(verified);
    }
    diagnosis
}

/// Asks again what can still change, until nothing does or the time is over.
async fn wait(
    examination: &mut Examination,
    diagnosis: &mut Diagnosis,
    arguments: &Check,
    only: Option<&str>,
    policy: gate::Policy,
    longest: Duration,
) -> Result<(), Failure> {
    let began = Instant::now();
    let mut pause = PAUSES.0;
    while !examination.stopped {
        let Outlook::Moving { names, what } = outlook(diagnosis, policy) else { return Ok(()) };
        let left = longest.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        output::note(&format!("waiting for {what} ({} s left of --wait)", left.as_secs()));
        if !examination.pause(pause.min(left)).await {
            return Ok(());
        }
        pause = (pause * 3 / 2).min(PAUSES.1);
        let facts: BTreeSet<String> = names
            .iter()
            .map(String::as_str)
            .chain(only)
            .flat_map(|name| examination.facts_for(name))
            .collect();
        examination.look(Some(&facts)).await?;
        *diagnosis = judge(examination, arguments, only);
    }
    Ok(())
}

pub(super) fn load_rules(overlay: Option<&std::path::Path>) -> Result<RuleTable, Failure> {
    Ok(rule::load(&vocabulary(), &settings(), overlay)?)
}

/// The deployment, staged where it is one of the lab's.
pub(super) async fn target(
    lab: Option<&str>,
    arguments: &TargetArguments,
) -> Result<(Target, Option<Lab>), Failure> {
    let Some(name) = lab else {
        let target = Target::resolve(arguments.config.as_deref(), output::variables(), arguments.flags())?;
        return Ok((target, None));
    };
    let staged = lab::stage(lab::load(name, Timestamp::now())?).await?;
    let mut settings = staged.settings();
    // Of the flags, only those that say how long to wait mean anything to a lab.
    for (setting, flag, value) in arguments.flags() {
        if !setting.starts_with("run.") {
            return Err(Failure::Usage(format!(
                "{flag} has no meaning with --lab, which brings its own target"
            )));
        }
        settings.insert(setting.to_owned(), value);
    }
    if arguments.config.is_some() {
        return Err(Failure::Usage("--config has no meaning with --lab, which brings its own target".into()));
    }
    settings.entry("run.request_timeout".into()).or_insert_with(|| json!("5s"));
    Ok((Target::staged(settings, "lab")?, Some(staged)))
}

pub(super) fn vantage(target: &Target) -> Vantage {
    match target.text("run.vantage").as_str() {
        "operator" => Vantage::Operator,
        "docker" => Vantage::Docker,
        "azure-vm" => Vantage::AzureVm,
        "pod" => Vantage::Pod,
        "ci" => Vantage::Ci,
        _ => probe::detect_vantage(|name| std::env::var(name).ok()),
    }
}

/// Keeps one name with everything that explains it.
fn restrict(diagnosis: &mut Diagnosis, name: &str, rules: &RuleTable) {
    let mut kept = BTreeSet::from([name.to_owned()]);
    let mut open = vec![name.to_owned()];
    while let Some(next) = open.pop() {
        for cause in rules.rules.get(&next).into_iter().flat_map(|rule| &rule.caused_by) {
            if diagnosis.findings.iter().any(|finding| &finding.id == cause) && kept.insert(cause.clone()) {
                open.push(cause.clone());
            }
        }
    }
    let fired = diagnosis.findings.iter().any(|finding| finding.id == name);
    diagnosis.findings.retain(|finding| fired && kept.contains(&finding.id));
    diagnosis.inconclusive.retain(|row| row.id == name);
    diagnosis.passed.retain(|row| row.id == name);
    diagnosis.not_applicable.retain(|row| row.id == name);
    diagnosis.chains.clear();
    diagnosis.federation.clear();
}

fn report_all(
    arguments: &Check,
    examination: &Examination,
    diagnosis: &Diagnosis,
    code: u8,
) -> Result<(), Failure> {
    let style = output::style(arguments.color, arguments.verbose);
    let plain = report::Style { color: false, ..style };
    let to_screen = [Output { format: Written::Diagnosis(Format::Terminal), file: None }];
    let outputs: &[Output] = if arguments.output.is_empty() { &to_screen } else { &arguments.output };
    // One output that cannot be written keeps no other from being written.
    let mut failed = None;
    for wanted in outputs {
        let style = if wanted.file.is_some() { plain } else { style };
        let text = match wanted.format {
            Written::Diagnosis(format) => report::render(diagnosis, code, format, style),
            Written::Snapshot => record::write(&examination.snapshot),
        };
        let written = match &wanted.file {
            None => output::put(&text),
            Some(path) => output::write(path, &text),
        };
        failed = failed.or(written.err());
    }
    failed.map_or(Ok(()), Err)
}

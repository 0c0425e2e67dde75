//! `check` and `verify`: observe, derive, judge, report.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;

use super::arguments::{Check, Output, TargetArguments};
use super::interrupt::Interrupt;
use super::progress::Progress;
use super::{Failure, output};
use crate::derive::derive;
use crate::diagnosis::{Diagnosis, Policy, diagnose};
use crate::fact::{Snapshot, Vantage, vocabulary};
use crate::gate::{self, exit_code};
use crate::lab::{self, Lab};
use crate::probe::{self, Clients};
use crate::report::{self, Format};
use crate::rule::{self, RuleTable};
use crate::target::{Kind, Target, table};

/// Examines and reports; with `only`, on that name and what explains it.
pub(super) async fn check(arguments: &Check, only: Option<&str>) -> Result<u8, Failure> {
    let mut interrupt = Interrupt::listen();
    if arguments.output.iter().filter(|wanted| wanted.file.is_none()).count() > 1 {
        let problem = "two reports cannot share standard output: give one of them a file, as in -o json=FILE";
        return Err(Failure::Usage(problem.into()));
    }
    let rules = load_rules(arguments.rules.as_deref())?;
    for name in arguments.require.iter().map(String::as_str).chain(only) {
        if !rules.rules.contains_key(name) {
            return Err(Failure::Usage(format!(
                "there is no rule {name}; `mzv-doctor rules list` names them"
            )));
        }
    }
    let (target, _lab) = target(arguments.lab.as_deref(), &arguments.target).await?;
    let vantage = vantage(&target);
    let mut clients = Clients::new(target, vantage)?;
    let mut snapshot = Snapshot::new(Timestamp::now(), vantage);
    let stopped = tokio::select! {
        found = discover(&mut clients) => {
            found?;
            false
        }
        () = interrupt.wait() => true,
    };
    snapshot.target = clients.target.settings().clone();
    let stopped = stopped || observe(&clients, &mut snapshot, &mut interrupt).await;
    if stopped {
        probe::fill(&probe::probes(), &clients, &mut snapshot);
    }
    derive(&mut snapshot);
    let policy = Policy {
        required: arguments.require.iter().cloned().chain(only.map(str::to_owned)).collect(),
        chain_settings: chain_settings(),
    };
    let mut diagnosis = diagnose(&snapshot, &rules, &policy);
    if let Some(name) = only {
        restrict(&mut diagnosis, name, &rules);
    }
    diagnosis.again = arguments.again();
    let code =
        exit_code(&diagnosis, gate::Policy { fail_on: arguments.fail_on.severity(), interrupted: stopped });
    report_all(arguments, &diagnosis, code)?;
    Ok(code)
}

pub(super) fn load_rules(overlay: Option<&std::path::Path>) -> Result<RuleTable, Failure> {
    let settings: Vec<_> = table().iter().map(|spec| (spec.name, spec.kind == Kind::List)).collect();
    Ok(rule::load(&vocabulary(), &settings, overlay)?)
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

fn chain_settings() -> BTreeSet<String> {
    table().iter().filter(|spec| spec.chain).map(|spec| spec.name.to_owned()).collect()
}

async fn discover(clients: &mut Clients) -> Result<(), Failure> {
    if clients.target.is_on("run.discover") {
        clients.discover().await?;
    }
    Ok(())
}

/// Runs every probe; true where the run was interrupted and what was learned by then is all there is.
async fn observe(clients: &Clients, snapshot: &mut Snapshot, interrupt: &mut Interrupt) -> bool {
    let probes = probe::probes();
    let progress = Progress::start(probes.len());
    let stopped = tokio::select! {
        () = probe::run(&probes, clients, snapshot, &progress) => false,
        () = interrupt.wait() => true,
    };
    progress.finish();
    stopped
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
    diagnosis.only = Some(name.to_owned());
}

fn report_all(arguments: &Check, diagnosis: &Diagnosis, code: u8) -> Result<(), Failure> {
    let style = output::style(arguments.color, arguments.verbose);
    let plain = report::Style { color: false, ..style };
    let to_screen = [Output { format: Format::Terminal, file: None }];
    let outputs: &[Output] = if arguments.output.is_empty() { &to_screen } else { &arguments.output };
    // One output that cannot be written keeps no other from being written.
    let mut failed = None;
    for wanted in outputs {
        let written = match &wanted.file {
            None => output::put(&report::render(diagnosis, code, wanted.format, style)),
            Some(path) => output::write(path, &report::render(diagnosis, code, wanted.format, plain)),
        };
        failed = failed.or(written.err());
    }
    failed.map_or(Ok(()), Err)
}

//! `check` and `verify`: observe, derive, judge, report; again, where it is to wait.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;

use super::accepted::Accepted;
use super::arguments::{Check, Examine, FailOn, Report, Sureness, TargetArguments, Written};
use super::events::Events;
use super::examination::{Examination, settings};
use super::{Failure, archive, interrupt, output, record, reports};
use crate::diagnosis::{Diagnosis, Severity, Standing, Verified, WRONG_TARGET, verified};
use crate::fact::{Vantage, vocabulary};
use crate::gate::{self, Outlook, ending, outlook};
use crate::lab::{self, Lab};
use crate::probe;
use crate::report::{EVENT_FORMAT, Event};
use crate::rule::{self, RuleTable};
use crate::target::Target;

/// Time between two looks at what still changes, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(15));

/// Examines and reports; with `only`, on that name and what explains it.
pub(super) async fn check(arguments: &Check, only: Option<&str>) -> Result<u8, Failure> {
    if arguments.wait.is_some() && arguments.examine.bundle.is_some() {
        return Err(Failure::Usage(
            "--wait has no meaning with --bundle: nothing changes in a record".into(),
        ));
    }
    if let (Some(folder), None) = (arguments.examine.bundle.as_deref().filter(|path| path.is_dir()), only) {
        return archive::check(arguments, folder);
    }
    reports::acceptable(arguments)?;
    let mut examination = Examination::begin(&arguments.examine).await?;
    for name in arguments.require.iter().map(String::as_str).chain(only) {
        examination.rule(name)?;
    }
    let accepted = Accepted::read(arguments, &examination)?;
    let events = Events::open(&arguments.output)?;
    events.tell(&Event::Begin {
        event_format: EVENT_FORMAT,
        tool_version: &examination.snapshot.tool_version,
        observed_at: examination.snapshot.observed_at,
        vantage: examination.snapshot.vantage,
    });
    examination.keeps_answers = arguments.output.iter().any(|output| output.format == Written::Bundle);
    let mut run = Run { examination, arguments, only, accepted, misfit: None, events };
    let facts = only.map(|name| run.examination.facts_for(name));
    run.examination.look_and_tell(facts.as_ref(), &run.events).await?;
    let mut diagnosis = run.judge();
    run.compare()?;
    let mut policy = gate::Policy {
        fail_on: arguments.fail_on.severity(),
        min_confidence: arguments.min_confidence.confidence(),
        interrupted: run.examination.stopped,
        waited: false,
        min_coverage: arguments.min_coverage,
    };
    if let Some(longest) = arguments.wait {
        run.wait(&mut diagnosis, policy, longest).await?;
        (policy.waited, policy.interrupted) = (true, run.examination.stopped);
    }
    let ending = ending(&diagnosis, policy);
    diagnosis.because = ending.because;
    // From here on nothing asks any more whether somebody wants to stop.
    interrupt::ends_at_once();
    reports::write(arguments, &mut run.examination, diagnosis, ending.code, &run.events, run.misfit)?;
    Ok(ending.code)
}

/// Reports on a bundle; whatever it comes to, to have reported it is a success.
pub(super) async fn report(wanted: Report) -> Result<u8, Failure> {
    let Report { file, output, rules, verbose, color } = wanted;
    let examine = Examine { lab: None, bundle: Some(file), rules, target: TargetArguments::default() };
    let arguments = Check {
        output,
        fail_on: FailOn::Error,
        require: Vec::new(),
        min_confidence: Sureness::Possible,
        min_coverage: 0,
        suppressions: None,
        baseline: None,
        wait: None,
        verbose,
        color,
        examine,
    };
    Box::pin(check(&arguments, None)).await?;
    Ok(gate::exit::FINE)
}

/// A run under way.
struct Run<'a> {
    examination: Examination,
    arguments: &'a Check,
    only: Option<&'a str>,
    accepted: Accepted,
    /// What cannot be used after all.
    misfit: Option<Failure>,
    events: Events,
}

impl Run<'_> {
    fn judge(&mut self) -> Diagnosis {
        let required = self.arguments.require.iter().cloned().chain(self.only.map(str::to_owned));
        let fail_on = self.arguments.fail_on.severity();
        let mut diagnosis = self.examination.diagnose(required, fail_on);
        diagnosis.fail_on = fail_on;
        if let Some(name) = self.only {
            let verified = verified(&diagnosis, &self.examination.rules, name);
            let required: BTreeSet<&String> = self.arguments.require.iter().collect();
            restrict(&mut diagnosis, &verified, &required, &self.examination.rules);
            diagnosis.only = Some(verified);
        }
        self.misfit = self.accepted.mark(&mut diagnosis);
        diagnosis
    }

    /// Says what other rules than those of a bundle's writer change.
    fn compare(&self) -> Result<(), Failure> {
        if let (Some(manifest), None) = (&self.examination.manifest, self.only) {
            let marks = rule::marks(self.arguments.examine.rules.as_deref())?;
            let diagnosis = self.examination.diagnose([], Severity::Error);
            let found = diagnosis.findings.iter().map(|finding| finding.id.as_str()).collect();
            if let Some(said) = record::compared(manifest, &marks, &found) {
                output::note(&said);
            }
        }
        Ok(())
    }

    /// Asks again what can still change, until nothing does or the time is over.
    async fn wait(
        &mut self,
        diagnosis: &mut Diagnosis,
        policy: gate::Policy,
        longest: Duration,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let mut pause = PAUSES.0;
        while !self.examination.stopped {
            let Outlook::Moving { names, what } = outlook(diagnosis, policy) else { return Ok(()) };
            let left = longest.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            output::note(&format!("waiting for {what} ({} s left of --wait)", left.as_secs()));
            self.events.tell(&Event::Waiting { what: &what, left_s: left.as_secs() });
            if !self.examination.pause(pause.min(left)).await {
                return Ok(());
            }
            pause = (pause * 3 / 2).min(PAUSES.1);
            let facts: BTreeSet<String> = names
                .iter()
                .map(String::as_str)
                .chain(self.only)
                .flat_map(|name| self.examination.facts_for(name))
                .collect();
            self.examination.look_and_tell(Some(&facts), &self.events).await?;
            *diagnosis = self.judge();
        }
        Ok(())
    }
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
        let target =
            Target::resolve(arguments.settings_file().as_deref(), output::variables(), arguments.flags())?;
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
fn restrict(diagnosis: &mut Diagnosis, verified: &Verified, required: &BTreeSet<&String>, rules: &RuleTable) {
    let name = &verified.name;
    let mut kept = BTreeSet::from([name.clone()]);
    let mut open = vec![name.clone()];
    while let Some(next) = open.pop() {
        for cause in rules.rules.get(&next).into_iter().flat_map(|rule| &rule.caused_by) {
            // What stands before a name that cannot show is found however far behind.
            let found = diagnosis.findings.iter().any(|finding| &finding.id == cause);
            if (found || verified.standing == Standing::Behind) && kept.insert(cause.clone()) {
                open.push(cause.clone());
            }
        }
    }
    let tells =
        diagnosis.findings.iter().any(|finding| finding.id == *name) || verified.standing == Standing::Behind;
    diagnosis.findings.retain(|finding| finding.id == WRONG_TARGET || tells && kept.contains(&finding.id));
    let spreads = |id: &String| verified.settling.iter().any(|one| one.name == *id);
    diagnosis.inconclusive.retain(|row| row.id == *name || spreads(&row.id) || required.contains(&row.id));
    diagnosis.passed.retain(|row| row.id == *name);
    diagnosis.not_applicable.retain(|row| row.id == *name);
    diagnosis.chains.clear();
    diagnosis.federation.clear();
}

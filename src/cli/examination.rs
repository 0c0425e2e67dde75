//! What is examined: a deployment, one of the lab's, or what an earlier run recorded; asked once, or again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::arguments::Examine;
use super::check::{target, vantage};
use super::interrupt::Interrupt;
use super::progress::{Progress, Unwatched};
use super::{Failure, record};
use crate::bundle::Manifest;
use crate::client::{Kept, seen_secrets};
use crate::derive::derive;
use crate::diagnosis::{Diagnosis, Policy, Severity, WRONG_TARGET, diagnose};
use crate::fact::{Snapshot, TextSource, Vantage, vocabulary};
use crate::lab::Lab;
use crate::probe::{self, Clients, Watch};
use crate::redact::{Log, Values, redact_snapshot};
use crate::rule::{self, Rule, RuleTable};
use crate::target::{Kind, Target, table};

/// An examination, begun.
pub(super) struct Examination {
    /// The rule table.
    pub(super) rules: RuleTable,
    /// What was learned so far.
    pub(super) snapshot: Snapshot,
    /// Whether it was interrupted: what was learned by then is all there is.
    pub(super) stopped: bool,
    /// What was taken out of it, by place and kind.
    pub(super) removed: Log,
    /// Whether answers are kept as they come, and those that were.
    pub(super) keeps_answers: bool,
    pub(super) answers: (Vec<Kept>, usize),
    /// Who wrote what is judged, where it is a bundle.
    pub(super) manifest: Option<Manifest>,
    /// Who is asked; nobody where it was recorded.
    live: Option<Live>,
    interrupt: Interrupt,
}

struct Live {
    target: Target,
    vantage: Vantage,
    _lab: Option<Lab>,
}

impl Examination {
    /// Reads rules and settings, and stages the lab or reads the record. Nothing is asked yet.
    pub(super) async fn begin(wanted: &Examine) -> Result<Self, Failure> {
        let interrupt = Interrupt::listen();
        let rules = rule::load_to_judge(&vocabulary(), &settings(), wanted.rules.as_deref())?;
        if let Some(file) = &wanted.bundle {
            return Self::recorded(wanted, file, rules, interrupt);
        }
        let (target, lab) = target(wanted.lab.as_deref(), &wanted.target).await?;
        let vantage = vantage(&target);
        let mut snapshot = Snapshot::new(Timestamp::now(), vantage);
        snapshot.again = wanted.again();
        let live = Some(Live { target, vantage, _lab: lab });
        Ok(Self::of(rules, snapshot, live, interrupt))
    }

    fn recorded(
        wanted: &Examine,
        file: &Path,
        rules: RuleTable,
        interrupt: Interrupt,
    ) -> Result<Self, Failure> {
        let refuse = |what: &str| {
            Err(Failure::Usage(format!("{what} has no meaning with --bundle, which holds what was learned")))
        };
        if wanted.lab.is_some() {
            return refuse("--lab");
        }
        if wanted.target.config.is_some() {
            return refuse("--config");
        }
        if let Some((_, flag, _)) = wanted.target.flags().first() {
            return refuse(flag);
        }
        let (snapshot, manifest) = record::read(file)?;
        Ok(Self { manifest, ..Self::of(rules, snapshot, None, interrupt) })
    }

    fn of(rules: RuleTable, snapshot: Snapshot, live: Option<Live>, interrupt: Interrupt) -> Self {
        Self {
            rules,
            snapshot,
            stopped: false,
            removed: Log::new(),
            keeps_answers: false,
            answers: (Vec::new(), 0),
            manifest: None,
            live,
            interrupt,
        }
    }

    /// What tells the deployment from others, as far as settings say it before anything is asked; a default says nothing.
    pub(super) fn deployment(&self) -> BTreeMap<String, String> {
        let settings = self.live.as_ref().map_or(&self.snapshot.target, |live| live.target.settings());
        let given = settings.iter().filter(|(_, setting)| setting.origin != "default");
        given.filter_map(|(name, setting)| Some((name.clone(), setting.value.as_str()?.to_owned()))).collect()
    }

    /// Refuses a name that the table does not have.
    pub(super) fn rule(&self, name: &str) -> Result<&Rule, Failure> {
        self.rules.rules.get(name).ok_or_else(|| {
            Failure::Usage(format!("there is no rule {name}; `mzv-doctor rules list` names them"))
        })
    }

    /// Asks: everything, or what it takes to learn some facts.
    pub(super) async fn look(&mut self, facts: Option<&BTreeSet<String>>) -> Result<(), Failure> {
        self.look_and_tell(facts, &Unwatched).await
    }

    /// Asks, and tells somebody of each probe's beginning and end.
    pub(super) async fn look_and_tell(
        &mut self,
        facts: Option<&BTreeSet<String>>,
        follower: &dyn Watch,
    ) -> Result<(), Failure> {
        if let Some(live) = &mut self.live {
            let mut clients = Clients::new(live.target.clone(), live.vantage)?;
            if self.keeps_answers {
                clients.transport().keep_answers();
            }
            self.snapshot.observed_at = Timestamp::now();
            self.stopped = tokio::select! {
                found = discover(&mut clients) => {
                    found?;
                    false
                }
                () = self.interrupt.wait() => true,
            };
            self.snapshot.target = clients.target.settings().clone();
            let probes = match facts {
                None => probe::probes(),
                Some(facts) => probe::probes_for(&facts.iter().map(String::as_str).collect::<Vec<_>>()),
            };
            forget(&mut self.snapshot, &probes);
            let asked_before = std::mem::take(&mut self.snapshot.calls);
            if !self.stopped {
                let progress = Progress::start(probes.len(), follower);
                self.stopped = tokio::select! {
                    () = probe::run(&probes, &clients, &mut self.snapshot, &progress) => false,
                    () = self.interrupt.wait() => true,
                };
                progress.finish();
            }
            if self.stopped {
                probe::fill(&probes, &clients, &mut self.snapshot);
            }
            self.answers = clients.transport().kept();
            let asked = std::mem::replace(&mut self.snapshot.calls, asked_before);
            self.snapshot.calls.extend(asked);
            // What is kept, shown and recorded is the same: without secrets.
            let values = values(&self.snapshot);
            self.removed = redact_snapshot(&mut self.snapshot, &values, None);
        }
        derive(&mut self.snapshot);
        Ok(())
    }

    /// Waits; false where it was interrupted meanwhile.
    pub(super) async fn pause(&mut self, time: Duration) -> bool {
        self.stopped = tokio::select! {
            () = tokio::time::sleep(time) => false,
            () = self.interrupt.wait() => true,
        };
        !self.stopped
    }

    /// Judges what was learned; names that have to be conclusive are `required`.
    pub(super) fn diagnose(
        &self,
        required: impl IntoIterator<Item = String>,
        fail_on: Severity,
    ) -> Diagnosis {
        let policy = Policy { fail_on: Some(fail_on), ..policy(required) };
        diagnose(&self.snapshot, &self.rules, &policy)
    }

    /// Facts that it takes to judge a name, and what would explain it; also whether it is the right deployment.
    pub(super) fn facts_for(&self, name: &str) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut open = vec![name.to_owned(), WRONG_TARGET.to_owned()];
        let mut facts = BTreeSet::new();
        while let Some(next) = open.pop() {
            let Some(rule) = self.rules.rules.get(&next) else { continue };
            if names.insert(next) {
                facts.extend(rule.reads());
                open.extend(rule.caused_by.iter().cloned());
            }
        }
        observed(facts)
    }
}

/// What a run has to know to be called green.
pub(super) fn policy(required: impl IntoIterator<Item = String>) -> Policy {
    let chain_settings = table().iter().filter(|spec| spec.chain).map(|spec| spec.name.to_owned());
    Policy {
        required: required.into_iter().collect(),
        fail_on: None,
        chain_settings: chain_settings.collect(),
    }
}

/// Facts with those that they are computed from, down to what can be asked.
pub(super) fn observed(facts: BTreeSet<String>) -> BTreeSet<String> {
    let vocabulary = vocabulary();
    let mut all = facts;
    loop {
        let more: BTreeSet<String> = vocabulary
            .iter()
            .filter(|spec| all.contains(spec.name))
            .flat_map(|spec| spec.from.iter().map(|&name| name.to_owned()))
            .filter(|name| !all.contains(name))
            .collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// Leaves behind what probes that are about to ask again learned before.
fn forget(snapshot: &mut Snapshot, probes: &[Box<dyn probe::Probe>]) {
    for probe in probes {
        snapshot.probes.retain(|run| run.name != probe.name());
        for name in probe.provides() {
            snapshot.facts.remove(*name);
            let source = TextSource::ALL.into_iter().find(|source| source.fact_name() == Some(*name));
            snapshot.text.retain(|line| Some(line.source) != source);
        }
    }
}

/// The secret values that this run came across. What is a name in the settings as well is none.
pub(super) fn values(snapshot: &Snapshot) -> Values {
    let mut names = BTreeSet::new();
    for setting in snapshot.target.values() {
        match &setting.value {
            Value::String(name) => drop(names.insert(name.clone())),
            Value::Array(all) => names.extend(all.iter().filter_map(Value::as_str).map(str::to_owned)),
            _ => {}
        }
    }
    let secrets = seen_secrets();
    Values::new(secrets.iter().map(String::as_str), &names)
}

async fn discover(clients: &mut Clients) -> Result<(), Failure> {
    if clients.target.is_on("run.discover") {
        clients.discover().await?;
    }
    Ok(())
}

/// The settings that rules may read, each with whether it is a list.
pub(super) fn settings() -> Vec<(&'static str, bool)> {
    table().iter().map(|spec| (spec.name, spec.kind == Kind::List)).collect()
}

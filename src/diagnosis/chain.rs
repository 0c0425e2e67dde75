//! The deployment's links, each whole, broken, unknown or not reached.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Diagnosis, Finding, Severity};
use crate::rule::{ChainSpec, LinkSpec, chains};

/// How it stands with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    /// It was examined and holds.
    Whole,
    /// It is broken, by what `by` names.
    Broken,
    /// It could not be examined; `by` names what stayed open.
    Unknown,
    /// It rests on something that is broken: a link before it, or what explains the names in `by`.
    NotReached,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// A word or two.
    pub name: String,
    /// How it stands.
    pub state: LinkState,
    /// The names that say so.
    pub by: Vec<String>,
}

/// Links, each resting on the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// From where to where.
    pub name: String,
    /// The links.
    pub links: Vec<Link>,
}

impl Chain {
    /// Whether a link is broken, or could not be examined.
    pub fn is_in_doubt(&self) -> bool {
        self.links.iter().any(|link| matches!(link.state, LinkState::Broken | LinkState::Unknown))
    }
}

/// The chains, by what a diagnosis came to.
pub(super) fn draw(diagnosis: &Diagnosis) -> Vec<Chain> {
    chains().chains.iter().map(|spec| chain(spec, diagnosis)).collect()
}

fn chain(spec: &ChainSpec, diagnosis: &Diagnosis) -> Chain {
    let mut broken = false;
    // To see a link break, the way up to it was gone.
    let first = spec.links.iter().position(|link| !own(link, diagnosis).is_empty());
    let links = spec
        .links
        .iter()
        .enumerate()
        .map(|(at, link)| {
            let reached = first.is_some_and(|first| at < first);
            let (state, by) = state(link, diagnosis, broken, reached);
            // Whatever follows rests on it.
            broken |= matches!(state, LinkState::Broken | LinkState::NotReached);
            Link { name: link.name.clone(), state, by }
        })
        .collect();
    Chain { name: spec.name.clone(), links }
}

/// Errors of a link.
fn of_link<'a>(link: &'a LinkSpec, diagnosis: &'a Diagnosis) -> impl Iterator<Item = &'a Finding> {
    let is_of = |id: &str| link.rules.iter().any(|rule| rule == id);
    diagnosis.findings.iter().filter(move |it| it.severity == Severity::Error && is_of(&it.id))
}

/// What breaks a link of its own: what something outside of it explains, however far up, does not.
fn own(link: &LinkSpec, diagnosis: &Diagnosis) -> BTreeSet<String> {
    let is_of = |id: &str| link.rules.iter().any(|rule| rule == id);
    let own = |finding: &&Finding| causes(diagnosis, &finding.id).into_iter().all(is_of);
    of_link(link, diagnosis).filter(own).map(|it| it.id.clone()).collect()
}

fn state(
    link: &LinkSpec,
    diagnosis: &Diagnosis,
    after_broken: bool,
    reached: bool,
) -> (LinkState, Vec<String>) {
    let is_of = |id: &str| link.rules.iter().any(|rule| rule == id);
    let broken = own(link, diagnosis);
    if !broken.is_empty() {
        return (LinkState::Broken, broken.into_iter().collect());
    }
    let follows: BTreeSet<String> = of_link(link, diagnosis).map(|it| it.id.clone()).collect();
    if !follows.is_empty() && !reached {
        return (LinkState::NotReached, follows.into_iter().collect());
    }
    if !follows.is_empty() {
        return (LinkState::Whole, Vec::new());
    }
    if after_broken {
        return (LinkState::NotReached, Vec::new());
    }
    let fine = |id: &str| diagnosis.passed.iter().any(|row| row.id == id);
    if link.proven_by.iter().any(|id| fine(id)) {
        return (LinkState::Whole, Vec::new());
    }
    let open: Vec<String> = diagnosis
        .inconclusive
        .iter()
        .filter(|row| is_of(&row.id) && (row.required || row.settling().is_some()))
        .map(|row| row.id.clone())
        .collect();
    if open.is_empty() && link.rules.iter().any(|id| fine(id)) {
        return (LinkState::Whole, Vec::new());
    }
    (LinkState::Unknown, open)
}

/// Everything that explains a finding, however far up.
fn causes<'a>(diagnosis: &'a Diagnosis, id: &'a str) -> BTreeSet<&'a str> {
    let mut all = BTreeSet::new();
    let mut open = vec![id];
    while let Some(next) = open.pop() {
        let of = diagnosis.findings.iter().filter(|finding| finding.id == next);
        open.extend(of.flat_map(|it| &it.caused_by).map(String::as_str).filter(|cause| all.insert(*cause)));
    }
    all
}

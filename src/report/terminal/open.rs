//! What could not be examined: one row for each thing that is missing, however many rules lack it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Mark, Screen};
use crate::diagnosis::{Inconclusive, Missing};
use crate::fact::Reason;
use crate::report::inert::wrap;

/// Names listed of one row without `-v`.
const NAMED: usize = 3;
/// Columns for names: the longest one of the rule table fits.
const NAMES: usize = 38;
/// Lines of one remark without `-v`.
const SAID: usize = 2;

/// Rules that lack the same thing for the same reason.
struct Gap<'a> {
    ids: Vec<&'a str>,
    facts: BTreeSet<&'a str>,
    missing: &'a Missing,
    required: bool,
}

impl Screen {
    pub(super) fn open_questions(&mut self, all: &[Inconclusive]) {
        let open: Vec<&Inconclusive> = all.iter().filter(|row| !row.is_by_choice()).collect();
        if open.is_empty() {
            return;
        }
        let required = open.iter().filter(|row| row.required).count();
        let mut text = format!("{} could not be examined", open.len());
        if required > 0 {
            text = format!("{text}, {required} of them required");
        }
        let head = self.marked(Mark::Open, &text);
        self.line(&head);
        for gap in gaps(&open) {
            let names = if self.style.verbose || gap.ids.len() <= NAMED {
                gap.ids.join(", ")
            } else {
                format!("{}, {} and {} more", gap.ids[0], gap.ids[1], gap.ids.len() - 2)
            };
            let optional = if gap.required || required == 0 { "" } else { " (not required)" };
            let mut says = Vec::new();
            match &gap.missing.reason {
                // The right that is missing says it; the refusal's own words are long.
                Reason::Denied { permission: Some(permission), .. } if !self.style.verbose => {
                    says.push(format!("{}{optional}: {permission}", gap.missing.reason.label()));
                }
                Reason::Denied { .. }
                | Reason::Unreachable { .. }
                | Reason::TimedOut { .. }
                | Reason::Malformed { .. }
                | Reason::NotConfigured { .. }
                | Reason::Settling { .. }
                | Reason::NotAsked { .. } => {
                    says.push(format!("{}{optional}", reason(gap.missing)));
                    says.extend(way_out(gap.missing));
                }
            }
            if self.style.verbose {
                says.push(format!("lacks {}", Vec::from_iter(gap.facts).join(", ")));
            }
            self.pair(&names, &says);
        }
    }

    /// What options would decide that were not given.
    pub(super) fn not_asked(&mut self, all: &[Inconclusive]) {
        let rows: Vec<&Inconclusive> = all.iter().filter(|row| row.is_by_choice()).collect();
        if rows.is_empty() {
            return;
        }
        let head = self.marked(Mark::Notice, &format!("{} not asked for", rows.len()));
        self.line(&head);
        for gap in gaps(&rows) {
            let names = gap.ids.join(", ");
            let detail = gap.missing.reason.detail();
            let way = if detail.starts_with("--") { format!("takes {detail}") } else { detail };
            self.pair(&names, &[way]);
        }
    }

    /// Names in the first column, and beside them what is to be said, each on lines of its own.
    pub(super) fn pair(&mut self, names: &str, says: &[String]) {
        let first = NAMES.min(self.style.width / 2);
        let room = self.style.width.saturating_sub(first + 4).max(super::LEAST);
        let most = if self.style.verbose { usize::MAX } else { SAID };
        let names = wrap(&self.inert(names), first);
        let says: Vec<String> = says.iter().flat_map(|text| self.wrapped(text, room, most)).collect();
        for at in 0..names.len().max(says.len()) {
            let (name, text) = (names.get(at), says.get(at));
            let name = name.map_or("", String::as_str);
            let gap = " ".repeat(first + 2 - super::columns(name));
            self.line(&format!("  {name}{gap}{}", text.map_or("", String::as_str)));
        }
    }
}

/// The rows: required ones first, then those that keep most rules open.
fn gaps<'a>(open: &[&'a Inconclusive]) -> Vec<Gap<'a>> {
    let mut rows: BTreeMap<(bool, String), Gap<'a>> = BTreeMap::new();
    for row in open {
        let weighty = row.missing.iter().find(|missing| was_asked(missing));
        let Some(missing) = weighty.or_else(|| row.missing.first()) else {
            continue;
        };
        let facts = row.missing.iter().map(|missing| missing.fact.as_str());
        let gap = rows.entry((!row.required, key(missing))).or_insert_with(|| Gap {
            ids: Vec::new(),
            facts: BTreeSet::new(),
            missing,
            required: row.required,
        });
        gap.facts.extend(facts);
        if !gap.ids.contains(&row.id.as_str()) {
            gap.ids.push(&row.id);
        }
    }
    let mut gaps: Vec<Gap<'a>> = rows.into_values().collect();
    gaps.sort_by_key(|gap| (!gap.required, std::cmp::Reverse(gap.ids.len())));
    gaps
}

/// What makes two lacks the same. A refusal's words name the one object that was asked for; the right that is missing is
/// what refusals share.
fn key(missing: &Missing) -> String {
    match &missing.reason {
        Reason::Denied { permission: Some(permission), .. } => format!("denied {permission}"),
        Reason::Denied { .. }
        | Reason::Unreachable { .. }
        | Reason::TimedOut { .. }
        | Reason::Malformed { .. }
        | Reason::NotConfigured { .. }
        | Reason::Settling { .. }
        | Reason::NotAsked { .. } => reason(missing),
    }
}

fn was_asked(missing: &Missing) -> bool {
    !matches!(missing.reason, Reason::NotAsked { .. } | Reason::NotConfigured { .. })
}

fn reason(missing: &Missing) -> String {
    let label = missing.reason.label();
    let detail = missing.reason.detail();
    match &missing.reason {
        Reason::TimedOut { .. } => format!("{label} {detail}"),
        Reason::NotConfigured { .. }
        | Reason::NotAsked { .. }
        | Reason::Settling { .. }
        | Reason::Denied { .. }
        | Reason::Unreachable { .. }
        | Reason::Malformed { .. } => {
            if detail.is_empty() {
                label
            } else {
                format!("{label}: {detail}")
            }
        }
    }
}

/// What would make it known, or at least what was asked.
fn way_out(missing: &Missing) -> Option<String> {
    match &missing.reason {
        Reason::NotConfigured { setting } => Some(format!("set {setting} in mzv-doctor.yaml")),
        Reason::Denied { permission: Some(permission), .. } => Some(format!("needs {permission}")),
        Reason::Denied { permission: None, .. }
        | Reason::Unreachable { .. }
        | Reason::TimedOut { .. }
        | Reason::Malformed { .. } => asked(missing),
        Reason::Settling { .. } => Some("ask again then".into()),
        Reason::NotAsked { .. } => None,
    }
}

/// Whom, and for what.
fn asked(missing: &Missing) -> Option<String> {
    match (missing.against.as_str(), missing.call.as_str()) {
        ("", "") => None,
        ("", call) => Some(format!("asked: {call}")),
        (against, "") => Some(format!("asked: {against}")),
        (against, call) => Some(format!("asked {against}: {call}")),
    }
}

//! Whether a name that was mended is gone.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Diagnosis, Finding, Inconclusive, Severity};
use crate::fact::Reason;
use crate::rule::RuleTable;

/// How it stands with one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is not found.
    Fixed,
    /// Something that it depends on is right and still spreads.
    NotYet,
    /// It is found as before.
    Unchanged,
    /// It does not apply any more, since something that stands before it is broken.
    Behind,
    /// It could not be examined.
    Unknown,
}

/// What came of asking again about one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verified {
    /// The named error.
    pub name: String,
    /// How it stands.
    pub standing: Standing,
    /// What still spreads, where something does.
    pub settling: Vec<Settling>,
}

/// Something that is right and too young to have spread.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settling {
    /// The name that waits for it.
    pub name: String,
    /// What it is.
    pub what: String,
    /// Seconds until it has usually spread.
    pub left_s: i64,
}

impl Inconclusive {
    /// What it waits for.
    pub fn settling(&self) -> Option<Settling> {
        self.missing.iter().find_map(|lack| match &lack.reason {
            Reason::Settling { what, left_s } => {
                Some(Settling { name: self.id.clone(), what: what.clone(), left_s: *left_s })
            }
            _ => None,
        })
    }
}

/// What a whole diagnosis says of one name.
pub fn verified(diagnosis: &Diagnosis, table: &RuleTable, name: &str) -> Verified {
    let causes = |name: &str| table.rules.get(name).map(|rule| rule.caused_by.clone()).unwrap_or_default();
    let mut names = BTreeSet::from([name.to_owned()]);
    let mut open = vec![name.to_owned()];
    while let Some(next) = open.pop() {
        open.extend(causes(&next).into_iter().filter(|cause| names.insert(cause.clone())));
    }
    let spreads = |wanted: &dyn Fn(&str) -> bool| -> Vec<Settling> {
        let rows = diagnosis.inconclusive.iter().filter(|row| wanted(&row.id));
        rows.filter_map(Inconclusive::settling).collect()
    };
    let found: Vec<&Finding> = diagnosis.findings.iter().filter(|it| names.contains(&it.id)).collect();
    let fired = found.iter().any(|finding| finding.id == name);
    let open = diagnosis.inconclusive.iter().any(|row| row.id == name);
    let passed = diagnosis.passed.iter().any(|row| row.id == name);
    let elsewhere = diagnosis.not_applicable.iter().any(|row| row.id == name);
    let by_text = table.rules.get(name).is_some_and(|rule| rule.when.is_none());
    let wrong = found.iter().any(|finding| finding.severity == Severity::Error);
    // What is found waits for what may explain it, what is gone for what it rests on itself.
    let settling = if fired {
        let perhaps: BTreeSet<&String> = found.iter().flat_map(|finding| &finding.perhaps).collect();
        spreads(&|id| perhaps.iter().any(|name| *name == id))
    } else if open {
        spreads(&|id| names.contains(id))
    } else {
        let direct = causes(name);
        spreads(&|id| direct.iter().any(|cause| cause == id))
    };
    let standing = match (fired, open) {
        _ if !settling.is_empty() => Standing::NotYet,
        (true, _) => Standing::Unchanged,
        // What stands before it is broken, so that it cannot even show: a log that nobody writes names nothing.
        (false, false) if wrong && (elsewhere || passed && by_text) => Standing::Behind,
        (false, false) if passed || elsewhere => Standing::Fixed,
        (false, _) => Standing::Unknown,
    };
    Verified { name: name.to_owned(), standing, settling }
}

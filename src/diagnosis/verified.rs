//! Whether a name that was mended is gone.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Diagnosis, Inconclusive};
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
    let mut names = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(next) = open.pop() {
        if names.insert(next.clone()) {
            open.extend(table.rules.get(&next).into_iter().flat_map(|rule| rule.caused_by.iter().cloned()));
        }
    }
    let settling: Vec<Settling> = diagnosis
        .inconclusive
        .iter()
        .filter(|row| names.contains(&row.id))
        .filter_map(Inconclusive::settling)
        .collect();
    let fired = diagnosis.findings.iter().any(|finding| finding.id == name);
    let open = diagnosis.inconclusive.iter().any(|row| row.id == name);
    let gone = diagnosis.passed.iter().any(|row| row.id == name)
        || diagnosis.not_applicable.iter().any(|row| row.id == name);
    let standing = match (fired, open) {
        (true, _) | (_, true) if !settling.is_empty() => Standing::NotYet,
        (true, _) => Standing::Unchanged,
        (false, false) if gone => Standing::Fixed,
        _ => Standing::Unknown,
    };
    Verified { name: name.to_owned(), standing, settling }
}

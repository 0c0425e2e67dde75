//! A diagnosis in numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Diagnosis, Inconclusive, Severity};
use crate::fact::Reason;

/// How much was found, and how much of what matters was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Findings of severity error or warning that no other finding of this diagnosis explains, other than accepted ones.
    pub causes: usize,
    /// Findings of severity error or warning that another finding explains, other than accepted ones.
    pub consequences: usize,
    /// Findings that somebody accepted, or that a baseline knows.
    pub accepted: usize,
    /// Findings about the suppressions file, which no rule stands for; counted above as well.
    pub of_suppressions: usize,
    /// Notices, other than accepted ones.
    pub notices: usize,
    /// Rules that could not be decided, other than those that nobody asked for.
    pub inconclusive: usize,
    /// Rules that only an option decides which was not given.
    pub not_asked: usize,
    /// Those of them without which a run is not green.
    pub required_inconclusive: usize,
    /// Rules that were decided and did not fire.
    pub passed: usize,
    /// Rules that do not apply.
    pub not_applicable: usize,
    /// Whether the deployment may be called healthy: something was decided, nothing is wrong, and nothing that
    /// matters stayed open.
    pub healthy: bool,
}

/// What breaks a deployment and was not decided keeps it from being called healthy, unless deciding it has to be
/// asked for by name.
fn keeps_from_health(row: &Inconclusive) -> bool {
    row.required || row.severity == Severity::Error && !row.is_by_choice()
}

impl Inconclusive {
    /// Whether nothing kept it open but an option that was not given.
    pub fn is_by_choice(&self) -> bool {
        !self.required && self.missing.iter().all(|lack| matches!(lack.reason, Reason::NotAsked { .. }))
    }
}

impl Summary {
    /// Counts.
    pub fn of(diagnosis: &Diagnosis) -> Self {
        let stands = || diagnosis.findings.iter().filter(|finding| finding.severity != Severity::Notice);
        let wrong = || stands().filter(|finding| finding.accepted.is_none());
        let accepted = || diagnosis.findings.iter().filter(|finding| finding.accepted.is_some()).count();
        let named = |id: &String| wrong().any(|finding| finding.id == *id);
        let causes = wrong()
            .filter(|finding| !finding.caused_by.iter().any(|id| *id != finding.id && named(id)))
            .count();
        let required = diagnosis.inconclusive.iter().filter(|row| row.required).count();
        let not_asked = diagnosis.inconclusive.iter().filter(|row| row.is_by_choice()).count();
        Self {
            causes,
            consequences: wrong().count() - causes,
            accepted: accepted(),
            notices: diagnosis.findings.len() - wrong().count() - accepted(),
            of_suppressions: diagnosis.findings.iter().filter(|finding| !finding.is_of_a_rule()).count(),
            inconclusive: diagnosis.inconclusive.len() - not_asked,
            not_asked,
            required_inconclusive: required,
            passed: diagnosis.passed.len(),
            not_applicable: diagnosis.not_applicable.len(),
            healthy: stands().count() + accepted() == 0
                && !diagnosis.inconclusive.iter().any(keeps_from_health)
                && !diagnosis.passed.is_empty()
                && diagnosis.only.is_none(),
        }
    }

    /// Findings and rules that were decided, of all that apply.
    pub fn examined(&self) -> (usize, usize) {
        let found = self.causes + self.consequences + self.accepted + self.notices;
        let decided = found.saturating_sub(self.of_suppressions) + self.passed;
        (decided, decided + self.inconclusive + self.not_asked)
    }

    /// The same in percent, rounded down.
    pub fn coverage(&self) -> usize {
        let (decided, all) = self.examined();
        (decided * 100).checked_div(all).unwrap_or(0)
    }
}

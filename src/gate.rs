//! What a run comes to as an exit status: the same for every format.

mod baseline;
mod ending;
mod outlook;
mod suppression;

pub use baseline::{Baseline, BaselineError};
pub use ending::{Ending, ending};
pub use outlook::{Outlook, outlook};
pub use suppression::{Suppression, SuppressionError, Suppressions};

use crate::diagnosis::{Confidence, Diagnosis, Finding, Severity};
use crate::scan::Answer;

/// Exit statuses, a contract for pipelines.
pub mod exit {
    /// Conclusive, and nothing at or above the threshold.
    pub const FINE: u8 = 0;
    /// Findings.
    pub const FINDINGS: u8 = 1;
    /// The command line or the configuration cannot be used.
    pub const USAGE: u8 = 2;
    /// A required rule could not be decided, or the wrong deployment was reached.
    pub const INCONCLUSIVE: u8 = 3;
    /// Something was still spreading when the time to wait was over.
    pub const CONVERGING: u8 = 4;
    /// A defect of this program.
    pub const DEFECT: u8 = 70;
    /// Interrupted; what was learned by then is reported.
    pub const INTERRUPTED: u8 = 130;
}

/// What fails a run.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Findings of this severity or worse.
    pub fail_on: Severity,
    /// Of this confidence or more; what is less sure only keeps a run from success.
    pub min_confidence: Confidence,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// Whether it has waited for what spreads.
    pub waited: bool,
    /// Of what applies, how much has to be decided, in percent.
    pub min_coverage: u8,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            fail_on: Severity::Error,
            min_confidence: Confidence::Possible,
            interrupted: false,
            waited: false,
            min_coverage: 0,
        }
    }
}

impl Policy {
    /// Findings that fail the run and that no other one that fails it explains.
    fn own(self, diagnosis: &Diagnosis) -> Vec<&Finding> {
        let failing: Vec<&Finding> = diagnosis.findings.iter().filter(|it| self.fails(it)).collect();
        let explained =
            |it: &&&Finding| it.caused_by.iter().any(|id| failing.iter().any(|one| one.id == *id));
        failing.iter().filter(|it| !explained(it)).copied().collect()
    }

    /// Whether a finding is bad enough, and nobody has accepted it.
    fn counts(self, finding: &Finding) -> bool {
        finding.severity >= self.fail_on && finding.accepted.is_none()
    }

    fn fails(self, finding: &Finding) -> bool {
        self.counts(finding) && finding.confidence >= self.min_confidence
    }
}

/// Puts what somebody accepted behind what is left to mend, and the rest after both.
pub fn put_in_order(diagnosis: &mut Diagnosis) {
    diagnosis.findings.sort_by_key(|finding| match (finding.severity, &finding.accepted) {
        (Severity::Notice, _) => 2,
        (_, Some(_)) => 1,
        (_, None) => 0,
    });
}

/// The exit status of a scan: findings before what could not be read. To have read nothing is not a success.
pub fn scan_exit_code(answer: &Answer, policy: Policy) -> u8 {
    if policy.interrupted {
        return exit::INTERRUPTED;
    }
    if answer.findings.iter().any(|named| named.finding.severity >= policy.fail_on) {
        return exit::FINDINGS;
    }
    // To have looked for nothing is not to have found nothing.
    let looked = answer.read.bytes > 0 && answer.read.names > 0;
    if looked && answer.unread.is_empty() { exit::FINE } else { exit::INCONCLUSIVE }
}

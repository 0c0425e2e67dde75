//! What a run comes to as an exit status: the same for every format.

use std::collections::BTreeSet;

use crate::diagnosis::{
    Confidence, Diagnosis, Finding, Inconclusive, Missing, Settling, Severity, Standing, Summary,
    WRONG_TARGET,
};
use crate::fact::Reason;
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
}

impl Policy {
    fn fails(self, finding: &Finding) -> bool {
        finding.severity >= self.fail_on && finding.confidence >= self.min_confidence
    }
}

/// Whether time alone could change what a run comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It cannot.
    Final,
    /// It could, for these names.
    Moving {
        /// The names that are worth asking about again.
        names: Vec<String>,
        /// What is waited for, in a few words.
        what: String,
    },
}

/// What time could change: what spreads, what did not answer, and findings that nothing explains but what spreads. A
/// fault of its own is final, whatever else moves.
pub fn outlook(diagnosis: &Diagnosis, policy: Policy) -> Outlook {
    let settling: Vec<Settling> = diagnosis.inconclusive.iter().filter_map(Inconclusive::settling).collect();
    let only = diagnosis.only.as_ref().map(|only| only.settling.as_slice()).unwrap_or_default();
    let moving: BTreeSet<&str> = settling.iter().chain(only).map(|one| one.name.as_str()).collect();
    let hangs = |finding: &Finding| finding.perhaps.iter().any(|name| moving.contains(name.as_str()));
    let verifying = diagnosis.only.is_some();
    let failing = |finding: &&Finding| policy.fails(finding) && finding.caused_by.is_empty();
    if !verifying && diagnosis.findings.iter().filter(failing).any(|finding| !hangs(finding)) {
        return Outlook::Final;
    }
    // Right after a fix, what was found before it is asked about until it is gone.
    let pending = diagnosis.only.as_ref().filter(|only| only.standing != Standing::Fixed);
    let silent = |row: &&Inconclusive| {
        let silence =
            |lack: &Missing| matches!(lack.reason, Reason::Unreachable { .. } | Reason::TimedOut { .. });
        row.required && row.missing.iter().any(silence)
    };
    let silent = diagnosis.inconclusive.iter().filter(silent).map(|row| row.id.as_str());
    let mut names: BTreeSet<&str> = moving.iter().copied().chain(silent).collect();
    names.extend(pending.map(|only| only.name.as_str()));
    names.extend(diagnosis.findings.iter().filter(|it| hangs(it)).map(|it| it.id.as_str()));
    if names.is_empty() {
        return Outlook::Final;
    }
    let what = settling.iter().chain(only).max_by_key(|one| one.left_s).map_or_else(
        || names.iter().copied().collect::<Vec<_>>().join(", "),
        |one| format!("{}: {}, about {} s left", one.name, one.what, one.left_s),
    );
    Outlook::Moving { names: names.into_iter().map(str::to_owned).collect(), what }
}

/// The exit status of a run: interrupted before findings, findings before what stayed open.
pub fn exit_code(diagnosis: &Diagnosis, policy: Policy) -> u8 {
    if policy.interrupted {
        return exit::INTERRUPTED;
    }
    if diagnosis.findings.iter().any(|finding| finding.id == WRONG_TARGET) {
        return exit::INCONCLUSIVE;
    }
    let converging = if policy.waited { exit::CONVERGING } else { exit::INCONCLUSIVE };
    if diagnosis.only.as_ref().is_some_and(|only| only.standing == Standing::NotYet) {
        return converging;
    }
    if diagnosis.findings.iter().any(|finding| policy.fails(finding)) {
        return exit::FINDINGS;
    }
    if policy.waited && diagnosis.inconclusive.iter().any(|row| row.settling().is_some()) {
        return exit::CONVERGING;
    }
    if diagnosis.findings.iter().any(|finding| finding.severity >= policy.fail_on) {
        return exit::INCONCLUSIVE;
    }
    let summary = Summary::of(diagnosis);
    let examined_nothing = diagnosis.probes.iter().all(|run| run.answered == 0) || summary.examined().0 == 0;
    if summary.required_inconclusive > 0 || examined_nothing {
        return exit::INCONCLUSIVE;
    }
    exit::FINE
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

#[cfg(test)]
mod tests {
    use super::{Outlook, Policy, exit, exit_code, outlook};
    use crate::diagnosis::{
        Confidence, DIAGNOSIS_FORMAT, Diagnosis, Finding, Inconclusive, Missing, NotApplicable, Passed,
        Severity,
    };
    use crate::fact::{Layer, ProbeRun, Reason, Vantage};

    const POLICY: Policy = Policy {
        fail_on: Severity::Error,
        min_confidence: Confidence::Possible,
        interrupted: false,
        waited: false,
    };

    fn diagnosis(severities: &[Severity], open: &[bool], passed: usize) -> Diagnosis {
        let at = "2026-11-23T14:02:11Z".parse().unwrap();
        let finding = |severity: &Severity| Finding {
            id: "x".into(),
            title: String::new(),
            area: String::new(),
            severity: *severity,
            confidence: Confidence::Certain,
            subject: String::new(),
            brief: String::new(),
            evidence: vec![],
            contrast: None,
            text: vec![],
            explanation: String::new(),
            remedy: None,
            verify: String::new(),
            caused_by: vec![],
            perhaps: vec![],
            about: None,
            references: vec![],
            facts: std::collections::BTreeMap::new(),
        };
        let inconclusive = |required: &bool| Inconclusive {
            id: "y".into(),
            title: String::new(),
            severity: Severity::Error,
            required: *required,
            missing: vec![Missing {
                fact: "a.b".into(),
                reason: Reason::TimedOut { layer: Layer::Dns, after_ms: 1 },
                call: String::new(),
                against: String::new(),
            }],
        };
        let row = Passed { id: "z".into(), title: String::new(), severity: Severity::Error, history: vec![] };
        Diagnosis {
            format: DIAGNOSIS_FORMAT,
            tool_version: "0".into(),
            observed_at: at,
            vantage: Vantage::Operator,
            target: "npr".into(),
            facts_asked: 1,
            took_ms: 1,
            findings: severities.iter().map(finding).collect(),
            inconclusive: open.iter().map(inconclusive).collect(),
            passed: vec![row; passed],
            not_applicable: vec![],
            probes: vec![ProbeRun {
                name: "p".into(),
                provides: vec![],
                at,
                took_ms: 1,
                answered: passed.max(severities.len()),
                unknown: 0,
            }],
            chains: vec![],
            federation: vec![],
            fail_on: Severity::Error,
            only: None,
            again: vec![],
        }
    }

    #[test]
    fn every_combination_has_its_code() {
        use Severity::{Error, Notice, Warning};
        for (severities, open, passed, fail_on, interrupted, code) in [
            (&[][..], &[][..], 3, Error, false, exit::FINE),
            (&[Notice], &[], 3, Error, false, exit::FINE),
            (&[Warning], &[], 3, Error, false, exit::FINE),
            (&[Warning], &[], 3, Warning, false, exit::FINDINGS),
            (&[Error], &[true], 3, Error, false, exit::FINDINGS),
            (&[], &[true], 3, Error, false, exit::INCONCLUSIVE),
            (&[], &[false], 3, Error, false, exit::FINE),
            (&[Warning], &[true], 3, Error, false, exit::INCONCLUSIVE),
            // A run that examined nothing is not a success.
            (&[], &[], 0, Error, false, exit::INCONCLUSIVE),
            (&[], &[false], 0, Error, false, exit::INCONCLUSIVE),
            (&[Error], &[true], 3, Error, true, exit::INTERRUPTED),
        ] {
            let got =
                exit_code(&diagnosis(severities, open, passed), Policy { fail_on, interrupted, ..POLICY });
            assert_eq!(got, code, "{severities:?} {open:?} {passed} {fail_on:?} {interrupted}");
        }
    }

    /// The lies that other tools were caught in, as far as they show in a diagnosis.
    #[test]
    fn what_was_not_learned_never_ends_well() {
        let end = |diagnosis: &Diagnosis| exit_code(diagnosis, POLICY);
        // A refusal, a failed list, a timeout or nonsense is neither "not there" nor "fine".
        for reason in [
            Reason::Denied { detail: "403".into(), permission: None },
            Reason::Unreachable { layer: Layer::Connect, detail: "refused".into() },
            Reason::TimedOut { layer: Layer::FirstByte, after_ms: 1 },
            Reason::Malformed { detail: "not JSON".into() },
        ] {
            let mut open = diagnosis(&[], &[true], 3);
            open.inconclusive[0].missing[0].reason = reason.clone();
            assert_eq!(end(&open), exit::INCONCLUSIVE, "{reason:?}");
        }
        // Checks that were skipped, rules that do not apply, and an empty table are no success.
        let mut skipped = diagnosis(&[], &[false], 0);
        skipped.probes[0].answered = 1;
        skipped.inconclusive[0].missing[0].reason = Reason::NotAsked { option: "--exchange-token".into() };
        assert_eq!(end(&skipped), exit::INCONCLUSIVE);
        let mut elsewhere = diagnosis(&[], &[], 0);
        elsewhere.probes[0].answered = 1;
        elsewhere.not_applicable = vec![NotApplicable { id: "n".into(), title: String::new() }];
        assert_eq!(end(&elsewhere), exit::INCONCLUSIVE);
        // Rules that were "decided" although no probe learned anything decided nothing.
        let mut blind = diagnosis(&[], &[], 3);
        blind.probes[0].answered = 0;
        assert_eq!(end(&blind), exit::INCONCLUSIVE);
        blind.probes.clear();
        assert_eq!(end(&blind), exit::INCONCLUSIVE);
    }

    #[test]
    fn what_still_spreads_is_no_success_and_what_is_unsure_is_none_either() {
        let mut diagnosis = diagnosis(&[], &[true], 2);
        diagnosis.probes[0].answered = 1;
        diagnosis.inconclusive[0].missing[0].reason = Reason::Settling { what: "new".into(), left_s: 40 };
        assert_eq!(exit_code(&diagnosis, POLICY), exit::INCONCLUSIVE);
        assert_eq!(exit_code(&diagnosis, Policy { waited: true, ..POLICY }), exit::CONVERGING);
        assert!(matches!(outlook(&diagnosis, POLICY), Outlook::Moving { .. }));
        let mut unsure = self::diagnosis(&[Severity::Error], &[], 2);
        unsure.probes[0].answered = 1;
        unsure.findings[0].confidence = Confidence::Likely;
        assert_eq!(exit_code(&unsure, POLICY), exit::FINDINGS);
        let strict = Policy { min_confidence: Confidence::Certain, ..POLICY };
        assert_eq!(exit_code(&unsure, strict), exit::INCONCLUSIVE);
        // A fault of its own is final, however much else moves.
        unsure.inconclusive = diagnosis.inconclusive;
        assert_eq!(outlook(&unsure, POLICY), Outlook::Final);
        unsure.findings[0].perhaps = vec![unsure.inconclusive[0].id.clone()];
        assert!(matches!(outlook(&unsure, POLICY), Outlook::Moving { .. }));
    }

    /// Every combination: success needs everything at once, and worse news never improves the status.
    #[test]
    fn success_needs_everything_at_once() {
        use Severity::{Error, Notice, Warning};
        let found: [&[Severity]; 6] =
            [&[], &[Notice], &[Warning], &[Error], &[Notice, Warning], &[Warning, Error]];
        let opens: [&[bool]; 4] = [&[], &[false], &[true], &[false, true]];
        let mut seen = 0;
        for severities in found {
            for open in opens {
                for (passed, answered) in [(0, 0), (0, 1), (2, 0), (2, 1)] {
                    for fail_on in [Notice, Warning, Error] {
                        let mut diagnosis = diagnosis(severities, open, passed);
                        diagnosis.probes[0].answered = answered;
                        let code = exit_code(&diagnosis, Policy { fail_on, interrupted: false, ..POLICY });
                        let what = format!("{severities:?} {open:?} {passed} {answered} {fail_on:?}");
                        let fails = severities.iter().any(|severity| *severity >= fail_on);
                        assert_eq!(code == exit::FINDINGS, fails, "{what}");
                        let looked = answered > 0 && passed + severities.len() > 0 && !open.contains(&true);
                        assert_eq!(code == exit::FINE, looked && !fails, "{what}");
                        assert!([exit::FINE, exit::FINDINGS, exit::INCONCLUSIVE].contains(&code), "{what}");
                        let stopped = exit_code(&diagnosis, Policy { fail_on, interrupted: true, ..POLICY });
                        assert_eq!(stopped, exit::INTERRUPTED, "{what}");
                        seen += 1;
                    }
                }
            }
        }
        assert_eq!(seen, 6 * 4 * 4 * 3);
    }
}

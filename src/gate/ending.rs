//! The exit status of a run, and why it is that one.

use std::collections::BTreeSet;

use super::{Policy, exit};
use crate::diagnosis::{Diagnosis, Finding, Inconclusive, Severity, Standing, Summary, WRONG_TARGET};

/// Names that are told of several.
const NAMED: usize = 5;

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The exit status.
    pub code: u8,
    /// Why, in a few words; empty where the findings say it.
    pub because: String,
}

/// What is right, and too young to have spread.
fn spreading(diagnosis: &Diagnosis) -> impl Iterator<Item = &Inconclusive> {
    diagnosis.inconclusive.iter().filter(|row| row.settling().is_some())
}

/// Whether a name that was asked about is still to be mended.
fn stands(standing: Standing) -> bool {
    matches!(standing, Standing::Unchanged | Standing::Behind)
}

/// How a run ends: interrupted before findings, findings before what stayed open.
pub fn ending(diagnosis: &Diagnosis, policy: Policy) -> Ending {
    let end = |code, because: &str| Ending { code, because: because.to_owned() };
    if policy.interrupted {
        return end(exit::INTERRUPTED, "it was interrupted: what was not asked by then is not known");
    }
    if diagnosis.findings.iter().any(|finding| finding.id == WRONG_TARGET) {
        return end(exit::INCONCLUSIVE, "this is another deployment than the one that was meant");
    }
    let converging = if policy.waited { exit::CONVERGING } else { exit::INCONCLUSIVE };
    if let Some(only) = &diagnosis.only
        && only.standing == Standing::NotYet
    {
        return end(converging, &format!("{} is still settling", only.name));
    }
    if let Some(only) = &diagnosis.only
        && stands(only.standing)
        && diagnosis.findings.iter().any(|it| it.severity > Severity::Notice && it.accepted.is_none())
    {
        // Who asks whether a name is gone is told that it is not, however bad it is.
        return end(exit::FINDINGS, "");
    }
    let moving: BTreeSet<&str> = spreading(diagnosis).map(|row| row.id.as_str()).collect();
    let waits = |it: &&Finding| it.perhaps.iter().any(|name| moving.contains(name.as_str()));
    let failing: Vec<&Finding> = diagnosis.findings.iter().filter(|it| policy.fails(it)).collect();
    let own = policy.own(diagnosis);
    // What only hangs on what spreads does not fail a run that waits for it.
    let only_waits = policy.waited && !own.is_empty() && own.iter().all(waits);
    if !failing.is_empty() && !only_waits {
        return end(exit::FINDINGS, "");
    }
    let moving = named(spreading(diagnosis));
    if policy.waited && !moving.is_empty() {
        return end(exit::CONVERGING, &format!("still settling when the time to wait was over: {moving}"));
    }
    let unsure = diagnosis.findings.iter().filter(|finding| policy.counts(finding));
    let unsure = list(unsure.map(|finding: &Finding| finding.id.as_str()));
    if !unsure.is_empty() {
        return end(exit::INCONCLUSIVE, &format!("not sure enough to fail, and too bad to pass: {unsure}"));
    }
    let summary = Summary::of(diagnosis);
    if diagnosis.probes.iter().all(|run| run.answered == 0) || summary.examined().0 == 0 {
        return end(exit::INCONCLUSIVE, "nothing could be examined");
    }
    let open = named(diagnosis.inconclusive.iter().filter(|row| row.required));
    if !open.is_empty() {
        return end(exit::INCONCLUSIVE, &format!("required, and could not be examined: {open}"));
    }
    let (coverage, least) = (summary.coverage(), usize::from(policy.min_coverage));
    if diagnosis.only.is_none() && coverage < least {
        let because = format!("{coverage} % examined, less than the {least} % of --min-coverage");
        return end(exit::INCONCLUSIVE, &because);
    }
    end(exit::FINE, "")
}

fn named<'a>(rows: impl Iterator<Item = &'a Inconclusive>) -> String {
    list(rows.map(|row| row.id.as_str()))
}

/// The first few names, and how many more there are.
pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { format!("{shown} and {} more", names.len() - NAMED) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::super::{Outlook, Policy, exit, outlook};
    use super::ending;
    use crate::diagnosis::{
        Accepted, Confidence, DIAGNOSIS_FORMAT, Diagnosis, Finding, Inconclusive, Missing, NotApplicable,
        Passed, Severity,
    };
    use crate::fact::{Layer, ProbeRun, Reason, Vantage};

    const POLICY: Policy = Policy {
        fail_on: Severity::Error,
        min_confidence: Confidence::Possible,
        interrupted: false,
        waited: false,
        min_coverage: 0,
    };

    fn exit_code(diagnosis: &Diagnosis, policy: Policy) -> u8 {
        ending(diagnosis, policy).code
    }

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
            fingerprint: String::new(),
            accepted: None,
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
            deployment: std::collections::BTreeMap::new(),
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
            because: String::new(),
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

    #[test]
    fn what_is_accepted_fails_nothing_and_too_little_is_no_success() {
        let mut known = diagnosis(&[Severity::Error, Severity::Error], &[false], 2);
        assert_eq!(exit_code(&known, POLICY), exit::FINDINGS);
        let accepted = Accepted::Baseline { observed_at: known.observed_at };
        known.findings[0].accepted = Some(accepted.clone());
        assert_eq!(exit_code(&known, POLICY), exit::FINDINGS);
        known.findings[1].accepted = Some(accepted);
        assert_eq!(exit_code(&known, POLICY), exit::FINE);
        // Four of five are decided.
        assert_eq!(exit_code(&known, Policy { min_coverage: 80, ..POLICY }), exit::FINE);
        let strict = ending(&known, Policy { min_coverage: 81, ..POLICY });
        assert_eq!(strict.code, exit::INCONCLUSIVE);
        assert_eq!(strict.because, "80 % examined, less than the 81 % of --min-coverage");
        // What is required and open counts whatever is accepted.
        known.inconclusive[0].required = true;
        assert_eq!(ending(&known, POLICY).because, "required, and could not be examined: y");
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

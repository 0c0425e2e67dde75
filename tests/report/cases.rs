//! Diagnoses as the engine makes them, written down by hand.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mzv_doctor::diagnosis::{
    Confidence, Contrast, DIAGNOSIS_FORMAT, Diagnosis, Evidence, Excerpt, Finding, Inconclusive, Missing,
    NotApplicable, Passed, Remedy, Severity, Side, fingerprint,
};
use mzv_doctor::fact::{Layer, Origin, ProbeRun, Reason, TextSource, Vantage};

const ISSUER: &str = "https://germanywestcentral.oic.prod-aks.azure.com/11111111-1111-4111-8111-111111111111/22222222-2222-4222-8222-222222222222/";

/// Every case with its name and exit status.
pub(crate) fn all() -> Vec<(&'static str, Diagnosis, u8)> {
    vec![
        ("subject_mismatch", subject_mismatch(), 1),
        ("issuer_mismatch", issuer_mismatch(), 1),
        ("healthy", healthy(), 0),
        ("azure_unreachable", azure_unreachable(), 3),
        ("hostile", hostile(), 1),
    ]
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn passed(number: usize) -> Vec<Passed> {
    (0..number)
        .map(|number| Passed {
            id: format!("passed-{number:02}"),
            title: "A rule that is fine".into(),
            severity: Severity::Error,
            history: vec![],
        })
        .collect()
}

fn diagnosis(findings: Vec<Finding>, inconclusive: Vec<Inconclusive>, fine: usize) -> Diagnosis {
    Diagnosis {
        format: DIAGNOSIS_FORMAT,
        tool_version: "0.1.0".into(),
        observed_at: at("2026-11-23T14:02:11Z"),
        vantage: Vantage::Operator,
        target: "npr".into(),
        deployment: std::collections::BTreeMap::new(),
        facts_asked: 34,
        took_ms: 1400,
        findings,
        inconclusive,
        passed: passed(fine),
        not_applicable: vec![NotApplicable {
            id: "AADSTS90061".into(),
            title: "Entra cannot reach the issuer".into(),
        }],
        probes: vec![ProbeRun {
            name: "identity".into(),
            provides: vec!["identity.resource".into()],
            at: at("2026-11-23T14:02:11Z"),
            took_ms: 1400,
            answered: 1,
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

fn finding(id: &str, title: &str, brief: &str, caused_by: &[&str]) -> Finding {
    Finding {
        id: id.into(),
        title: title.into(),
        area: "gateway".into(),
        severity: Severity::Error,
        confidence: Confidence::Certain,
        subject: "mazevault-gateway-npr".into(),
        about: None,
        brief: brief.into(),
        evidence: vec![],
        contrast: None,
        text: vec![],
        explanation: String::new(),
        remedy: None,
        verify: String::new(),
        caused_by: caused_by.iter().map(|id| (*id).to_owned()).collect(),
        perhaps: vec![],
        references: vec![],
        facts: BTreeMap::new(),
        fingerprint: fingerprint(id, None, "mazevault-gateway-npr"),
        accepted: None,
    }
}

fn evidence(label: &str, value: &str) -> Evidence {
    Evidence { label: label.into(), value: value.into() }
}

fn side(label: &str, value: &str) -> Side {
    Side { label: label.into(), value: value.into() }
}

fn words(command: &[&str]) -> Vec<String> {
    command.iter().map(|word| (*word).to_owned()).collect()
}

fn notice() -> Finding {
    Finding {
        severity: Severity::Notice,
        area: "expected".into(),
        explanation: "Managed identity rests on a metadata service that exists only on machines in Azure."
            .into(),
        ..finding(
            "imds-expected-on-local-primary",
            "There is no instance metadata service outside Azure, as it should be",
            "no metadata service on this machine, as it should be",
            &[],
        )
    }
}

fn open() -> Vec<Inconclusive> {
    vec![
        Inconclusive {
            id: "reader-missing".into(),
            title: "The identity lacks Reader".into(),
            severity: Severity::Error,
            required: true,
            missing: vec![Missing {
                fact: "obo.access".into(),
                reason: Reason::Denied {
                    detail: "403 AuthorizationFailed: The client does not have authorization".into(),
                    permission: Some("Microsoft.Authorization/roleAssignments/read".into()),
                },
                call: "GET /subscriptions/55555555-5555-4555-8555-555555555555/roleAssignments".into(),
                against: "management.azure.com".into(),
            }],
        },
        Inconclusive {
            id: "obo-zero-subscriptions".into(),
            title: "A user can read no subscription".into(),
            severity: Severity::Error,
            required: false,
            missing: vec![Missing {
                fact: "obo.access".into(),
                reason: Reason::NotConfigured { setting: "obo.users".into() },
                call: String::new(),
                against: "management.azure.com".into(),
            }],
        },
    ]
}

pub(crate) fn subject_mismatch() -> Diagnosis {
    let has = "system:serviceaccount:mazevault:mazevault-gateway";
    let wants = "system:serviceaccount:mazevault:mazevault-gateway-sa";
    let cause = Finding {
        subject: "id-mazevault-npr-gwc".into(),
        evidence: vec![evidence("identity", "id-mazevault-npr-gwc, credential fic-mazevault-gateway-sa (1 of 1)")],
        contrast: Some(Contrast { has: side("it has", has), wants: side("pods send", wants) }),
        text: vec![Excerpt {
            source: TextSource::KubernetesEvent,
            place: "event/pod/mazevault-gateway-npr-7d9f8b6c5-x2x4q".into(),
            line: 1,
            column: Some(1),
            count: 4,
            first: Some(at("2026-11-23T13:41:02Z")),
            last: Some(at("2026-11-23T14:01:55Z")),
            text: format!("AADSTS700213: No matching federated identity record found for presented assertion subject '{wants}'."),
            decisive: "AADSTS700213".into(),
        }],
        explanation: "Entra trusts a token only where issuer, subject and audience of one credential are the token's, letter for letter. Issuer and audience fit; the subject does not.".into(),
        remedy: Some(Remedy {
            text: String::new(),
            commands: vec![words(&[
                "az", "identity", "federated-credential", "update", "--resource-group", "rg-mazevault-npr",
                "--identity-name", "id-mazevault-npr-gwc", "--name", "fic-mazevault-gateway-sa", "--subject",
                wants, "--issuer", ISSUER, "--audiences", "api://AzureADTokenExchange",
            ])],
            open: vec![],
            first: String::new(),
        }),
        verify: "takes a minute or two to spread".into(),
        references: vec!["https://learn.microsoft.com/entra/workload-id/workload-identity-federation".into()],
        facts: BTreeMap::from([(
            "federation.mismatch".into(),
            Origin {
                call: String::new(),
                against: "management.azure.com".into(),
                vantage: Vantage::Operator,
                at: at("2026-11-23T14:02:11Z"),
                took_ms: 0,
                from: vec!["federation.presented".into(), "identity.credentials".into()],
            },
        )]),
        ..finding(
            "AADSTS700213",
            "The federated credential's subject is not the gateway's service account",
            "the subject is not trusted",
            &[],
        )
    };
    let mut mount = finding(
        "csi-mount-failed",
        "The secrets volume cannot be mounted",
        "4 events since 13:41",
        &["AADSTS700213"],
    );
    mount.evidence = vec![evidence("pod", "mazevault/mazevault-gateway-npr-7d9f8b6c5-x2x4q")];
    let findings = vec![
        cause,
        mount,
        finding("gateway-not-ready", "The gateway is not ready", "0 of 1 pods", &["csi-mount-failed"]),
        finding(
            "tasks-not-polling",
            "The gateway does not poll the Primary's tasks endpoint",
            "no poll since 13:40",
            &["gateway-not-ready"],
        ),
        notice(),
    ];
    diagnosis(findings, open(), 31)
}

/// Long values that part late, a warning that is only likely, a command with a name to fill in, and text that is over.
pub(crate) fn issuer_mismatch() -> Diagnosis {
    let old = ISSUER.replace("22222222-2222-4222-8222-222222222222", "99999999-9999-4999-8999-999999999999");
    let cause = Finding {
        evidence: vec![evidence("service account", "mazevault-gateway-sa"), evidence("refused", ISSUER)],
        contrast: Some(Contrast { has: side("it has", &old), wants: side("cluster is", ISSUER) }),
        explanation: "No credential of the identity trusts this cluster's issuer. ".repeat(12),
        remedy: Some(Remedy {
            text: "Add a credential with this cluster's issuer.".into(),
            commands: vec![
                words(&[
                    "az",
                    "identity",
                    "federated-credential",
                    "create",
                    "--name",
                    "<credential>",
                    "--issuer",
                    ISSUER,
                ]),
                words(&["kubectl", "annotate", "serviceaccount", "it's me", "a=$(id)"]),
            ],
            open: vec!["credential".into()],
            first: String::new(),
        }),
        ..finding("AADSTS700211", "The federated credential's issuer is not the cluster's", "", &[])
    };
    let twice = |subject: &str| Finding {
        severity: Severity::Warning,
        confidence: Confidence::Likely,
        subject: subject.into(),
        evidence: vec![evidence("database", subject)],
        explanation: "The database is older than the release.".into(),
        ..finding(
            "migration-missing-gateway-write-queues",
            "The database of this part lacks migrations that the release expects of it",
            "version 110 of 125",
            &[],
        )
    };
    let findings = vec![cause, twice("the Primary's database"), twice("the gateway's database")];
    let mut diagnosis = diagnosis(findings, vec![], 30);
    diagnosis.passed[4].history = vec![Excerpt {
        source: TextSource::GatewayLog,
        place: "pod/mazevault-gateway-npr-7d9f8b6c5-x2x4q/gateway".into(),
        line: 7,
        column: None,
        count: 1,
        first: None,
        last: Some(at("2026-11-22T09:00:00Z")),
        text: "x509: certificate has expired".into(),
        decisive: String::new(),
    }];
    diagnosis
}

pub(crate) fn healthy() -> Diagnosis {
    diagnosis(vec![notice()], vec![], 38)
}

/// Thirty rules lack what Azure would have said.
pub(crate) fn azure_unreachable() -> Diagnosis {
    let unreachable =
        Reason::Unreachable { layer: Layer::Connect, detail: "connection refused (os error 111)".into() };
    let call = "GET /subscriptions/55555555-5555-4555-8555-555555555555/resourceGroups/rg-mazevault-npr/providers/Microsoft.ContainerService/managedClusters/aks-mazevault-npr";
    let row = |id: String, required, fact: &str, reason: &Reason, call: &str| Inconclusive {
        id,
        title: "A rule about Azure".into(),
        severity: Severity::Error,
        required,
        missing: vec![Missing {
            fact: fact.into(),
            reason: reason.clone(),
            call: call.into(),
            against: "management.azure.com".into(),
        }],
    };
    let mut rows: Vec<Inconclusive> = (0..27)
        .map(|number| {
            let fact = if number < 20 { "cluster.resource" } else { "identity.resource" };
            row(format!("rule-{number:02}"), true, fact, &unreachable, call)
        })
        .collect();
    let slow = Reason::TimedOut { layer: Layer::FirstByte, after_ms: 10_000 };
    rows.push(row("primary-unhealthy".into(), true, "primary.health", &slow, "GET /api/v1/health"));
    let malformed = Reason::Malformed { detail: "expected value at line 1 column 1".into() };
    rows.push(row("migration-behind".into(), false, "primary_db.migration", &malformed, "SELECT version"));
    let unasked = Reason::NotAsked { option: "--exchange-token".into() };
    rows.push(row("AADSTS7000272".into(), false, "exchange.answer", &unasked, ""));
    diagnosis(vec![], rows, 9)
}

/// What an attacker who can write a log line would write.
pub(crate) fn hostile() -> Diagnosis {
    let trick = "\u{1b}[2J\u{1b}[31mall fine\u{1b}[0m\r\n::set-output name=x::owned\n##vso[task.setvariable variable=x]y\n\u{202e}gnp.exe\u{202c} \u{200b}<script>alert(1)</script> | [link](javascript:x) `id`";
    let mut diagnosis = subject_mismatch();
    diagnosis.target = "npr\u{1b}]0;title\u{7}".into();
    let cause = &mut diagnosis.findings[0];
    cause.evidence.push(evidence("name", trick));
    cause.contrast = Some(Contrast {
        has: side("it has", "system:serviceaccount:m\u{430}zevault:gateway "),
        wants: side("pods send", "system:serviceaccount:mazevault:gateway"),
    });
    cause.text[0].place = "pod/x\n::set-output name=y::owned".into();
    cause.text[0].text = trick.into();
    cause.remedy.as_mut().unwrap().commands = vec![words(&[
        "kubectl",
        "get",
        "pods",
        "--selector",
        "app=$(reboot);\u{1b}[2J",
        "::set-output name=x::y",
    ])];
    diagnosis.findings[1].brief = trick.into();
    diagnosis.inconclusive[1].missing[0].reason = Reason::Malformed { detail: trick.into() };
    diagnosis
}

//! What a run against the healthy lab learns: everything that is asked is answered.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use jiff::Timestamp;
use mzv_doctor::client::install_crypto;
use mzv_doctor::derive::derive;
use mzv_doctor::fact::{Outcome, Reason, Snapshot, Vantage, vocabulary};
use mzv_doctor::lab;
use mzv_doctor::probe::{self, Clients, Watch, touching_of};
use mzv_doctor::target::Target;

struct Silent;

impl Watch for Silent {}

struct Run {
    snapshot: Snapshot,
    unexpected: Vec<String>,
    target: Target,
}

async fn observe(scenario: &str, more: &[(&str, serde_json::Value)]) -> Run {
    install_crypto();
    let staged = lab::stage(lab::load(scenario, Timestamp::now()).unwrap()).await.unwrap();
    let mut settings = staged.settings();
    settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let mut clients = Clients::new(Target::staged(settings, "lab").unwrap(), Vantage::Operator).unwrap();
    clients.discover().await.unwrap();
    let mut snapshot = Snapshot::new(Timestamp::now(), Vantage::Operator);
    snapshot.target = clients.target.settings().clone();
    probe::run(&probe::probes(), &clients, &mut snapshot, &Silent).await;
    derive(&mut snapshot);
    Run { snapshot, unexpected: staged.unexpected(), target: clients.target.clone() }
}

#[tokio::test]
async fn every_fact_of_the_healthy_lab_is_answered() {
    let Run { snapshot, unexpected, .. } = observe("healthy", &[]).await;
    let mut lacking = Vec::new();
    for fact in vocabulary() {
        match snapshot.facts.get(fact.name).map(|seen| &seen.outcome) {
            Some(Outcome::Known(_) | Outcome::Absent) => {}
            Some(Outcome::Unknown(Reason::NotAsked { .. } | Reason::NotConfigured { .. })) => {
                let opted = [
                    "gateway.secrets",
                    "gateway.empty_keys",
                    "gateway.bootstrap_ended",
                    "federation.exchange",
                    "provisioning.",
                ];
                if !opted.iter().any(|start| fact.name.starts_with(start)) {
                    lacking.push(format!("{}: not asked", fact.name));
                }
            }
            Some(Outcome::Unknown(reason)) => lacking.push(format!("{}: {reason:?}", fact.name)),
            None => lacking.push(format!("{}: nobody provides it", fact.name)),
        }
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

/// Method and path of a recorded call, as the list of allowed calls writes them.
fn taken_apart(what: &str) -> (String, String) {
    if let Some((mark, _)) = what.strip_prefix("/* mzv:").and_then(|rest| rest.split_once(" */")) {
        return ("SELECT".into(), mark.into());
    }
    let (method, path) = what.split_once(' ').unwrap_or((what, ""));
    (method.into(), path.split('?').next().unwrap_or_default().into())
}

#[tokio::test]
async fn a_run_touches_what_its_plan_says_and_nothing_else() {
    let flag = serde_json::Value::Bool(true);
    let asked = [("run.secret_keys", flag.clone()), ("run.exchange_token", flag)];
    for (scenario, more) in [
        ("healthy", &[][..]),
        ("healthy", &asked),
        ("two-faults", &[]),
        ("arm-forbidden", &[]),
        ("tasks-401", &asked),
    ] {
        let run = observe(scenario, more).await;
        let planned = touching_of(&run.target);
        let mut beyond: Vec<String> = Vec::new();
        for call in &run.snapshot.calls {
            let (method, path) = taken_apart(&call.what);
            // A token is asked of a credential; what that sends is a call of its own.
            let by_credential = call.api == "local" && method == "token";
            if !by_credential
                && !planned.iter().any(|(_, touch)| touch.call.covers(&call.api, &method, &path))
            {
                beyond.push(format!("{} {}", call.api, call.what));
            }
        }
        assert!(beyond.is_empty(), "{scenario}: {beyond:#?}");
        assert!(run.unexpected.is_empty(), "{scenario}: {:?}", run.unexpected);
        assert!(run.snapshot.calls.len() > 30, "{scenario}: {}", run.snapshot.calls.len());
        let secrets = run.snapshot.calls.iter().any(|call| call.what.contains("/secrets/"));
        let tokens =
            run.snapshot.calls.iter().any(|call| call.what.ends_with("/token") && call.api == "kubernetes");
        assert_eq!((secrets, tokens), (!more.is_empty(), !more.is_empty()), "{scenario}");
    }
}

#[tokio::test]
async fn what_is_asked_for_by_name_keeps_no_secret() {
    let flag = serde_json::Value::Bool(true);
    let run = observe("healthy", &[("run.secret_keys", flag.clone()), ("run.exchange_token", flag)]).await;
    let secrets = run.snapshot.get(&mzv_doctor::fact::GATEWAY_SECRETS);
    let keys = &secrets.value().unwrap()[0].keys;
    assert!(keys.iter().any(|key| key.name == "DATABASE_URL" && key.length == "filled"), "{keys:?}");
    let exchange = run.snapshot.get(&mzv_doctor::fact::FEDERATION_EXCHANGE);
    let exchange = exchange.value().unwrap();
    assert_eq!((exchange.attempts, exchange.succeeded), (5, 5), "{exchange:?}");
    let text = serde_json::to_string(&run.snapshot).unwrap();
    for secret in ["lab-canary-never-shown", "bGFiLWNhbmFyeS1uZXZlci1zaG93bg", "known-to-the-lab-only"] {
        assert!(!text.contains(secret), "{secret} is in the snapshot");
    }
}

//! What a run against the healthy lab learns: everything that is asked is answered.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use jiff::Timestamp;
use mzv_doctor::client::install_crypto;
use mzv_doctor::derive::derive;
use mzv_doctor::fact::{Outcome, Reason, Snapshot, Vantage, vocabulary};
use mzv_doctor::lab;
use mzv_doctor::probe::{self, Clients, Watch};
use mzv_doctor::target::Target;

struct Silent;

impl Watch for Silent {
    fn begins(&self, _probe: &str) {}
    fn ends(&self, _probe: &str) {}
}

async fn observe(scenario: &str, more: &[(&str, serde_json::Value)]) -> (Snapshot, Vec<String>) {
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
    (snapshot, staged.unexpected())
}

#[tokio::test]
async fn every_fact_of_the_healthy_lab_is_answered() {
    let (snapshot, unexpected) = observe("healthy", &[]).await;
    let mut lacking = Vec::new();
    for fact in vocabulary() {
        match snapshot.facts.get(fact.name).map(|seen| &seen.outcome) {
            Some(Outcome::Known(_) | Outcome::Absent) => {}
            Some(Outcome::Unknown(Reason::NotAsked { .. } | Reason::NotConfigured { .. })) => {
                let opted = ["gateway.secrets", "gateway.empty_keys", "federation.exchange", "provisioning."];
                if !opted.iter().any(|start| fact.name.starts_with(start)) {
                    lacking.push(format!("{}: not asked", fact.name));
                }
            }
            Some(Outcome::Unknown(reason)) => lacking.push(format!("{}: {reason:?}", fact.name)),
            None => lacking.push(format!("{}: nobody provides it", fact.name)),
        }
        if std::env::var_os("SHOW_FACTS").is_some() {
            println!(
                "{} = {}",
                fact.name,
                serde_json::to_string(&snapshot.facts.get(fact.name).map(|s| &s.outcome)).unwrap()
            );
        }
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

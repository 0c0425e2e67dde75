//! A deployment of any size, examined.

use jiff::Timestamp;
use mzv_doctor::client::install_crypto;
use mzv_doctor::derive::derive;
use mzv_doctor::diagnosis::{Diagnosis, Policy, diagnose};
use mzv_doctor::fact::{Snapshot, Vantage, vocabulary};
use mzv_doctor::lab;
use mzv_doctor::probe::{self, Clients, Watch};
use mzv_doctor::rule;
use mzv_doctor::target::{Kind, Target, table};
use serde_json::{Map, Value, json};

/// What an examination came to.
pub(crate) struct Run {
    /// Everything it learned.
    pub(crate) snapshot: Snapshot,
    /// The verdict.
    pub(crate) diagnosis: Diagnosis,
}

struct Silent;

impl Watch for Silent {}

const USER: &str = "66666666-6666-4666-8666-666666666666";
const SUBSCRIPTION: &str = "/subscriptions/55555555-5555-4555-8555-555555555555";

/// A change of the healthy deployment: a user with so many roles of which none lets it read, so many pods, and so many
/// gateways in other environments.
pub(crate) fn change(assignments: usize, pods: usize, gateways: usize) -> Value {
    let mut roles = Map::new();
    for number in 0..20 {
        roles.insert(
            format!("00000000-0000-4000-8000-{number:012}"),
            json!({"name": format!("Role {number}"), "actions": [format!("Microsoft.Kind{number}/*/read")]}),
        );
    }
    let mut assigned = Map::new();
    assigned.insert("88888888-8888-4888-8888-000000000001".into(), Value::Null);
    for number in 0..assignments {
        assigned.insert(
            format!("99999999-0000-4000-8000-{number:012}"),
            json!({
                "scope": SUBSCRIPTION, "principal": USER, "kind": "User",
                "role": format!("00000000-0000-4000-8000-{:012}", number % 20),
            }),
        );
    }
    let (mut objects, mut logs) = (Map::new(), Map::new());
    for number in 1..pods {
        let name = format!("mazevault-gateway-npr-7d9f8b6c5-p{number:04}");
        objects.insert(format!("pod-{number}"), pod(&name));
        logs.insert(format!("{name}/mazevault-gateway"), "gateway.log".into());
    }
    objects.insert(
        "deployment".into(),
        json!({"spec": {"replicas": pods}, "status": {"replicas": pods, "updatedReplicas": pods, "readyReplicas": pods}}),
    );
    let mut records = Map::new();
    for number in 1..gateways {
        records.insert(
            format!("9b1d0c52-0000-4000-8000-{:012}", number + 1),
            json!({
                "name": format!("gateway-{number}"), "environment": format!("env-{number}"), "role": "primary",
                "status": "active", "last_heartbeat": "2026-11-01T00:00:00Z", "consecutive_failures": 0,
            }),
        );
    }
    json!({
        "azure": {"roles": roles, "assignments": assigned},
        "kubernetes": {"objects": objects, "logs": logs},
        "primary": {"gateways": records},
    })
}

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "mazevault", "uid": name, "creationTimestamp": "2026-11-01T00:00:00Z",
            "labels": {"app": "mazevault-gateway", "azure.workload.identity/use": "true"},
        },
        "spec": {
            "serviceAccountName": "mazevault-gateway-sa",
            "containers": [{
                "name": "mazevault-gateway",
                "env": [{"name": "AZURE_CLIENT_ID", "value": "x"}, {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "y"}],
                "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets/azure/tokens"}],
            }],
            "volumes": [{"name": "token", "projected": {"sources": [
                {"serviceAccountToken": {"audience": "api://AzureADTokenExchange", "path": "t"}}]}}],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-01T00:00:00Z"}],
            "containerStatuses": [{
                "name": "mazevault-gateway", "ready": true, "restartCount": 0,
                "imageID": "acrmzvtest.azurecr.io/mazevault-backend@sha256:6a1c0de06a1c0de06a1c0de06a1c0de06a1c0de06a1c0de06a1c0de06a1c0de0",
            }],
        },
    })
}

/// Stages such a deployment and examines it.
pub(crate) async fn examine(assignments: usize, pods: usize, gateways: usize) -> Run {
    examine_change(&change(assignments, pods, gateways)).await
}

/// Stages the healthy deployment with a change and examines it.
pub(crate) async fn examine_change(change: &Value) -> Run {
    install_crypto();
    let world = lab::changed("healthy", Timestamp::now(), change).unwrap();
    let staged = lab::stage(world).await.unwrap();
    let mut clients =
        Clients::new(Target::staged(staged.settings(), "lab").unwrap(), Vantage::Operator).unwrap();
    clients.discover().await.unwrap();
    let mut snapshot = Snapshot::new(Timestamp::now(), Vantage::Operator);
    snapshot.target = clients.target.settings().clone();
    probe::run(&probe::probes(), &clients, &mut snapshot, &Silent).await;
    derive(&mut snapshot);
    let settings: Vec<_> = table().iter().map(|spec| (spec.name, spec.kind == Kind::List)).collect();
    let rules = rule::load(&vocabulary(), &settings, None).unwrap();
    let diagnosis = diagnose(&snapshot, &rules, &Policy::default());
    Run { snapshot, diagnosis }
}

//! The logs in which polls of the tasks endpoint show: the gateway's and the Primary's. The endpoint
//! itself is never called, for a poll may claim work.

use async_trait::async_trait;

use super::transcript::{Log, put_logs};
use super::{Clients, Probe, Seen, Touch, touching};
use crate::client::calls;
use crate::fact::{
    GATEWAY_PODS, Observation, Outcome, PRIMARY_SERVICES, Pod, Reason, Snapshot, TEXT_GATEWAY_LOG,
    TEXT_PRIMARY_LOG, TextRead, TextSource,
};
use crate::target::Target;

const DEFAULT_LINES: u64 = 2000;
const DEFAULT_BYTES: usize = 6 << 20;

pub(super) struct TasksProbe;

#[async_trait]
impl Probe for TasksProbe {
    fn name(&self) -> &'static str {
        "tasks"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["text.gateway_log", "text.primary_log"]
    }

    fn needs(&self) -> &'static [&'static str] {
        &["gateway.pods", "primary.services"]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        let mut touches = touching(&[calls::POD_LOG], &["text.gateway_log"]);
        touches.extend(touching(&[calls::CONTAINER_LOG], &["text.primary_log"]));
        touches
    }

    async fn observe(&self, clients: &Clients, known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let limit = clients
            .target
            .number("run.log_lines")
            .and_then(|it| u64::try_from(it).ok())
            .unwrap_or(DEFAULT_LINES);
        let bytes = clients
            .target
            .number("run.log_bytes")
            .and_then(|it| usize::try_from(it).ok())
            .unwrap_or(DEFAULT_BYTES);
        let limits = (limit, bytes);
        let (gateway, primary) =
            futures::join!(gateway_logs(clients, known, limits), primary_logs(clients, known, limits));
        put_logs(&mut seen, &TEXT_GATEWAY_LOG, TextSource::GatewayLog, gateway.0, limit, gateway.1);
        put_logs(&mut seen, &TEXT_PRIMARY_LOG, TextSource::PrimaryLog, primary.0, limit, primary.1);
        seen
    }
}

/// What one of several logs may have of what they may have together.
fn share((lines, bytes): (u64, usize), logs: usize) -> (u64, usize) {
    (lines, bytes / logs.max(1))
}

fn nothing<T>(of: &Observation<T>) -> Observation<TextRead> {
    let outcome = match &of.outcome {
        Outcome::Known(_) | Outcome::Absent => Outcome::Absent,
        Outcome::Unknown(reason) => Outcome::Unknown(reason.clone()),
    };
    Observation { outcome, origin: of.origin.clone() }
}

/// Logs of every gateway pod whose container has started, the previous container's first where it restarted.
/// A container that never started has no log, which is an absence and not ignorance.
async fn gateway_logs(
    clients: &Clients,
    known: &Snapshot,
    (lines, bytes): (u64, usize),
) -> (Vec<Log>, Observation<TextRead>) {
    let pods = known.get(&GATEWAY_PODS);
    let otherwise = nothing(&pods);
    let connected = clients.kubernetes().await;
    let (Outcome::Known(kubernetes), Some(pods)) = (&connected.outcome, pods.value()) else {
        return (Vec::new(), otherwise);
    };
    let namespace = clients.target.text("kubernetes.namespace");
    let wanted = clients.target.given("kubernetes.container");
    let mut pods: Vec<&Pod> = pods.iter().collect();
    pods.sort_by_key(|pod| pod.created_at);
    if let Some(name) = &wanted
        && !pods.is_empty()
        && !pods.iter().any(|pod| pod.containers.iter().any(|container| container.name == *name))
    {
        let detail = format!("no pod has a container {name}: see kubernetes.container");
        let origin = otherwise.origin.clone();
        return (Vec::new(), Observation::unknown(Reason::Malformed { detail }, origin));
    }
    let asked = pods.iter().filter_map(|pod| {
        let container = match &wanted {
            Some(name) => pod.containers.iter().find(|container| &container.name == name)?,
            None => pod.containers.first()?,
        };
        // A pod that no node took has no containers yet, and one that is pulled or created has no log.
        let never_ran = container.restarts == 0
            && (container.waiting.is_some() || (pod.phase == "Pending" && container.digest.is_none()));
        (!never_ran).then_some((*pod, container))
    });
    let asked: Vec<_> = asked.collect();
    // Half of it is the Primary's.
    let limits =
        share((lines, bytes / 2), asked.iter().map(|(_, it)| if it.restarts > 0 { 2 } else { 1 }).sum());
    let logs = asked.into_iter().map(|(pod, container)| {
        let namespace = &namespace;
        async move {
            let place = format!("pod/{}/{}", pod.name, container.name);
            let mut logs = Vec::new();
            if container.restarts > 0 {
                let text = kubernetes.log(namespace, &pod.name, &container.name, true, limits).await;
                // The kubelet keeps one dead container at most; that it kept none says nothing.
                if matches!(text.outcome, Outcome::Known(_)) {
                    logs.push(Log { place: format!("{place}/previous"), text });
                }
            }
            let text = kubernetes.log(namespace, &pod.name, &container.name, false, limits).await;
            logs.push(Log { place, text });
            logs
        }
    });
    (futures::future::join_all(logs).await.into_iter().flatten().collect(), otherwise)
}

async fn primary_logs(
    clients: &Clients,
    known: &Snapshot,
    limits: (u64, usize),
) -> (Vec<Log>, Observation<TextRead>) {
    let services = known.get(&PRIMARY_SERVICES);
    let otherwise = nothing(&services);
    let wanted = clients.target.text("primary.backend_service");
    let backend = services.value().and_then(|services| services.iter().find(|it| it.service == wanted));
    let Some(backend) = backend else {
        if services.value().is_none() {
            return (Vec::new(), otherwise);
        }
        let detail = format!("the project has no service {wanted}: see primary.backend_service");
        return (Vec::new(), Observation::unknown(Reason::Malformed { detail }, otherwise.origin));
    };
    let text = clients.docker.log(&backend.container, share(limits, 2)).await;
    (vec![Log { place: format!("compose/{wanted}"), text }], otherwise)
}

//! What the gateway's container is told: mode, environment, role, the Primary's address, its state file; and whether
//! its rollout has ended.

use std::net::IpAddr;

use url::{Host, Url};

use super::{Derived, Lack, need, put};
use crate::fact::{
    Container, Deployment, GATEWAY_CANONICAL, GATEWAY_DEPLOYMENT, GATEWAY_ENVIRONMENT, GATEWAY_MODE,
    GATEWAY_PODS, GATEWAY_PRIMARY, GATEWAY_ROLE, GATEWAY_ROLLED_OUT, GATEWAY_ROLLOUT, GATEWAY_SECRET_CLASSES,
    GATEWAY_SECRETS, GATEWAY_STATE, GATEWAY_UNSTABLE, Outcome, PrimaryAddress, Reason, Rollout, Snapshot,
    StateFile,
};

/// Restarts from which on a container counts as unstable, and seconds for which a failure counts as recent.
const SEVERAL: i64 = 3;
const RECENT_S: i64 = 3600;
/// Seconds that a rollout usually takes at most: the runbook waits for as long.
const ROLLOUT_S: i64 = 300;
/// Volumes that go with the pod.
const EPHEMERAL: &[&str] = &["emptyDir", "ephemeral"];

pub(super) fn derive(snapshot: &mut Snapshot) {
    let from = [GATEWAY_DEPLOYMENT.name()];
    for (fact, variable) in
        [(&GATEWAY_MODE, "MAZEVAULT_MODE"), (&GATEWAY_ENVIRONMENT, "MAZEVAULT_GATEWAY_ENVIRONMENT")]
    {
        let value = setting(snapshot, variable);
        put(snapshot, fact, &from, value);
    }
    let canonical = need(snapshot, &GATEWAY_ENVIRONMENT).map(|name| name.trim().to_lowercase());
    put(snapshot, &GATEWAY_CANONICAL, &[GATEWAY_ENVIRONMENT.name()], canonical);
    let role = match setting(snapshot, "MAZEVAULT_GATEWAY_ROLE") {
        Err(Lack::Absent(_)) => Ok(snapshot.setting("gateway.role")),
        known => known,
    };
    put(snapshot, &GATEWAY_ROLE, &from, role);
    let primary = setting(snapshot, "PRIMARY_BACKEND_URL").map(|url| address(&url));
    put(snapshot, &GATEWAY_PRIMARY, &from, primary);
    let state = state(snapshot);
    put(snapshot, &GATEWAY_STATE, &from, state);
    let rollout = need(snapshot, &GATEWAY_DEPLOYMENT).map(|deployment| rollout(&deployment));
    put(snapshot, &GATEWAY_ROLLOUT, &from, rollout);
    let ended = rolled_out(snapshot);
    put(snapshot, &GATEWAY_ROLLED_OUT, &[GATEWAY_ROLLOUT.name(), GATEWAY_PODS.name()], ended);
    let unstable = unstable(snapshot);
    put(snapshot, &GATEWAY_UNSTABLE, &[GATEWAY_PODS.name()], unstable);
}

/// Containers that fail again and again, whether or not they happen to run now.
fn unstable(snapshot: &Snapshot) -> Derived<Vec<String>> {
    let pods = need(snapshot, &GATEWAY_PODS)?;
    let now = snapshot.observed_at.as_second();
    let failing = pods.iter().flat_map(|pod| &pod.containers).filter(|it| {
        let recent = it.last_end_at.is_some_and(|at| now - at.as_second() < RECENT_S);
        let by_itself = it.last_end.as_deref().is_some_and(|why| why != "Completed");
        it.restarts >= SEVERAL && recent && by_itself
    });
    Ok(failing.map(|it| it.name.clone()).collect())
}

/// The gateway's container.
pub(super) fn container(snapshot: &Snapshot, deployment: &Deployment) -> Derived<Container> {
    let wanted = snapshot.setting("kubernetes.container");
    let wanted = Some(wanted.as_str()).filter(|name| !name.is_empty());
    deployment.gateway(wanted).cloned().ok_or(Lack::Absent(GATEWAY_DEPLOYMENT.name()))
}

/// The value of a variable, where it is one of those that are kept; absent where nothing sets it.
fn setting(snapshot: &Snapshot, variable: &str) -> Derived<String> {
    let deployment = need(snapshot, &GATEWAY_DEPLOYMENT)?;
    let container = container(snapshot, &deployment)?;
    if let Some(value) = container.settings.get(variable) {
        return Ok(value.clone());
    }
    let hidden =
        |option: &str| Lack::Unknown(GATEWAY_DEPLOYMENT.name(), Reason::NotAsked { option: option.into() });
    if container.references.iter().any(|it| it.variable == variable) {
        return Err(hidden("its value comes from a secret, which is never read"));
    }
    if container.env.iter().any(|name| name == variable) || !container.unread.is_empty() {
        return Err(hidden("its value comes from where this run may not read"));
    }
    for secret in &container.secrets {
        match keys_of(snapshot, secret) {
            Some(keys) if !keys.iter().any(|key| key == variable) => {}
            Some(_) => return Err(hidden("its value comes from a secret, which is never read")),
            None => return Err(hidden("--secret-keys")),
        }
    }
    Err(Lack::Absent(GATEWAY_DEPLOYMENT.name()))
}

/// Names of a Kubernetes secret's keys, from the secret itself where it was read, else from the class that fills it.
pub(super) fn keys_of(snapshot: &Snapshot, secret: &str) -> Option<Vec<String>> {
    if let Outcome::Known(secrets) = snapshot.get(&GATEWAY_SECRETS).outcome
        && let Some(found) = secrets.iter().find(|it| it.name == secret && it.exists)
    {
        return Some(found.keys.iter().map(|key| key.name.clone()).collect());
    }
    let classes = snapshot.get(&GATEWAY_SECRET_CLASSES);
    // Where the cluster does not know the kind, no class fills anything.
    let classes = match &classes.outcome {
        Outcome::Known(classes) => classes.as_slice(),
        Outcome::Absent => &[],
        Outcome::Unknown(_) => return None,
    };
    let filled: Vec<String> = classes
        .iter()
        .flat_map(|class| &class.keys)
        .filter(|key| key.secret == secret)
        .map(|key| key.key.clone())
        .collect();
    if !filled.is_empty() {
        return Some(filled);
    }
    let external = snapshot.get(&crate::fact::GATEWAY_EXTERNAL_SECRETS);
    let external = external.value()?.iter().find(|it| it.target == secret && !it.keys.is_empty())?;
    Some(external.keys.clone())
}

/// The Primary's address by its shape. A private address may be routed; these can never be.
fn address(text: &str) -> PrimaryAddress {
    let never = |host: &str, why: &str| PrimaryAddress {
        url: text.to_owned(),
        host: host.to_owned(),
        never: why.to_owned(),
    };
    let Ok(url) = Url::parse(text) else { return never("", "it is no URL") };
    if !matches!(url.scheme(), "http" | "https") {
        return never(url.host_str().unwrap_or_default(), "it is neither http nor https");
    }
    match url.host() {
        None => never("", "it names no host"),
        Some(Host::Ipv4(ip)) => of_address(&IpAddr::V4(ip))
            .map_or_else(|| never(&ip.to_string(), ""), |why| never(&ip.to_string(), why)),
        Some(Host::Ipv6(ip)) => of_address(&IpAddr::V6(ip))
            .map_or_else(|| never(&ip.to_string(), ""), |why| never(&ip.to_string(), why)),
        Some(Host::Domain(name)) => {
            let lower = name.trim_end_matches('.').to_lowercase();
            let why = if lower == "localhost" || lower.ends_with(".localhost") {
                "localhost is the pod itself"
            } else if lower == "host.docker.internal" || lower == "gateway.docker.internal" {
                "only containers of the Primary's own host know that name"
            } else if !lower.contains('.') {
                "a name without a dot is a Compose service or a service of the cluster, and no Primary elsewhere"
            } else {
                ""
            };
            never(name, why)
        }
    }
}

fn of_address(ip: &IpAddr) -> Option<&'static str> {
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => (ip.segments()[0] & 0xffc0) == 0xfe80,
    };
    if ip.is_loopback() {
        Some("a loopback address is the pod itself")
    } else if ip.is_unspecified() {
        Some("an unspecified address is nobody's")
    } else if link_local {
        Some("a link-local address ends at the node")
    } else {
        None
    }
}

fn state(snapshot: &Snapshot) -> Derived<StateFile> {
    let path = setting(snapshot, "MAZEVAULT_GATEWAY_STATE_FILE")?;
    let deployment = need(snapshot, &GATEWAY_DEPLOYMENT)?;
    let container = container(snapshot, &deployment)?;
    let below = |folder: &str| {
        let folder = folder.trim_end_matches('/');
        path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    let mount = container.mounts.iter().filter(|it| below(&it.path)).max_by_key(|it| it.path.len());
    let volume = mount.map(|it| it.volume.clone()).unwrap_or_default();
    let kind = deployment.volumes.iter().find(|it| it.name == volume).map(|it| it.kind.as_str());
    let survives = kind.is_some_and(|kind| !EPHEMERAL.contains(&kind));
    Ok(StateFile { path, volume, survives })
}

/// What is found of pods that work says nothing of those that take their place.
fn rolled_out(snapshot: &Snapshot) -> Derived<bool> {
    let deployment = need(snapshot, &GATEWAY_DEPLOYMENT)?;
    let rollout = need(snapshot, &GATEWAY_ROLLOUT)?;
    // One that had ended and lost a pod afterwards keeps its old reason.
    let goes_on = rollout.state == "progressing"
        && deployment.ready > 0
        && (!deployment.observed || !rollout.said.starts_with("NewReplicaSetAvailable"));
    if rollout.state == "stuck" {
        return Err(Lack::Absent(GATEWAY_ROLLOUT.name()));
    }
    if !goes_on {
        return Ok(true);
    }
    let now = snapshot.observed_at.as_second();
    let pods = need(snapshot, &GATEWAY_PODS).unwrap_or_default();
    let newest = pods.iter().filter_map(|pod| pod.created_at).max();
    let since = newest.map_or(0, |at| (now - at.as_second()).clamp(0, ROLLOUT_S - 1));
    Err(Lack::Unknown(
        GATEWAY_ROLLOUT.name(),
        Reason::Settling { what: "the gateway's rollout goes on".into(), left_s: ROLLOUT_S - since },
    ))
}

/// As `kubectl rollout status` decides it: conditions first, then counts.
fn rollout(deployment: &Deployment) -> Rollout {
    let found = |kind: &str, holds: bool| {
        deployment.conditions.iter().find(|it| it.kind == kind && it.holds == holds)
    };
    let said = |it: &crate::fact::Condition| format!("{}: {}", it.reason, it.message);
    if let Some(condition) = found("ReplicaFailure", true)
        .or_else(|| found("Progressing", false).filter(|it| it.reason == "ProgressDeadlineExceeded"))
    {
        return Rollout { state: "stuck".into(), said: said(condition) };
    }
    let running = found("Progressing", true).map(said).unwrap_or_default();
    let complete = deployment.observed
        && deployment.updated >= deployment.replicas
        && deployment.ready >= deployment.replicas;
    let state = if complete { "complete" } else { "progressing" };
    Rollout { state: state.into(), said: running }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_that_no_pod_can_reach_are_told_by_their_shape() {
        for (url, never) in [
            ("https://mazevault.example.com:8443", false),
            ("https://10.20.0.4:8443", false),
            ("https://[2001:db8::7]:8443", false),
            ("https://localhost:8443", true),
            ("https://127.0.0.1:8443", true),
            ("https://[::1]:8443", true),
            ("https://0.0.0.0:8443", true),
            ("https://169.254.10.1:8443", true),
            ("https://[fe80::1]:8443", true),
            ("https://host.docker.internal:8443", true),
            ("https://backend:8443", true),
            ("mazevault.example.com", true),
            ("ftp://mazevault.example.com", true),
        ] {
            assert_eq!(!address(url).never.is_empty(), never, "{url}");
        }
    }
}

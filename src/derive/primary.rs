//! Whether the Primary is reached, where this vantage can decide that; and which of its services are troubled.

use super::{Derived, Lack, need, put};
use crate::fact::{
    ComposeService, Layer, PRIMARY_BACKEND, PRIMARY_PATH, PRIMARY_REACH, PRIMARY_SERVICES, PRIMARY_TROUBLED,
    RUN_VANTAGE, Reach, Reason, Snapshot,
};

pub(super) fn derive(snapshot: &mut Snapshot) {
    let path = path(snapshot);
    put(snapshot, &PRIMARY_PATH, &[PRIMARY_REACH.name(), RUN_VANTAGE.name(), PRIMARY_SERVICES.name()], path);
    let backend = backend(snapshot);
    put(snapshot, &PRIMARY_BACKEND, &[PRIMARY_SERVICES.name()], backend);
    let troubled = need(snapshot, &PRIMARY_SERVICES)
        .map(|services| services.into_iter().filter(is_troubled).collect::<Vec<_>>());
    put(snapshot, &PRIMARY_TROUBLED, &[PRIMARY_SERVICES.name()], troubled);
}

/// A failure counts where it is seen from the gateway's place, or from the Primary's own host. From anywhere else it
/// may be this network's alone, and says nothing about the gateway.
fn path(snapshot: &Snapshot) -> Derived<Reach> {
    let reach = need(snapshot, &PRIMARY_REACH)?;
    if reach.layer == "none" {
        return Ok(reach);
    }
    let vantage = need(snapshot, &RUN_VANTAGE)?;
    let backend = snapshot.setting("primary.backend_service");
    let own_host = need(snapshot, &PRIMARY_SERVICES)
        .is_ok_and(|services| services.iter().any(|service| service.service == backend));
    if vantage == "pod" || own_host {
        return Ok(reach);
    }
    let layer = match reach.layer.as_str() {
        "dns" => Layer::Dns,
        "tls" => Layer::Tls,
        "first byte" => Layer::FirstByte,
        "body" => Layer::Body,
        _ => Layer::Connect,
    };
    Err(Lack::Unknown(PRIMARY_REACH.name(), Reason::Unreachable { layer, detail: reach.seen }))
}

fn backend(snapshot: &Snapshot) -> Derived<ComposeService> {
    let services = need(snapshot, &PRIMARY_SERVICES)?;
    let wanted = snapshot.setting("primary.backend_service");
    if let Some(found) = services.into_iter().find(|service| service.service == wanted) {
        return Ok(found);
    }
    let configured =
        snapshot.target.get("primary.backend_service").is_some_and(|setting| setting.origin != "default");
    if configured {
        return Err(Lack::Absent(PRIMARY_SERVICES.name()));
    }
    let detail = format!("the project has no service {wanted}: see primary.backend_service");
    Err(Lack::Unknown(PRIMARY_SERVICES.name(), Reason::Malformed { detail }))
}

/// A service that runs in a way that hurts: restarted for lack of memory, again and again, or never healthy. That it
/// is down altogether is another matter.
fn is_troubled(service: &ComposeService) -> bool {
    !service.one_shot
        && (service.oom_killed
            || service.state == "restarting"
            || service.health.as_deref() == Some("unhealthy"))
}

//! Whether what runs is what the registry's tag holds, and what the Primary's host runs: by manifest digest.

use super::workload::container;
use super::{Derived, Lack, need, put};
use crate::fact::{
    GATEWAY_DEPLOYMENT, GATEWAY_PODS, IMAGE_DRIFT, ImageDrift, PRIMARY_SERVICES, Pod, REGISTRY_TAG, Reason,
    Snapshot,
};

pub(super) fn derive(snapshot: &mut Snapshot) {
    let drift = drift(snapshot);
    put(snapshot, &IMAGE_DRIFT, &[GATEWAY_PODS.name(), REGISTRY_TAG.name(), PRIMARY_SERVICES.name()], drift);
}

fn drift(snapshot: &Snapshot) -> Derived<ImageDrift> {
    let pods = need(snapshot, &GATEWAY_PODS)?;
    let wanted = snapshot.setting("kubernetes.container");
    let newest = pods.iter().max_by_key(|pod| pod.created_at).ok_or(Lack::Absent(GATEWAY_PODS.name()))?;
    let wanted = match need(snapshot, &GATEWAY_DEPLOYMENT) {
        Ok(deployment) => container(snapshot, &deployment)?.name,
        Err(_) => wanted,
    };
    let digest_of = |pod: &Pod| {
        let container = pod.containers.iter().find(|it| wanted.is_empty() || it.name == wanted);
        container.and_then(|it| it.digest.clone())
    };
    // A pod that is being created has pulled nothing yet: what the deployment will run is still to be seen.
    if digest_of(newest).is_none() && newest.phase == "Pending" {
        return Err(Lack::Absent(GATEWAY_PODS.name()));
    }
    let running = digest_of(newest).ok_or_else(|| {
        let detail = format!("the node reports no digest for pod {}", newest.name);
        Lack::Unknown(GATEWAY_PODS.name(), Reason::Malformed { detail })
    })?;
    let tag = need(snapshot, &REGISTRY_TAG)?;
    let held = |digest: &String| *digest == tag.digest || tag.children.contains(digest);
    let mut found = ImageDrift {
        running: running.clone(),
        tagged: tag.digest.clone(),
        local: String::new(),
        what: "tag-moved".into(),
        local_unpushed: false,
    };
    if !held(&running) {
        return Ok(found);
    }
    let services = need(snapshot, &PRIMARY_SERVICES)?;
    let backend = snapshot.setting("primary.backend_service");
    let local: Vec<String> = services
        .iter()
        .find(|service| service.service == backend)
        .map(|service| {
            service
                .repo_digests
                .iter()
                // Podman names an image that it built itself this way: no registry ever held that digest.
                .filter(|it| !it.starts_with("localhost/"))
                .filter_map(|it| it.rsplit_once('@'))
                .map(|(_, it)| it.to_owned())
                .collect()
        })
        .unwrap_or_default();
    let same = local.iter().any(|digest| *digest == running || held(digest));
    found.local_unpushed = local.is_empty();
    found.what = if local.is_empty() || same { "none" } else { "local-differs" }.into();
    found.local = local.into_iter().next().unwrap_or_default();
    Ok(found)
}

//! The image: the registry it comes from, what its tag holds, and whether the cluster may pull it.

use async_trait::async_trait;
use serde_json::Value;

use super::access::{Who, access, at_resources};
use super::{Clients, Probe, Seen, Touch, not_configured, parsed, touching};
use crate::client::{RegistryClient, calls, field};
use crate::fact::{
    Access, CLUSTER_RESOURCE, GATEWAY_DEPLOYMENT, ImageTag, Observation, Outcome, REGISTRY_ACCESS,
    REGISTRY_RESOURCE, REGISTRY_TAG, Reason, Registry, Snapshot,
};
use crate::target::Target;

/// The older version does not tell how the registry assigns roles.
const APIS: [&str; 2] = ["2025-11-01", "2023-07-01"];

pub(super) struct ImageProbe;

#[async_trait]
impl Probe for ImageProbe {
    fn name(&self) -> &'static str {
        "image"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["registry.resource", "registry.tag", "registry.access"]
    }

    fn needs(&self) -> &'static [&'static str] {
        &["gateway.deployment", "cluster.resource"]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        let mut touches = touching(&[calls::REGISTRIES], &["registry.resource", "registry.access"]);
        touches.extend(touching(
            &[calls::REGISTRY_READ, calls::REGISTRY_EXCHANGE, calls::REGISTRY_TOKEN],
            &["registry.tag"],
        ));
        touches.extend(at_resources(&["registry.access"]));
        touches
    }

    async fn observe(&self, clients: &Clients, known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let deployment = known.get(&GATEWAY_DEPLOYMENT);
        let wanted = clients.target.given("kubernetes.container");
        let image = deployment
            .value()
            .and_then(|deployment| deployment.gateway(wanted.as_deref()).map(|it| it.image.clone()));
        let Some(image) = image.as_deref().and_then(parse_reference) else {
            let nothing = deployment.map(|_| ());
            seen.put_same(&REGISTRY_RESOURCE, &nothing);
            seen.put_same(&REGISTRY_TAG, &nothing);
            seen.put_same(&REGISTRY_ACCESS, &nothing);
            return seen;
        };
        let judged = async {
            let resource = find(clients, &image.server).await;
            let access = rights(clients, known, &resource).await;
            (resource, access)
        };
        let ((resource, access), tag) = futures::join!(judged, tag(clients, &image));
        seen.put(&REGISTRY_ACCESS, access);
        seen.put(&REGISTRY_RESOURCE, resource);
        seen.put(&REGISTRY_TAG, tag);
        seen
    }
}

/// The parts of an image reference that names a registry.
#[derive(Debug, PartialEq, Eq)]
struct Reference {
    server: String,
    repository: String,
    /// A tag, or a digest where the reference is pinned to one.
    tag: String,
}

/// Registry, repository and tag; none where the reference names no registry of its own.
fn parse_reference(image: &str) -> Option<Reference> {
    let (server, rest) = image.split_once('/')?;
    if !server.contains('.') && !server.contains(':') {
        return None;
    }
    let (repository, tag) = match rest.split_once('@') {
        Some((repository, digest)) => (repository.split(':').next().unwrap_or(repository), digest),
        None => rest.rsplit_once(':').unwrap_or((rest, "latest")),
    };
    Some(Reference { server: server.to_owned(), repository: repository.to_owned(), tag: tag.to_owned() })
}

async fn find(clients: &Clients, server: &str) -> Observation<Registry> {
    let Some(subscription) = clients.target.given("azure.subscription") else {
        return not_configured(clients, "azure.subscription");
    };
    let mut subscriptions = vec![subscription];
    subscriptions.extend(clients.target.list("obo.subscriptions"));
    subscriptions.dedup();
    let asked = subscriptions.iter().map(|id| {
        let path = format!("/subscriptions/{id}/providers/Microsoft.ContainerRegistry/registries");
        async move { clients.newest(&path, APIS).await }
    });
    let mut nowhere = Observation::absent(clients.origin(String::new(), String::new()));
    for answer in futures::future::join_all(asked).await {
        let origin = answer.origin;
        match answer.outcome {
            Outcome::Known(items) => {
                let found = items.iter().find(|item| {
                    field::text(item, "/properties/loginServer")
                        .is_some_and(|it| it.eq_ignore_ascii_case(server))
                });
                match found {
                    Some(item) => return parsed(Observation::known(item.clone(), origin), parse_registry),
                    None if matches!(nowhere.outcome, Outcome::Absent) => nowhere.origin = origin,
                    None => {}
                }
            }
            Outcome::Absent => {}
            Outcome::Unknown(reason) => nowhere = Observation::unknown(reason, origin),
        }
    }
    nowhere
}

pub(super) fn parse_registry(item: &Value) -> Result<Registry, String> {
    Ok(Registry {
        name: field::required(item, "/name")?,
        id: field::required(item, "/id")?,
        login_server: field::required(item, "/properties/loginServer")?,
        anonymous_pull: field::flag(item, "/properties/anonymousPullEnabled"),
        by_repository: field::text(item, "/properties/roleAssignmentMode")
            .is_some_and(|mode| mode == "AbacRepositoryPermissions"),
    })
}

async fn tag(clients: &Clients, image: &Reference) -> Observation<ImageTag> {
    let origin = || clients.origin(String::new(), image.server.clone());
    let suffix = clients.target.text("azure.registry_suffix");
    if !image.server.to_lowercase().ends_with(&suffix) {
        let option = format!("{} is no registry of Azure's, whose login is known", image.server);
        return Observation::unknown(Reason::NotAsked { option }, origin());
    }
    let Some(registry) = RegistryClient::new(&clients.transport, &clients.tokens, &image.server) else {
        let detail = format!("{} is no host", image.server);
        return Observation::unknown(Reason::Malformed { detail }, origin());
    };
    let tenant = clients.target.given("azure.tenant").unwrap_or_default();
    let held = registry.tag(&tenant, &image.repository, &image.tag).await;
    let separator = if image.tag.starts_with("sha256:") { '@' } else { ':' };
    held.map(|manifest| ImageTag {
        reference: format!("{}/{}{separator}{}", image.server, image.repository, image.tag),
        digest: manifest.digest,
        children: manifest.children,
    })
}

async fn rights(
    clients: &Clients,
    known: &Snapshot,
    registry: &Observation<Registry>,
) -> Observation<Access> {
    let registry = match &registry.outcome {
        Outcome::Known(registry) => registry,
        Outcome::Absent => return Observation::absent(registry.origin.clone()),
        Outcome::Unknown(reason) => return Observation::unknown(reason.clone(), registry.origin.clone()),
    };
    let cluster = known.get(&CLUSTER_RESOURCE);
    let kubelet = cluster.value().and_then(|cluster| cluster.kubelet_object_id.clone());
    let origin = cluster.origin.clone();
    match (kubelet, cluster.outcome) {
        (Some(object_id), _) => {
            let who = Who::new(&object_id, Some("the cluster's kubelet identity".into()), "kubelet");
            let found = access(clients, &who, &registry.id, registry.name.clone()).await;
            let origin = clients.origin(
                "GET {registry}/providers/Microsoft.Authorization/roleAssignments".into(),
                clients.target.text("azure.endpoints.arm"),
            );
            Observation::known(found, origin)
        }
        (None, Outcome::Unknown(reason)) => Observation::unknown(reason, origin),
        // A cluster on a service principal pulls as that principal.
        (None, Outcome::Known(_)) => {
            let detail = "the cluster resource names no kubelet identity".into();
            Observation::unknown(Reason::Malformed { detail }, origin)
        }
        (None, Outcome::Absent) => Observation::absent(origin),
    }
}

#[cfg(test)]
mod tests {
    use super::{Reference, parse_reference};

    #[test]
    fn references_are_taken_apart() {
        let some = |server: &str, repository: &str, tag: &str| {
            Some(Reference { server: server.into(), repository: repository.into(), tag: tag.into() })
        };
        for (image, parts) in [
            ("acr.azurecr.io/mazevault-backend:v1", some("acr.azurecr.io", "mazevault-backend", "v1")),
            ("acr.azurecr.io/team/backend", some("acr.azurecr.io", "team/backend", "latest")),
            ("acr.azurecr.io/backend:v1@sha256:ab", some("acr.azurecr.io", "backend", "sha256:ab")),
            ("localhost:5000/backend:dev", some("localhost:5000", "backend", "dev")),
            ("mazevault-backend:latest", None),
            ("library/postgres:15", None),
        ] {
            assert_eq!(parse_reference(image), parts, "{image}");
        }
    }
}

//! The cluster as Azure knows it, as it speaks of itself, and what its issuer publishes.
//!
//! API version as published for `Microsoft.ContainerService`.

use async_trait::async_trait;
use serde_json::Value;

use super::{Clients, Probe, Seen, Touch, named, not_configured, parsed, touching};
use crate::client::calls;
use crate::client::field::{self, Is};
use crate::fact::{
    CLUSTER_API, CLUSTER_ISSUER, CLUSTER_RESOURCE, Cluster, ClusterApi, Observation, Outcome, Reason,
    Snapshot,
};
use crate::target::Target;

const CLUSTER_VERSION: &str = "2024-09-01";

pub(super) struct ClusterProbe;

#[async_trait]
impl Probe for ClusterProbe {
    fn name(&self) -> &'static str {
        "cluster"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["cluster.resource", "cluster.api"]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        let mut touches = touching(&[calls::CLUSTER], &["cluster.resource"]);
        touches.extend(touching(&[calls::CLUSTER_DISCOVERY], &["cluster.api"]));
        touches
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let (cluster, api) = futures::join!(observe_cluster(clients), observe_api(clients));
        seen.put(&CLUSTER_RESOURCE, cluster);
        seen.put(&CLUSTER_API, api);
        seen
    }
}

/// Asks the issuer that the cluster resource names: others need not wait for it.
pub(super) struct IssuerProbe;

#[async_trait]
impl Probe for IssuerProbe {
    fn name(&self) -> &'static str {
        "issuer"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["cluster.issuer"]
    }

    fn needs(&self) -> &'static [&'static str] {
        &["cluster.resource"]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        touching(&[calls::ISSUER], &["cluster.issuer"])
    }

    async fn observe(&self, clients: &Clients, known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let cluster = known.get(&CLUSTER_RESOURCE);
        match &cluster.outcome {
            Outcome::Known(Cluster { issuer_url: Some(issuer), .. }) => {
                seen.put(&CLUSTER_ISSUER, clients.entra.issuer(issuer).await);
            }
            Outcome::Known(_) | Outcome::Absent | Outcome::Unknown(_) => {
                seen.put_same(&CLUSTER_ISSUER, &cluster);
            }
        }
        seen
    }
}

fn group_path(clients: &Clients) -> Option<String> {
    let subscription = clients.target.given("azure.subscription")?;
    let group = clients.target.given("azure.resource_group")?;
    Some(format!("/subscriptions/{subscription}/resourceGroups/{group}/providers"))
}

/// What the API server says of itself. Its discovery document needs a right of its own; without it the address
/// still tells.
async fn observe_api(clients: &Clients) -> Observation<ClusterApi> {
    let connected = clients.kubernetes().await;
    let kubernetes = match &connected.outcome {
        Outcome::Known(kubernetes) => kubernetes,
        Outcome::Absent => return Observation::absent(connected.origin.clone()),
        Outcome::Unknown(reason) => return Observation::unknown(reason.clone(), connected.origin.clone()),
    };
    let document = kubernetes.get("/.well-known/openid-configuration").await;
    let server = kubernetes.server().to_owned();
    match document.outcome {
        Outcome::Known(body) => {
            let issuer = field::text(&body, "/issuer");
            Observation::known(ClusterApi { server, issuer }, document.origin)
        }
        Outcome::Unknown(Reason::Denied { .. }) | Outcome::Absent => {
            Observation::known(ClusterApi { server, issuer: None }, document.origin)
        }
        Outcome::Unknown(reason) => Observation::unknown(reason, document.origin),
    }
}

async fn observe_cluster(clients: &Clients) -> Observation<Cluster> {
    let Some(group) = group_path(clients) else { return not_configured(clients, "azure.subscription") };
    let name = clients.target.text("azure.cluster");
    let path = format!("{group}/Microsoft.ContainerService/managedClusters/{name}");
    let found = parsed(clients.arm.get(&path, CLUSTER_VERSION).await, parse_cluster);
    named(clients, found, "azure.cluster")
}

pub(super) fn parse_cluster(answer: &Value) -> Result<Cluster, String> {
    if !answer.get("properties").is_some_and(Value::is_object) {
        return Err("the answer has no properties".into());
    }
    field::shaped(
        answer,
        &[
            ("/properties/oidcIssuerProfile", Is::Object),
            ("/properties/oidcIssuerProfile/enabled", Is::Flag),
            ("/properties/securityProfile", Is::Object),
            ("/properties/securityProfile/workloadIdentity/enabled", Is::Flag),
            ("/properties/addonProfiles", Is::Object),
        ],
    )?;
    Ok(Cluster {
        name: field::required(answer, "/name")?,
        id: field::required(answer, "/id")?,
        provisioning_state: field::text(answer, "/properties/provisioningState"),
        power_state: field::text(answer, "/properties/powerState/code"),
        oidc_enabled: field::flag(answer, "/properties/oidcIssuerProfile/enabled"),
        issuer_url: field::text(answer, "/properties/oidcIssuerProfile/issuerUrl"),
        workload_identity_enabled: field::flag(
            answer,
            "/properties/securityProfile/workloadIdentity/enabled",
        ),
        fqdn: field::text(answer, "/properties/fqdn")
            .or_else(|| field::text(answer, "/properties/privateFQDN")),
        csi_addon_enabled: field::flag(
            answer,
            "/properties/addonProfiles/azureKeyvaultSecretsProvider/enabled",
        ),
        csi_addon_client_id: field::text(
            answer,
            "/properties/addonProfiles/azureKeyvaultSecretsProvider/identity/clientId",
        ),
        kubelet_object_id: field::text(answer, "/properties/identityProfile/kubeletidentity/objectId"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse_cluster;

    #[test]
    fn a_cluster_without_profiles_has_both_switches_off() {
        let cluster = parse_cluster(&json!({
            "id": "/subscriptions/s/resourcegroups/g/providers/Microsoft.ContainerService/managedClusters/c",
            "name": "c",
            "properties": {"provisioningState": "Succeeded", "securityProfile": {}}
        }))
        .unwrap();
        assert!(!cluster.oidc_enabled && !cluster.workload_identity_enabled);
        assert_eq!(cluster.issuer_url, None);
    }
}

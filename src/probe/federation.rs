//! The cluster's issuer, and every federated credential of the gateway's identity.
//!
//! API versions as published for `Microsoft.ContainerService` and `Microsoft.ManagedIdentity`.

use async_trait::async_trait;
use serde_json::Value;

use super::activity;
use super::{Clients, Probe, Seen, Touch, named, not_configured, parsed, touching};
use crate::client::calls;
use crate::client::field::{self, Is};
use crate::fact::{
    CLUSTER_API, CLUSTER_ISSUER, CLUSTER_RESOURCE, Cluster, ClusterApi, FederatedCredential,
    IDENTITY_CREDENTIALS, IDENTITY_RESOURCE, ManagedIdentity, Observation, Outcome, Reason, Snapshot,
};
use crate::target::Target;

const CLUSTER_VERSION: &str = "2024-09-01";
const IDENTITY_API: &str = "2023-01-31";

pub(super) struct FederationProbe;

#[async_trait]
impl Probe for FederationProbe {
    fn name(&self) -> &'static str {
        "federation"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["cluster.resource", "cluster.issuer", "cluster.api", "identity.resource", "identity.credentials"]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        let mut touches = touching(&[calls::CLUSTER], &["cluster.resource"]);
        touches.extend(touching(&[calls::ISSUER], &["cluster.issuer"]));
        touches.extend(touching(&[calls::CLUSTER_DISCOVERY], &["cluster.api"]));
        touches.extend(touching(&[calls::IDENTITY], &["identity.resource"]));
        touches.extend(touching(&[calls::CREDENTIALS], &["identity.credentials"]));
        touches.extend(touching(&[calls::ACTIVITY], &[]));
        touches
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let (from_cluster, from_identity, api) =
            futures::join!(observe_cluster(clients), observe_identity(clients), observe_api(clients));
        let mut seen = from_cluster;
        seen.facts.extend(from_identity.facts);
        seen.put(&CLUSTER_API, api);
        seen
    }
}

fn group_path(clients: &Clients) -> Option<String> {
    let subscription = clients.target.given("azure.subscription")?;
    let group = clients.target.given("azure.resource_group")?;
    Some(format!("/subscriptions/{subscription}/resourceGroups/{group}/providers"))
}

/// The identity may lie in another group or subscription than the cluster.
fn identity_path(clients: &Clients) -> Option<String> {
    let or_else =
        |name: &str, other: &str| clients.target.given(name).or_else(|| clients.target.given(other));
    let subscription = or_else("azure.identity_subscription", "azure.subscription")?;
    let group = or_else("azure.identity_resource_group", "azure.resource_group")?;
    let name = clients.target.text("azure.identity");
    Some(format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
    ))
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

async fn observe_cluster(clients: &Clients) -> Seen {
    let mut seen = Seen::default();
    let cluster: Observation<Cluster> = match group_path(clients) {
        None => not_configured(clients, "azure.subscription"),
        Some(group) => {
            let name = clients.target.text("azure.cluster");
            let path = format!("{group}/Microsoft.ContainerService/managedClusters/{name}");
            let found = parsed(clients.arm.get(&path, CLUSTER_VERSION).await, parse_cluster);
            named(clients, found, "azure.cluster")
        }
    };
    match &cluster.outcome {
        Outcome::Known(Cluster { issuer_url: Some(issuer), .. }) => {
            seen.put(&CLUSTER_ISSUER, clients.entra.issuer(issuer).await);
        }
        Outcome::Known(_) | Outcome::Absent | Outcome::Unknown(_) => {
            seen.put_same(&CLUSTER_ISSUER, &cluster);
        }
    }
    seen.put(&CLUSTER_RESOURCE, cluster);
    seen
}

async fn observe_identity(clients: &Clients) -> Seen {
    let mut seen = Seen::default();
    let Some(path) = identity_path(clients) else {
        seen.put(&IDENTITY_RESOURCE, not_configured(clients, "azure.subscription"));
        seen.put(&IDENTITY_CREDENTIALS, not_configured(clients, "azure.subscription"));
        return seen;
    };
    let credentials_path = format!("{path}/federatedIdentityCredentials");
    let (identity, credentials) = futures::join!(
        clients.arm.get(&path, IDENTITY_API),
        clients.arm.list(&credentials_path, IDENTITY_API, None)
    );
    seen.put(&IDENTITY_RESOURCE, named(clients, parsed(identity, parse_identity), "azure.identity"));
    let credentials = match credentials.outcome {
        // Of an identity that is not there nothing is known, and its credentials least of all.
        Outcome::Absent => named(clients, credentials, "azure.identity"),
        Outcome::Known(_) | Outcome::Unknown(_) => credentials,
    };
    let mut credentials =
        parsed(credentials, |items| items.iter().map(parse_credential).collect::<Result<Vec<_>, _>>());
    if let Outcome::Known(found) = &mut credentials.outcome {
        activity::date(clients, found, &credentials_path).await;
    }
    seen.put(&IDENTITY_CREDENTIALS, credentials);
    seen
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

pub(super) fn parse_identity(answer: &Value) -> Result<ManagedIdentity, String> {
    let id = field::required(answer, "/id")?;
    Ok(ManagedIdentity {
        name: field::required(answer, "/name")?,
        resource_group: field::id_part(&id, "resourceGroups")
            .ok_or_else(|| format!("the id {id} names no resource group"))?,
        client_id: field::required(answer, "/properties/clientId")?.to_lowercase(),
        principal_id: field::required(answer, "/properties/principalId")?,
        tenant_id: field::required(answer, "/properties/tenantId")?,
        id,
    })
}

pub(super) fn parse_credential(item: &Value) -> Result<FederatedCredential, String> {
    field::shaped(item, &[("/properties/audiences", Is::List)])?;
    Ok(FederatedCredential {
        name: field::required(item, "/name")?,
        issuer: field::required(item, "/properties/issuer")?,
        subject: field::text(item, "/properties/subject"),
        audiences: field::texts(item, "/properties/audiences"),
        expression: field::text(item, "/properties/claimsMatchingExpression/value"),
        changed_at: field::time(item, "/systemData/lastModifiedAt")
            .or_else(|| field::time(item, "/systemData/createdAt")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{parse_cluster, parse_credential, parse_identity};

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

    #[test]
    fn a_resource_group_is_found_whatever_its_letter_case() {
        let identity = parse_identity(&json!({
            "id": "/subscriptions/s/resourcegroups/rg-one/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i",
            "name": "i",
            "properties": {"clientId": "c", "principalId": "p", "tenantId": "t"}
        }))
        .unwrap();
        assert_eq!(identity.resource_group, "rg-one");
    }

    #[test]
    fn a_flexible_credential_has_an_expression_and_no_subject() {
        let credential = parse_credential(&json!({
            "name": "flexible",
            "properties": {
                "issuer": "https://issuer.example/",
                "audiences": ["api://AzureADTokenExchange"],
                "claimsMatchingExpression": {"languageVersion": 1, "value": "claims['sub'] matches 'x:*'"}
            }
        }))
        .unwrap();
        assert_eq!(credential.subject, None);
        assert_eq!(credential.expression.as_deref(), Some("claims['sub'] matches 'x:*'"));
    }

    #[test]
    fn an_answer_without_its_members_is_told() {
        assert_eq!(parse_identity(&json!({"name": "i"})).unwrap_err(), "the answer has no id");
    }
}

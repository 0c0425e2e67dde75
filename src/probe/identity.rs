//! The gateway's managed identity, and every federated credential on it.
//!
//! API version as published for `Microsoft.ManagedIdentity`.

use async_trait::async_trait;
use serde_json::Value;

use super::activity;
use super::{Clients, Probe, Seen, Touch, named, not_configured, parsed, touching};
use crate::client::calls;
use crate::client::field::{self, Is};
use crate::fact::{
    FederatedCredential, IDENTITY_CREDENTIALS, IDENTITY_RESOURCE, ManagedIdentity, Outcome, Snapshot,
};
use crate::target::Target;

const IDENTITY_API: &str = "2023-01-31";

pub(super) struct IdentityProbe;

#[async_trait]
impl Probe for IdentityProbe {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["identity.resource", "identity.credentials"]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        let mut touches = touching(&[calls::IDENTITY], &["identity.resource"]);
        touches.extend(touching(&[calls::CREDENTIALS], &["identity.credentials"]));
        touches.extend(touching(&[calls::ACTIVITY], &[]));
        touches
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        observe_identity(clients).await
    }
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

    use super::{parse_credential, parse_identity};

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

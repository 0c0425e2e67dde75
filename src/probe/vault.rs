//! The vault that feeds the gateway, through the management plane: how it is set up, which secrets it has (never a
//! value), and what the gateway's identity and the judged users hold at it.
//!
//! Key Vault's management API before 2026-02-01 is retired on 2027-02-27; an older one is tried where the newest is
//! not known (Azure US Government and China lag behind).

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use super::access::{Who, access, at_resources, user};
use super::{Clients, Probe, Seen, Touch, parsed, touching};
use crate::client::{calls, field, lookup};
use crate::fact::{
    Access, GATEWAY_DEPLOYMENT, GATEWAY_SECRET_CLASSES, IDENTITY_RESOURCE, Observation, Outcome,
    PrivateConnection, Reason, Snapshot, VAULT_ACCESS, VAULT_NAME, VAULT_PROJECTS, VAULT_RESOURCE,
    VAULT_SECRETS, Vault, VaultPolicy, VaultSecret,
};
use crate::target::{Cloud, Target};

const APIS: [&str; 2] = ["2026-02-01", "2023-07-01"];

pub(super) struct VaultProbe;

#[async_trait]
impl Probe for VaultProbe {
    fn name(&self) -> &'static str {
        "vault"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["vault.resource", "vault.projects", "vault.secrets", "vault.name", "vault.access"]
    }

    fn needs(&self) -> &'static [&'static str] {
        &["gateway.secret_classes", "gateway.deployment", "identity.resource"]
    }

    fn touches(&self, target: &Target) -> Vec<Touch> {
        let mut touches = touching(&[calls::VAULTS], &["vault.resource", "vault.projects", "vault.access"]);
        touches.extend(touching(&[calls::VAULT_SECRETS], &["vault.secrets"]));
        touches.extend(touching(&[calls::DNS], &["vault.name"]));
        touches.extend(at_resources(&["vault.access"]));
        if !target.list("obo.vaults").is_empty() {
            touches.extend(touching(&[calls::USER], &[]));
        }
        touches
    }

    async fn observe(&self, clients: &Clients, known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let name = vault_name(clients, known);
        let resource = match &name.outcome {
            Outcome::Known(name) => told_from_hidden(clients, name, find(clients, name).await).await,
            Outcome::Absent => Observation::absent(name.origin.clone()),
            Outcome::Unknown(reason) => Observation::unknown(reason.clone(), name.origin.clone()),
        };
        let projects = clients.target.list("obo.vaults");
        let further = futures::future::join_all(projects.iter().map(|name| find(clients, name)));
        let judged = async {
            let further = further.await;
            let access = rights(clients, known, &resource, &projects, &further).await;
            (further, access)
        };
        let (secrets, looked_up, (further, access)) =
            futures::join!(secrets(clients, &resource), name_of(clients, &resource), judged);
        seen.put(&VAULT_ACCESS, access);
        seen.put(&VAULT_PROJECTS, together(clients, &further));
        seen.put(&VAULT_SECRETS, secrets);
        seen.put(&VAULT_NAME, looked_up);
        seen.put(&VAULT_RESOURCE, resource);
        seen
    }
}

/// The configured vault, else the one that the gateway's class names.
fn vault_name(clients: &Clients, known: &Snapshot) -> Observation<String> {
    if let Some(name) = clients.target.given("azure.vault") {
        return Observation::known(name, clients.origin("azure.vault".into(), String::new()));
    }
    let classes = known.get(&GATEWAY_SECRET_CLASSES);
    let mounted =
        known.get(&GATEWAY_DEPLOYMENT).value().map(|it| it.secret_classes.clone()).unwrap_or_default();
    let named = classes.value().and_then(|classes| {
        let used = classes.iter().find(|class| mounted.contains(&class.name));
        used.or_else(|| classes.first()).and_then(|class| class.vault.clone())
    });
    let origin = classes.origin.clone();
    match (named, classes.outcome) {
        (Some(name), _) => Observation::known(name, origin),
        (None, Outcome::Unknown(reason)) => Observation::unknown(reason, origin),
        (None, Outcome::Known(_) | Outcome::Absent) => {
            Observation::unknown(Reason::NotConfigured { setting: "azure.vault".into() }, origin)
        }
    }
}

/// Subscriptions to look in: the cluster's, the identity's, and those of the judged users.
fn subscriptions(clients: &Clients) -> Vec<String> {
    let mut all: Vec<String> = ["azure.subscription", "azure.identity_subscription"]
        .iter()
        .filter_map(|name| clients.target.given(name))
        .collect();
    all.extend(clients.target.list("obo.subscriptions"));
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|id| seen.insert(id.to_lowercase()));
    all
}

/// A vault that no list shows does not exist only where its name does not resolve either: else it lies where this run did
/// not look.
async fn told_from_hidden(clients: &Clients, name: &str, found: Observation<Vault>) -> Observation<Vault> {
    if !matches!(found.outcome, Outcome::Absent) {
        return found;
    }
    let domain = Cloud::from_name(&clients.target.text("azure.cloud")).vault_domain();
    let looked_up = lookup(&clients.transport, &format!("{name}.{domain}")).await;
    match looked_up.outcome {
        Outcome::Absent => found,
        Outcome::Known(it) if it.addresses.is_empty() => found,
        Outcome::Known(it) => {
            let detail = format!("{} resolves, and is in none of the subscriptions looked in", it.host);
            Observation::unknown(Reason::Malformed { detail }, found.origin)
        }
        Outcome::Unknown(reason) => Observation::unknown(reason, looked_up.origin),
    }
}

/// A vault by name, which is unique in a cloud; a list says what a name in another group would hide.
async fn find(clients: &Clients, name: &str) -> Observation<Vault> {
    let subscriptions = subscriptions(clients);
    if subscriptions.is_empty() {
        return super::not_configured(clients, "azure.subscription");
    }
    let asked = subscriptions.iter().map(|id| {
        let path = format!("/subscriptions/{id}/providers/Microsoft.KeyVault/vaults");
        async move { clients.newest(&path, APIS).await }
    });
    let mut nowhere = Observation::absent(clients.origin(String::new(), String::new()));
    for answer in futures::future::join_all(asked).await {
        let origin = answer.origin;
        match answer.outcome {
            Outcome::Known(items) => {
                let found = items
                    .iter()
                    .find(|item| field::text(item, "/name").is_some_and(|it| it.eq_ignore_ascii_case(name)));
                match found {
                    Some(item) => return parsed(Observation::known(item.clone(), origin), parse_vault),
                    None if matches!(nowhere.outcome, Outcome::Absent) => nowhere.origin = origin,
                    None => {}
                }
            }
            Outcome::Absent => {}
            // It may lie where one may not look.
            Outcome::Unknown(reason) => nowhere = Observation::unknown(reason, origin),
        }
    }
    nowhere
}

pub(super) fn parse_vault(item: &Value) -> Result<Vault, String> {
    let text =
        |pointer: &str, otherwise: &str| field::text(item, pointer).unwrap_or_else(|| otherwise.to_owned());
    Ok(Vault {
        name: field::required(item, "/name")?,
        id: field::required(item, "/id")?,
        uri: field::required(item, "/properties/vaultUri")?,
        tenant_id: field::required(item, "/properties/tenantId")?,
        rbac: field::flag(item, "/properties/enableRbacAuthorization"),
        policies: field::list(item, "/properties/accessPolicies")
            .iter()
            .map(|policy| {
                Ok(VaultPolicy {
                    object_id: field::required(policy, "/objectId")?,
                    secrets: field::texts(policy, "/permissions/secrets")
                        .iter()
                        .map(|permission| permission.to_lowercase())
                        .collect(),
                })
            })
            .collect::<Result<_, String>>()?,
        public_access: text("/properties/publicNetworkAccess", "Enabled"),
        default_action: text("/properties/networkAcls/defaultAction", "Allow"),
        addresses: field::list(item, "/properties/networkAcls/ipRules")
            .iter()
            .filter_map(|rule| field::text(rule, "/value"))
            .collect(),
        networks: i64::try_from(field::list(item, "/properties/networkAcls/virtualNetworkRules").len())
            .unwrap_or(i64::MAX),
        private: field::list(item, "/properties/privateEndpointConnections")
            .iter()
            .map(|connection| PrivateConnection {
                name: field::text(connection, "/name")
                    .or_else(|| field::text(connection, "/id"))
                    .unwrap_or_default(),
                status: field::text(connection, "/properties/privateLinkServiceConnectionState/status")
                    .unwrap_or_else(|| "Unknown".into()),
            })
            .collect(),
    })
}

/// The secrets, by metadata.
async fn secrets(clients: &Clients, vault: &Observation<Vault>) -> Observation<Vec<VaultSecret>> {
    let vault = match &vault.outcome {
        Outcome::Known(found) => found,
        Outcome::Absent => return Observation::absent(vault.origin.clone()),
        Outcome::Unknown(reason) => return Observation::unknown(reason.clone(), vault.origin.clone()),
    };
    let listed = clients.newest(&format!("{}/secrets", vault.id), APIS).await;
    parsed(listed, |items| items.iter().map(parse_secret).collect())
}

fn parse_secret(item: &Value) -> Result<VaultSecret, String> {
    let seconds =
        |pointer: &str| field::number(item, pointer).and_then(|at| jiff::Timestamp::from_second(at).ok());
    let versioned = field::text(item, "/properties/secretUriWithVersion").unwrap_or_default();
    Ok(VaultSecret {
        name: field::required(item, "/name")?,
        version: versioned.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned(),
        enabled: item.pointer("/properties/attributes/enabled").and_then(Value::as_bool).unwrap_or(true),
        updated_at: seconds("/properties/attributes/updated"),
        expires_at: seconds("/properties/attributes/exp"),
    })
}

async fn name_of(clients: &Clients, vault: &Observation<Vault>) -> Observation<crate::fact::NameLookup> {
    let found = match &vault.outcome {
        Outcome::Known(found) => found,
        Outcome::Absent => return Observation::absent(vault.origin.clone()),
        Outcome::Unknown(reason) => return Observation::unknown(reason.clone(), vault.origin.clone()),
    };
    let host = Url::parse(&found.uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    let Some(host) = host else {
        let detail = format!("the vault's address {} is no URL", found.uri);
        return Observation::unknown(Reason::Malformed { detail }, vault.origin.clone());
    };
    lookup(&clients.transport, &host).await
}

/// The project vaults that exist; one that could not be read leaves all of them unknown.
fn together(clients: &Clients, further: &[Observation<Vault>]) -> Observation<Vec<Vault>> {
    let mut origin = clients.origin("obo.vaults".into(), String::new());
    let mut found = Vec::new();
    for one in further {
        origin = one.origin.clone();
        match &one.outcome {
            Outcome::Known(vault) => found.push(vault.clone()),
            Outcome::Absent => {}
            Outcome::Unknown(reason) => return Observation::unknown(reason.clone(), origin),
        }
    }
    Observation::known(found, origin)
}

/// The identity at the gateway's vault, and each judged user at each project vault.
async fn rights(
    clients: &Clients,
    known: &Snapshot,
    vault: &Observation<Vault>,
    projects: &[String],
    further: &[Observation<Vault>],
) -> Observation<Vec<Access>> {
    let identity = known.get(&IDENTITY_RESOURCE);
    let mut found = Vec::new();
    let of_gateway = match (&vault.outcome, &identity.outcome) {
        (Outcome::Known(vault), Outcome::Known(identity)) => {
            let who = Who::new(&identity.principal_id, Some(identity.name.clone()), "gateway");
            Some(access(clients, &who, &vault.id, vault.name.clone()).await)
        }
        (Outcome::Unknown(reason), _) => {
            return Observation::unknown(reason.clone(), vault.origin.clone());
        }
        (_, Outcome::Unknown(reason)) => {
            return Observation::unknown(reason.clone(), identity.origin.clone());
        }
        (Outcome::Absent, _) | (_, Outcome::Absent) => None,
    };
    let nothing_known = of_gateway.is_none();
    found.extend(of_gateway);
    if !projects.is_empty() {
        let users = clients.target.list("obo.users");
        let people = futures::future::join_all(users.iter().map(|id| user(clients, id))).await;
        for (name, project) in projects.iter().zip(further) {
            let project = match &project.outcome {
                Outcome::Known(project) => project,
                Outcome::Absent => {
                    let detail =
                        format!("obo.vaults: there is no vault {name} in the subscriptions looked in");
                    return Observation::unknown(Reason::Malformed { detail }, project.origin.clone());
                }
                Outcome::Unknown(reason) => {
                    return Observation::unknown(reason.clone(), project.origin.clone());
                }
            };
            let asked =
                people.iter().map(|person| access(clients, person, &project.id, project.name.clone()));
            found.extend(futures::future::join_all(asked).await);
        }
    }
    if found.is_empty() && nothing_known {
        return Observation::absent(vault.origin.clone());
    }
    let origin = clients.origin(
        "GET {vault}/providers/Microsoft.Authorization/roleAssignments".into(),
        clients.target.text("azure.endpoints.arm"),
    );
    Observation::known(found, origin)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{parse_secret, parse_vault};

    #[test]
    fn what_an_older_api_leaves_out_has_its_documented_meaning() {
        let vault = parse_vault(&json!({
            "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v", "name": "v",
            "properties": {"tenantId": "t", "vaultUri": "https://v.vault.azure.net/", "accessPolicies": [
                {"tenantId": "t", "objectId": "o", "permissions": {"secrets": ["Get", "List"]}}]}
        }))
        .unwrap();
        assert!(!vault.rbac);
        assert_eq!((vault.public_access.as_str(), vault.default_action.as_str()), ("Enabled", "Allow"));
        assert_eq!(vault.policies[0].secrets, ["get", "list"]);
    }

    #[test]
    fn a_secret_is_its_metadata() {
        let secret = parse_secret(&json!({
            "name": "database-url",
            "properties": {"attributes": {"enabled": true, "updated": 1_795_442_531},
                           "secretUriWithVersion": "https://v.vault.azure.net/secrets/database-url/abc123"}
        }))
        .unwrap();
        assert_eq!(secret.version, "abc123");
        assert_eq!(secret.updated_at.map(jiff::Timestamp::as_second), Some(1_795_442_531));
    }
}

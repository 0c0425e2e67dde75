//! What the users hold on whose behalf subscriptions are discovered: assignments to them and to their
//! groups, at each subscription and above it.
//!
//! `atScope() and assignedTo('{object id}')` expands groups; a client id there answers 200 with an empty
//! list, so that each user is looked up first. API versions as published for `Microsoft.Authorization`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use super::{Clients, Probe, Seen, field, not_configured};
use crate::fact::{Assignment, OBO_ACCESS, Observation, Outcome, Principal, Reason, Snapshot, UserAccess};

const ROLES_API: &str = "2022-04-01";
const ELIGIBILITY_API: &str = "2020-10-01";
const SUBSCRIPTION_API: &str = "2022-12-01";

pub(super) struct ReaderProbe;

#[async_trait]
impl Probe for ReaderProbe {
    fn name(&self) -> &'static str {
        "reader"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["obo.access"]
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let users = clients.target.list("obo.users");
        let mut subscriptions = clients.target.list("obo.subscriptions");
        if subscriptions.is_empty() {
            subscriptions.extend(clients.target.given("azure.subscription"));
        }
        if users.is_empty() || subscriptions.is_empty() {
            let setting = if users.is_empty() { "obo.users" } else { "obo.subscriptions" };
            seen.put(&OBO_ACCESS, not_configured(clients, setting));
            return seen;
        }
        let people = futures::future::join_all(users.iter().map(|user| who(clients, user))).await;
        let asked = subscriptions
            .iter()
            .flat_map(|subscription| people.iter().map(move |person| access(clients, person, subscription)));
        let answers = futures::future::join_all(asked).await;
        let origin = clients.origin(
            "GET /subscriptions/{id}/providers/Microsoft.Authorization/roleAssignments".into(),
            clients.target.text("azure.endpoints.arm"),
        );
        seen.put(&OBO_ACCESS, Observation::known(answers, origin));
        seen
    }
}

/// A user, or why the id given is none.
struct Person {
    principal: Principal,
    refused: Option<Reason>,
}

async fn who(clients: &Clients, object_id: &str) -> Person {
    let answer =
        clients.graph.get(&format!("/v1.0/users/{object_id}?$select=id,displayName,userPrincipalName")).await;
    let named = |name: Option<String>| Principal { object_id: object_id.to_owned(), name };
    match answer.outcome {
        Outcome::Known(user) => Person {
            principal: named(
                field::text(&user, "/userPrincipalName").or_else(|| field::text(&user, "/displayName")),
            ),
            refused: None,
        },
        Outcome::Absent => Person {
            principal: named(None),
            refused: Some(Reason::Malformed {
                detail: format!("obo.users: no user has the object id {object_id} (is it a client id?)"),
            }),
        },
        // A name is a courtesy: without the right to read users the assignments still tell.
        Outcome::Unknown(_) => Person { principal: named(None), refused: None },
    }
}

async fn access(clients: &Clients, person: &Person, subscription: &str) -> UserAccess {
    let object_id = &person.principal.object_id;
    let scope = format!("/subscriptions/{subscription}");
    let under = format!("{scope}/providers/Microsoft.Authorization");
    let filter = format!("atScope() and assignedTo('{object_id}')");
    let paths = [
        format!("{under}/roleAssignments"),
        format!("{under}/denyAssignments"),
        format!("{under}/roleEligibilityScheduleInstances"),
    ];
    let (name, assigned, denied, eligible) = futures::join!(
        clients.arm.get(&scope, SUBSCRIPTION_API),
        clients.arm.list(&paths[0], ROLES_API, Some(&filter)),
        clients.arm.list(&paths[1], ROLES_API, Some(&filter)),
        clients.arm.list(&paths[2], ELIGIBILITY_API, Some(&filter)),
    );
    let mut found = UserAccess {
        user: person.principal.clone(),
        subscription: subscription.to_owned(),
        subscription_name: name.value().and_then(|value| field::text(value, "/displayName")),
        assignments: Vec::new(),
        denied: names(&denied, "/properties/denyAssignmentName"),
        eligible: names(&eligible, "/properties/expandedProperties/roleDefinition/displayName"),
        unread: person.refused.clone(),
    };
    match assigned.outcome {
        Outcome::Known(items) => match assignments(clients, &items).await {
            Ok(assignments) => found.assignments = assignments,
            Err(reason) => found.unread = found.unread.or(Some(reason)),
        },
        Outcome::Absent => {
            found.unread = found.unread.or(Some(Reason::Malformed {
                detail: format!("{scope} answers that it has no role assignments resource"),
            }));
        }
        Outcome::Unknown(reason) => found.unread = found.unread.or(Some(reason)),
    }
    // A deny assignment that cannot be read may hide a lost right only where one would be held.
    if let Outcome::Unknown(reason) = denied.outcome
        && found.unread.is_none()
        && !found.assignments.is_empty()
        && !matches!(reason, Reason::Denied { .. })
    {
        found.unread = Some(reason);
    }
    found
}

fn names(listed: &Observation<Vec<Value>>, pointer: &str) -> Vec<String> {
    listed
        .value()
        .map(|items| {
            items
                .iter()
                .map(|item| {
                    field::text(item, pointer).or_else(|| field::text(item, "/name")).unwrap_or_default()
                })
                .collect()
        })
        .unwrap_or_default()
}

async fn assignments(clients: &Clients, items: &[Value]) -> Result<Vec<Assignment>, Reason> {
    let mut definitions: BTreeMap<String, Value> = BTreeMap::new();
    let mut found = Vec::new();
    for item in items {
        let malformed = |detail: String| Reason::Malformed { detail };
        let id = field::required(item, "/properties/roleDefinitionId").map_err(malformed)?;
        if !definitions.contains_key(&id) {
            let answer = clients.arm.get(&id, ROLES_API).await;
            match answer.outcome {
                Outcome::Known(definition) => definitions.insert(id.clone(), definition),
                Outcome::Absent => {
                    return Err(malformed(format!("the role definition {id} does not exist")));
                }
                Outcome::Unknown(reason) => return Err(reason),
            };
        }
        found.push(parse_assignment(item, &definitions[&id])?);
    }
    Ok(found)
}

fn parse_assignment(item: &Value, definition: &Value) -> Result<Assignment, Reason> {
    let malformed = |detail: String| Reason::Malformed { detail };
    let gather = |member: &str| {
        field::list(definition, "/properties/permissions")
            .iter()
            .flat_map(|permission| field::texts(permission, member))
            .collect()
    };
    Ok(Assignment {
        role: field::required(definition, "/properties/roleName").map_err(malformed)?,
        scope: field::required(item, "/properties/scope").map_err(malformed)?,
        principal_id: field::required(item, "/properties/principalId").map_err(malformed)?,
        principal_type: field::text(item, "/properties/principalType").unwrap_or_else(|| "Unknown".into()),
        actions: gather("/actions"),
        not_actions: gather("/notActions"),
        condition: field::text(item, "/properties/condition"),
    })
}

//! What one principal holds at one scope: assignments to it and to its groups, there and above.
//!
//! `atScope() and assignedTo('{object id}')` expands groups; a client id there answers 200 with an empty list, so
//! that users are looked up first. API versions as published for `Microsoft.Authorization`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::clients::ROLES_API;
use super::{Clients, Touch, touching};
use crate::client::{calls, field};
use crate::fact::{Access, Assignment, Observation, Outcome, Principal, Reason};

const ELIGIBILITY_API: &str = "2020-10-01";

/// Whose rights are asked.
#[derive(Clone)]
pub(super) struct Who {
    pub(super) principal: Principal,
    /// `user`, `gateway`, `kubelet` or `provisioner`.
    pub(super) kind: &'static str,
    /// Why the id given is no principal's.
    pub(super) refused: Option<Reason>,
    /// Why it is not known whether the id is a principal's at all.
    pub(super) unconfirmed: Option<Reason>,
}

impl Who {
    pub(super) fn new(object_id: &str, name: Option<String>, kind: &'static str) -> Self {
        Self {
            principal: Principal { object_id: object_id.to_owned(), name },
            kind,
            refused: None,
            unconfirmed: None,
        }
    }
}

/// Calls for rights at subscriptions.
pub(super) fn at_subscriptions(facts: &'static [&'static str]) -> Vec<Touch> {
    touching(
        &[calls::ASSIGNMENTS, calls::DENIALS, calls::ELIGIBLE, calls::DEFINITION, calls::DEFINITION_ABOVE],
        facts,
    )
}

/// Calls for rights at resource groups.
pub(super) fn at_groups(facts: &'static [&'static str]) -> Vec<Touch> {
    touching(
        &[
            calls::GROUP_ASSIGNMENTS,
            calls::GROUP_DENIALS,
            calls::GROUP_ELIGIBLE,
            calls::DEFINITION,
            calls::DEFINITION_ABOVE,
        ],
        facts,
    )
}

/// Calls for rights at resources.
pub(super) fn at_resources(facts: &'static [&'static str]) -> Vec<Touch> {
    touching(
        &[
            calls::RESOURCE_ASSIGNMENTS,
            calls::RESOURCE_DENIALS,
            calls::RESOURCE_ELIGIBLE,
            calls::DEFINITION,
            calls::DEFINITION_ABOVE,
        ],
        facts,
    )
}

/// A user by object id, with a name where Graph tells one.
pub(super) async fn user(clients: &Clients, object_id: &str) -> Who {
    let answer =
        clients.graph.get(&format!("/v1.0/users/{object_id}?$select=id,displayName,userPrincipalName")).await;
    let who = |name| Who::new(object_id, name, "user");
    match answer.outcome {
        Outcome::Known(user) => {
            who(field::text(&user, "/userPrincipalName").or_else(|| field::text(&user, "/displayName")))
        }
        Outcome::Absent => Who {
            refused: Some(Reason::Malformed {
                detail: format!("obo.users: no user has the object id {object_id} (is it a client id?)"),
            }),
            ..who(None)
        },
        // Assignments still tell what they show; none at all may be a client id's empty list.
        Outcome::Unknown(reason) => Who { unconfirmed: Some(reason), ..who(None) },
    }
}

/// What a principal holds at a scope. Whatever could not be read stands in `unread`.
pub(super) async fn access(clients: &Clients, who: &Who, scope: &str, scope_name: String) -> Access {
    let under = format!("{scope}/providers/Microsoft.Authorization");
    let filter = format!("atScope() and assignedTo('{}')", who.principal.object_id);
    let paths = [
        format!("{under}/roleAssignments"),
        format!("{under}/denyAssignments"),
        format!("{under}/roleEligibilityScheduleInstances"),
    ];
    let (assigned, denied, eligible) = futures::join!(
        clients.arm.list(&paths[0], ROLES_API, Some(&filter)),
        clients.arm.list(&paths[1], ROLES_API, Some(&filter)),
        clients.arm.list(&paths[2], ELIGIBILITY_API, Some(&filter)),
    );
    let mut found = Access {
        principal: who.principal.clone(),
        kind: who.kind.into(),
        scope: scope.to_owned(),
        scope_name,
        assignments: Vec::new(),
        denied: names(&denied, "/properties/denyAssignmentName"),
        eligible: names(&eligible, "/properties/expandedProperties/roleDefinition/displayName"),
        unread: who.refused.clone(),
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
    // A deny assignment that cannot be read may take away a right that is held.
    if let Outcome::Unknown(reason) = denied.outcome
        && found.unread.is_none()
        && !found.assignments.is_empty()
    {
        found.unread = Some(reason);
    }
    if found.assignments.is_empty() && found.unread.is_none() {
        found.unread.clone_from(&who.unconfirmed);
    }
    found
}

fn names(listed: &Observation<Vec<Value>>, pointer: &str) -> Vec<String> {
    let items = listed.value().map_or(&[][..], Vec::as_slice);
    items
        .iter()
        .map(|item| field::text(item, pointer).or_else(|| field::text(item, "/name")).unwrap_or_default())
        .collect()
}

async fn assignments(clients: &Clients, items: &[Value]) -> Result<Vec<Assignment>, Reason> {
    let malformed = |detail: String| Reason::Malformed { detail };
    let ids: Vec<String> = items
        .iter()
        .map(|item| field::required(item, "/properties/roleDefinitionId").map_err(malformed))
        .collect::<Result<_, _>>()?;
    let wanted: BTreeSet<&String> = ids.iter().collect();
    futures::future::join_all(wanted.into_iter().map(|id| clients.definition(id))).await;
    let mut found = Vec::new();
    for (item, id) in items.iter().zip(&ids) {
        match clients.definition(id).await.outcome {
            Outcome::Known(definition) => found.push(parse_assignment(item, &definition)?),
            Outcome::Absent => return Err(malformed(format!("the role definition {id} does not exist"))),
            Outcome::Unknown(reason) => return Err(reason),
        }
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
        data_actions: gather("/dataActions"),
        not_data_actions: gather("/notDataActions"),
        condition: field::text(item, "/properties/condition"),
        changed_at: field::time(item, "/properties/updatedOn")
            .or_else(|| field::time(item, "/properties/createdOn")),
    })
}

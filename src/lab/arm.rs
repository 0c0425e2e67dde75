//! Azure Resource Manager and Graph, in the shapes of their published answers.

use std::sync::Arc;

use serde_json::{Value, json};

use super::World;
use super::serve::{Asked, Said, Service};
use super::world::Assignment;

pub(super) struct Arm(pub(super) Arc<World>);

fn error(status: u16, code: &str, message: &str) -> Said {
    Said::json(status, &json!({"error": {"code": code, "message": message}}))
}

impl Service for Arm {
    fn name(&self) -> &'static str {
        "arm"
    }

    fn fault(&self) -> Option<&str> {
        self.0.fault("arm")
    }

    fn answer(&self, asked: &Asked) -> Said {
        if asked.bearer.is_none() {
            return error(
                401,
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
            );
        }
        if asked.parameter("api-version").is_none() {
            return error(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            );
        }
        if self.fault() == Some("deny-all") {
            let login = &self.0.azure.login;
            let action = action_of(&asked.path);
            return error(
                403,
                "AuthorizationFailed",
                &format!(
                    "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope '{}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
                    login.client_id, login.object_id, asked.path
                ),
            );
        }
        self.read(asked)
    }
}

/// The action that reading a path needs.
fn action_of(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    match parts.iter().position(|part| part.eq_ignore_ascii_case("providers")) {
        Some(at) => {
            parts.drain(..=at);
            let kinds: Vec<&str> = parts.iter().skip(1).step_by(2).copied().collect();
            format!("{}/{}/read", parts.first().unwrap_or(&""), kinds.join("/"))
        }
        None => "Microsoft.Resources/subscriptions/read".into(),
    }
}

impl Arm {
    fn read(&self, asked: &Asked) -> Said {
        let azure = &self.0.azure;
        let lower = asked.path.to_lowercase();
        let parts: Vec<&str> = lower.trim_matches('/').split('/').collect();
        if parts == ["subscriptions"] {
            let value: Vec<Value> = azure.subscriptions.keys().map(|id| self.subscription(id)).collect();
            return Said::json(
                200,
                &json!({"value": value, "count": {"type": "Total", "value": value.len()}}),
            );
        }
        if let Some(role) = lower.split("/microsoft.authorization/roledefinitions/").nth(1) {
            return match azure.roles.get(role) {
                Some(_) => Said::json(200, &self.role(role)),
                None => {
                    error(404, "RoleDefinitionDoesNotExist", "The specified role definition does not exist.")
                }
            };
        }
        let ["subscriptions", id, rest @ ..] = parts.as_slice() else {
            return error(404, "NotFound", "Not found.");
        };
        if !azure.subscriptions.contains_key(*id) {
            return error(
                404,
                "SubscriptionNotFound",
                &format!("The subscription '{id}' could not be found."),
            );
        }
        match rest {
            [] => Said::json(200, &self.subscription(id)),
            ["providers", "microsoft.authorization", "roleassignments"] => {
                self.assignments(id, asked.parameter("$filter").unwrap_or_default())
            }
            [
                "providers",
                "microsoft.authorization",
                "denyassignments" | "roleeligibilityscheduleinstances",
            ] => Said::json(200, &json!({"value": []})),
            _ => self.resource(asked, &lower, rest),
        }
    }

    fn subscription(&self, id: &str) -> Value {
        let name = self.0.azure.subscriptions.get(id).map(|it| it.name.clone());
        json!({
            "id": format!("/subscriptions/{id}"),
            "subscriptionId": id,
            "tenantId": self.0.azure.tenant,
            "displayName": name,
            "state": "Enabled",
            "authorizationSource": "RoleBased",
        })
    }

    fn role(&self, guid: &str) -> Value {
        let role = &self.0.azure.roles[guid];
        json!({
            "id": format!("/providers/Microsoft.Authorization/roleDefinitions/{guid}"),
            "name": guid,
            "type": "Microsoft.Authorization/roleDefinitions",
            "properties": {
                "roleName": role.name,
                "type": "BuiltInRole",
                "assignableScopes": ["/"],
                "permissions": [{
                    "actions": role.actions,
                    "notActions": role.not_actions,
                    "dataActions": [],
                    "notDataActions": [],
                }],
            },
        })
    }

    /// `atScope()` leaves out what lies below; `assignedTo` reaches through groups and knows object ids only.
    fn assignments(&self, subscription: &str, filter: &str) -> Said {
        let azure = &self.0.azure;
        let scope = format!("/subscriptions/{subscription}");
        let above = azure.subscriptions.get(subscription).map(|it| it.above.clone()).unwrap_or_default();
        let who =
            filter.split_once("assignedTo('").and_then(|(_, rest)| rest.split_once('\'')).map(|(id, _)| id);
        let reaches = |one: &Assignment| {
            one.scope.eq_ignore_ascii_case(&scope)
                || above.iter().any(|above| above.eq_ignore_ascii_case(&one.scope))
                || (!filter.contains("atScope()")
                    && one.scope.to_lowercase().starts_with(&scope.to_lowercase()))
        };
        let concerns = |one: &Assignment| {
            who.is_none_or(|who| {
                one.principal == who
                    || azure
                        .groups
                        .get(&one.principal)
                        .is_some_and(|members| members.iter().any(|it| it == who))
            })
        };
        let value: Vec<Value> = azure
            .assignments
            .iter()
            .filter(|(_, one)| reaches(one) && concerns(one))
            .map(|(name, one)| {
                json!({
                    "id": format!("{}/providers/Microsoft.Authorization/roleAssignments/{name}", one.scope),
                    "name": name,
                    "type": "Microsoft.Authorization/roleAssignments",
                    "properties": {
                        "roleDefinitionId": format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{}", one.role),
                        "principalId": one.principal,
                        "principalType": one.kind,
                        "scope": one.scope,
                        "condition": null,
                        "conditionVersion": null,
                    },
                })
            })
            .collect();
        Said::json(200, &json!({"value": value}))
    }

    fn resource(&self, asked: &Asked, lower: &str, rest: &[&str]) -> Said {
        let found = |path: &str| {
            self.0.azure.resources.values().find(|resource| {
                resource.get("id").and_then(Value::as_str).is_some_and(|id| id.eq_ignore_ascii_case(path))
            })
        };
        if let Some(identity) = lower.strip_suffix("/federatedidentitycredentials") {
            return match found(identity) {
                Some(_) => self.credentials(asked),
                None => error(
                    404,
                    "ParentResourceNotFound",
                    "Failed to perform 'read' on resource(s) of type 'userAssignedIdentities/federatedIdentityCredentials', because the parent resource could not be found.",
                ),
            };
        }
        if let Some(resource) = found(lower) {
            return Said::json(200, resource);
        }
        let in_group = |group: &str| {
            let part = format!("/resourcegroups/{group}/");
            self.0.azure.resources.values().any(|resource| {
                resource.get("id").and_then(Value::as_str).is_some_and(|id| id.to_lowercase().contains(&part))
            })
        };
        match rest {
            ["resourcegroups", group, ..] if !in_group(group) => {
                error(404, "ResourceGroupNotFound", &format!("Resource group '{group}' could not be found."))
            }
            ["resourcegroups", group, "providers", namespace, kind, name, ..] => error(
                404,
                "ResourceNotFound",
                &format!(
                    "The Resource '{namespace}/{kind}/{name}' under resource group '{group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
                ),
            ),
            _ => error(404, "InvalidResourceType", "The resource type could not be found."),
        }
    }

    /// The first page is empty and links to the one that holds them, as recorded lists do.
    fn credentials(&self, asked: &Asked) -> Said {
        if asked.parameter("$skiptoken").is_none() {
            let link = format!("https://{}{}?api-version=2023-01-31&%24skiptoken=2", asked.host, asked.path);
            return Said::json(200, &json!({"value": [], "nextLink": link}));
        }
        let value: Vec<Value> = self
            .0
            .azure
            .credentials
            .iter()
            .map(|(name, one)| {
                json!({
                    "id": format!("{}/{name}", asked.path),
                    "name": name,
                    "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
                    "properties": {"issuer": one.issuer, "subject": one.subject, "audiences": one.audiences},
                })
            })
            .collect();
        Said::json(200, &json!({"value": value}))
    }
}

pub(super) struct Graph(pub(super) Arc<World>);

impl Service for Graph {
    fn name(&self) -> &'static str {
        "graph"
    }

    fn fault(&self) -> Option<&str> {
        self.0.fault("graph")
    }

    fn answer(&self, asked: &Asked) -> Said {
        if asked.bearer.is_none() {
            return error(401, "InvalidAuthenticationToken", "Access token is empty.");
        }
        if self.fault() == Some("deny-all") {
            return error(
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
            );
        }
        let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            ["v1.0", "users", id] => match self.0.azure.users.get(*id) {
                Some(user) => Said::json(
                    200,
                    &json!({"id": id, "displayName": user.name, "userPrincipalName": user.upn}),
                ),
                None => error(
                    404,
                    "Request_ResourceNotFound",
                    &format!(
                        "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
                    ),
                ),
            },
            _ => error(400, "BadRequest", "Resource not found for the segment."),
        }
    }
}

//! Azure Resource Manager and Graph, in the shapes of their published answers.

use std::sync::Arc;

use serde_json::{Value, json};

use super::World;
use super::serve::{Asked, Said, Service};
use super::world::Assignment;

/// Role assignments of one page.
const PAGE: usize = 100;

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

    fn ahead(&self) -> i64 {
        self.0.ahead("arm")
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
        if self.fault() == Some("deny-all") || self.0.denies("arm", &asked.path) {
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
        if let Some((scope, kind)) = lower.split_once("/providers/microsoft.authorization/") {
            return self.authorization(asked, scope, kind);
        }
        match rest {
            [] => Said::json(200, &self.subscription(id)),
            ["providers", "microsoft.insights", "eventtypes", "management", "values"] => self.activity(),
            ["providers", namespace] => self.provider(id, namespace),
            ["providers", namespace, kind] => self.of_kind(id, namespace, kind),
            _ => self.resource(asked, &lower, rest),
        }
    }

    fn authorization(&self, asked: &Asked, scope: &str, kind: &str) -> Said {
        let filter = asked.parameter("$filter").unwrap_or_default();
        match kind {
            "roleassignments" => self.assignments(asked, scope, filter),
            "denyassignments" => {
                let found = self.0.azure.denials.iter().filter(|(_, one)| {
                    let who = assigned_to(filter);
                    covers(&one.scope, scope) && who.is_none_or(|who| self.is_or_has(&one.principal, who))
                });
                let value: Vec<Value> = found
                    .map(|(name, one)| {
                        json!({"name": name, "properties": {"denyAssignmentName": name, "scope": one.scope}})
                    })
                    .collect();
                Said::json(200, &json!({"value": value}))
            }
            "roleeligibilityscheduleinstances" => {
                let found = self.0.azure.eligible.iter().filter(|(_, one)| {
                    let who = assigned_to(filter);
                    covers(&one.scope, scope) && who.is_none_or(|who| self.is_or_has(&one.principal, who))
                });
                let value: Vec<Value> = found
                    .map(|(name, one)| {
                        let role = self.0.azure.roles.get(&one.role).map(|role| role.name.clone());
                        json!({
                            "name": name,
                            "properties": {"expandedProperties": {"roleDefinition": {"displayName": role}}},
                        })
                    })
                    .collect();
                Said::json(200, &json!({"value": value}))
            }
            _ => error(404, "NotFound", "Not found."),
        }
    }

    fn activity(&self) -> Said {
        let value: Vec<Value> = self
            .0
            .azure
            .activity
            .iter()
            .map(|(id, at)| {
                json!({
                    "resourceId": id, "eventTimestamp": at, "status": {"value": "Succeeded"},
                    "operationName": {"value": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"},
                })
            })
            .collect();
        Said::json(200, &json!({"value": value}))
    }

    fn provider(&self, subscription: &str, namespace: &str) -> Said {
        let known = self.0.azure.providers.iter().find(|(name, _)| name.eq_ignore_ascii_case(namespace));
        let (name, state) =
            known.map_or((namespace, "NotRegistered"), |(name, state)| (name.as_str(), state));
        Said::json(
            200,
            &json!({
                "id": format!("/subscriptions/{subscription}/providers/{name}"),
                "namespace": name, "registrationState": state, "registrationPolicy": "RegistrationRequired",
            }),
        )
    }

    fn of_kind(&self, subscription: &str, namespace: &str, kind: &str) -> Said {
        let start = format!("/subscriptions/{subscription}/");
        let part = format!("/providers/{namespace}/{kind}/");
        let value: Vec<&Value> = self
            .0
            .azure
            .resources
            .values()
            .filter(|resource| {
                let id = resource.get("id").and_then(Value::as_str).unwrap_or_default().to_lowercase();
                id.starts_with(&start) && id.split_once(&part).is_some_and(|(_, rest)| !rest.contains('/'))
            })
            .collect();
        Said::json(200, &json!({"value": value}))
    }

    fn is_or_has(&self, principal: &str, who: &str) -> bool {
        let groups = &self.0.azure.groups;
        // Groups hold groups: the expansion is transitive.
        let mut open = vec![principal.to_owned()];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(next) = open.pop() {
            if next == who {
                return true;
            }
            if seen.insert(next.clone()) {
                open.extend(groups.get(&next).into_iter().flatten().cloned());
            }
        }
        false
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
                    "dataActions": role.data_actions,
                    "notDataActions": [],
                }],
            },
        })
    }

    /// `atScope()` leaves out what lies below; `assignedTo` reaches through groups and knows object ids only. A long
    /// list comes in pages.
    fn assignments(&self, asked: &Asked, scope: &str, filter: &str) -> Said {
        let azure = &self.0.azure;
        let subscription = scope.split('/').nth(2).unwrap_or_default();
        let above = azure.subscriptions.get(subscription).map(|it| it.above.clone()).unwrap_or_default();
        let who = assigned_to(filter);
        let reaches = |one: &Assignment| {
            covers(&one.scope, scope)
                || above.iter().any(|above| above.eq_ignore_ascii_case(&one.scope))
                || (!filter.contains("atScope()") && covers(scope, &one.scope.to_lowercase()))
        };
        let found: Vec<_> = azure
            .assignments
            .iter()
            .filter(|(_, one)| reaches(one) && who.is_none_or(|who| self.is_or_has(&one.principal, who)))
            .collect();
        let from: usize = asked.parameter("$skiptoken").and_then(|token| token.parse().ok()).unwrap_or(0);
        let value: Vec<Value> = found
            .iter()
            .skip(from)
            .take(PAGE)
            .map(|(name, one)| {
                json!({
                    "id": format!("{}/providers/Microsoft.Authorization/roleAssignments/{name}", one.scope),
                    "name": name,
                    "type": "Microsoft.Authorization/roleAssignments",
                    "properties": {
                        "roleDefinitionId": format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}", one.role),
                        "principalId": one.principal,
                        "principalType": one.kind,
                        "scope": one.scope,
                        "condition": one.condition,
                        "conditionVersion": one.condition.as_ref().map(|_| "2.0"),
                        "createdOn": one.created.as_deref().unwrap_or("2026-01-05T09:00:00Z"),
                    },
                })
            })
            .collect();
        let mut body = json!({"value": value});
        if found.len() > from + PAGE {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("api-version", "2022-04-01")
                .append_pair("$filter", filter)
                .append_pair("$skiptoken", &(from + PAGE).to_string())
                .finish();
            body["nextLink"] = json!(format!("https://{}{}?{query}", asked.host, asked.path));
        }
        Said::json(200, &body)
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
        if let Some(vault) = lower.strip_suffix("/secrets").and_then(found) {
            return self.secrets(vault);
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

    /// Metadata of a vault's secrets, never a value.
    fn secrets(&self, vault: &Value) -> Said {
        let name = vault.get("name").and_then(Value::as_str).unwrap_or_default();
        let id = vault.get("id").and_then(Value::as_str).unwrap_or_default();
        let uri = vault.pointer("/properties/vaultUri").and_then(Value::as_str).unwrap_or_default();
        let secrets = self.0.azure.secrets.get(name).cloned().unwrap_or_default();
        let value: Vec<Value> = secrets
            .iter()
            .map(|(secret, meta)| {
                let at = meta.updated.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second);
                let plain = format!("{}secrets/{secret}", uri.trim_end_matches('/').to_owned() + "/");
                json!({
                    "id": format!("{id}/secrets/{secret}"),
                    "name": secret,
                    "type": "Microsoft.KeyVault/vaults/secrets",
                    "properties": {
                        "attributes": {"enabled": meta.enabled, "created": at, "updated": at},
                        "secretUri": plain,
                        "secretUriWithVersion": format!("{plain}/{}", meta.version),
                    },
                })
            })
            .collect();
        Said::json(200, &json!({"value": value}))
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
                    "properties": properties(one),
                })
            })
            .collect();
        Said::json(200, &json!({"value": value}))
    }
}

/// Whether an assignment at one scope reaches another: the same, or one below it.
fn covers(scope: &str, other: &str) -> bool {
    let (scope, other) = (scope.to_lowercase(), other.to_lowercase());
    other == scope || other.strip_prefix(&scope).is_some_and(|rest| rest.starts_with('/'))
}

fn assigned_to(filter: &str) -> Option<&str> {
    filter.split_once("assignedTo('").and_then(|(_, rest)| rest.split_once('\'')).map(|(id, _)| id)
}

/// A flexible credential has an expression and no subject at all.
fn properties(one: &super::world::Credential) -> Value {
    let mut properties = json!({"issuer": one.issuer, "audiences": one.audiences});
    if let Some(subject) = &one.subject {
        properties["subject"] = json!(subject);
    }
    if let Some(expression) = &one.expression {
        properties["claimsMatchingExpression"] = json!({"languageVersion": 1, "value": expression});
    }
    properties
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
        if self.fault() == Some("deny-all") || self.0.denies("graph", &asked.path) {
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
            ["v1.0", "applications"] => {
                let filter = asked.parameter("$filter").unwrap_or_default();
                let wanted = filter.split('\'').nth(1).unwrap_or_default();
                let value: Vec<&Value> = self
                    .0
                    .azure
                    .applications
                    .values()
                    .filter(|it| it.get("appId").and_then(Value::as_str) == Some(wanted))
                    .collect();
                Said::json(200, &json!({"value": value}))
            }
            _ => error(400, "BadRequest", "Resource not found for the segment."),
        }
    }
}

//! Facts about who may do what in Azure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Reason;

/// A user whose rights are judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// Object id in Entra.
    pub object_id: String,
    /// Name for people, where Graph told it.
    pub name: Option<String>,
}

/// A role assignment that reaches a user at a scope, with what its role allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Role name (`Reader`), or the definition's id where its name could not be read.
    pub role: String,
    /// Scope the assignment is made at.
    pub scope: String,
    /// Principal it is made to: the user or one of the user's groups.
    pub principal_id: String,
    /// `User`, `Group` or `ServicePrincipal`.
    pub principal_type: String,
    /// Control-plane actions of the role.
    pub actions: Vec<String>,
    /// Control-plane actions taken away again.
    pub not_actions: Vec<String>,
    /// Attribute-based condition, verbatim.
    pub condition: Option<String>,
}

/// What one user holds on one subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserAccess {
    /// The user.
    pub user: Principal,
    /// Subscription id.
    pub subscription: String,
    /// Subscription name for people, where it could be read.
    pub subscription_name: Option<String>,
    /// Active assignments at the subscription or above it, groups included.
    pub assignments: Vec<Assignment>,
    /// Deny assignments that name the user or one of the user's groups.
    pub denied: Vec<String>,
    /// Roles the user could activate (privileged identity management) and has not.
    pub eligible: Vec<String>,
    /// Why the assignments could not be read, where they could not; the lists above then say nothing.
    pub unread: Option<Reason>,
}

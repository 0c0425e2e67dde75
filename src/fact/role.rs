//! Facts about who may do what in Azure.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Reason;

/// A principal whose rights are judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// Object id in Entra.
    pub object_id: String,
    /// Name for people, where one is known.
    pub name: Option<String>,
}

/// A role assignment that reaches a principal at a scope, with what its role allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Role name (`Reader`), or the definition's id where its name could not be read.
    pub role: String,
    /// Scope the assignment is made at.
    pub scope: String,
    /// Principal it is made to: this one or a group of it.
    pub principal_id: String,
    /// `User`, `Group` or `ServicePrincipal`.
    pub principal_type: String,
    /// Control-plane actions of the role.
    pub actions: Vec<String>,
    /// Control-plane actions taken away again.
    pub not_actions: Vec<String>,
    /// Data actions of the role.
    pub data_actions: Vec<String>,
    /// Data actions taken away again.
    pub not_data_actions: Vec<String>,
    /// Attribute-based condition, verbatim.
    pub condition: Option<String>,
    /// When it was made or last changed.
    pub changed_at: Option<Timestamp>,
}

/// What one principal holds at one scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Who.
    pub principal: Principal,
    /// `user`, `gateway`, `kubelet` or `provisioner`: why it is judged.
    pub kind: String,
    /// Where: an ARM scope.
    pub scope: String,
    /// Name of the scope for people.
    pub scope_name: String,
    /// Active assignments at the scope or above it, groups included.
    pub assignments: Vec<Assignment>,
    /// Deny assignments that name the principal or one of its groups.
    pub denied: Vec<String>,
    /// Roles that could be activated (privileged identity management) and are not.
    pub eligible: Vec<String>,
    /// Why the assignments could not be read, where they could not; the lists above then say nothing.
    pub unread: Option<Reason>,
}

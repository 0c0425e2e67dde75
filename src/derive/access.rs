//! Who may do what, by effective actions: an assignment counts by what its role allows, not by its name.

use std::collections::BTreeMap;

use super::{Derived, Lack, SPREAD_S, need, put, settled};
use crate::fact::{
    Access, AccessGap, Assignment, OBO_ACCESS, OBO_BLIND_USERS, OBO_GAPS, PROVISIONING_ACCESS,
    PROVISIONING_GAPS, Principal, REGISTRY_ACCESS, REGISTRY_GAPS, REGISTRY_RESOURCE, Reason, Snapshot,
    VAULT_ACCESS, VAULT_GAPS, VAULT_PROJECTS, VAULT_RESOURCE, VAULT_SETTLED, Vault,
};

/// What somebody has to be allowed, and the built-in role that gives the least beside it.
#[derive(Clone, Copy)]
struct Right {
    action: &'static str,
    /// Data actions never follow from control-plane actions: Owner may not read a secret.
    data: bool,
    role: &'static str,
}

/// Makes a subscription show up in a listing.
const READ: Right = Right { action: "Microsoft.Resources/subscriptions/read", data: false, role: "Reader" };
const GET_SECRET: Right = Right {
    action: "Microsoft.KeyVault/vaults/secrets/getSecret/action",
    data: true,
    role: "Key Vault Secrets User",
};
const PULL: Right =
    Right { action: "Microsoft.ContainerRegistry/registries/pull/read", data: false, role: "AcrPull" };
const READ_REPOSITORY: Right = Right {
    action: "Microsoft.ContainerRegistry/registries/repositories/content/read",
    data: true,
    role: "Container Registry Repository Reader",
};
/// What provisioning does first and last.
const PROVISION: [Right; 2] = [
    Right { action: "Microsoft.ContainerService/managedClusters/write", data: false, role: "Contributor" },
    Right {
        action: "Microsoft.Authorization/roleAssignments/write",
        data: false,
        role: "User Access Administrator",
    },
];

enum Holds {
    Yes,
    No,
    /// It was not read, or a condition or deny assignment decides and neither is evaluated here.
    Unclear(Reason),
}

pub(super) fn derive(snapshot: &mut Snapshot) {
    let gaps = obo_gaps(snapshot);
    put(snapshot, &OBO_GAPS, &[OBO_ACCESS.name()], gaps);
    let blind = blind(snapshot);
    put(snapshot, &OBO_BLIND_USERS, &[OBO_ACCESS.name()], blind);
    let vault = vault_gaps(snapshot);
    put(snapshot, &VAULT_GAPS, &[VAULT_ACCESS.name(), VAULT_RESOURCE.name(), VAULT_PROJECTS.name()], vault);
    let spread = vault_settled(snapshot);
    put(snapshot, &VAULT_SETTLED, &[VAULT_ACCESS.name(), VAULT_RESOURCE.name()], spread);
    let pull = registry_gaps(snapshot);
    put(snapshot, &REGISTRY_GAPS, &[REGISTRY_ACCESS.name(), REGISTRY_RESOURCE.name()], pull);
    let provisioning = provisioning_gaps(snapshot);
    put(snapshot, &PROVISIONING_GAPS, &[PROVISIONING_ACCESS.name()], provisioning);
}

/// Whether an action pattern of a role definition covers an action: `*` stands for any characters,
/// letter case does not count (Azure role definitions, "Control and data actions").
fn covers(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| action.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn allows(assignment: &Assignment, right: Right) -> bool {
    let (given, taken) = if right.data {
        (&assignment.data_actions, &assignment.not_data_actions)
    } else {
        (&assignment.actions, &assignment.not_actions)
    };
    given.iter().any(|pattern| covers(pattern, right.action))
        && !taken.iter().any(|pattern| covers(pattern, right.action))
}

fn holds(access: &Access, right: Right) -> Holds {
    if let Some(reason) = &access.unread {
        return Holds::Unclear(reason.clone());
    }
    let depends = |detail: String| Holds::Unclear(Reason::Malformed { detail });
    let allowing: Vec<_> = access.assignments.iter().filter(|assignment| allows(assignment, right)).collect();
    if allowing.is_empty() {
        return Holds::No;
    }
    if let Some(denied) = access.denied.first() {
        return depends(format!("a deny assignment ({denied}) may take the right away again"));
    }
    if allowing.iter().any(|assignment| assignment.condition.is_none()) {
        return Holds::Yes;
    }
    depends("each assignment that grants it carries a condition".into())
}

fn gap(access: &Access, role: &str) -> AccessGap {
    let person = access.kind == "user";
    AccessGap {
        user_name: access.principal.name.clone().unwrap_or_else(|| access.principal.object_id.clone()),
        user: access.principal.object_id.clone(),
        kind: access.kind.clone(),
        principal_type: if person { "User" } else { "ServicePrincipal" }.into(),
        scope: access.scope.clone(),
        scope_name: access.scope_name.clone(),
        role: role.into(),
        eligible: access.eligible.join(", "),
    }
}

/// Gaps that are sure; where none is, and something stayed unclear, that.
struct Gaps {
    found: Vec<AccessGap>,
    unclear: Option<Reason>,
}

impl Gaps {
    fn new() -> Self {
        Self { found: Vec::new(), unclear: None }
    }

    fn judge(&mut self, access: &Access, role: &str, verdict: Holds) {
        match verdict {
            Holds::Yes => {}
            Holds::No => self.found.push(gap(access, role)),
            Holds::Unclear(why) => self.unclear = Some(why),
        }
    }

    fn end(self, from: &'static str) -> Derived<Vec<AccessGap>> {
        match self.unclear {
            Some(why) if self.found.is_empty() => Err(Lack::Unknown(from, why)),
            _ => Ok(self.found),
        }
    }
}

fn obo_gaps(snapshot: &Snapshot) -> Derived<Vec<AccessGap>> {
    let mut gaps = Gaps::new();
    for access in need(snapshot, &OBO_ACCESS)? {
        let verdict = holds(&access, READ);
        gaps.judge(&access, READ.role, verdict);
    }
    gaps.end(OBO_ACCESS.name())
}

/// Users for whom discovery would answer 200 with an empty list: none of the judged subscriptions is theirs to
/// read. A user of whom something is unclear is blind only if that cannot matter, which is never.
fn blind(snapshot: &Snapshot) -> Derived<Vec<Principal>> {
    let mut by_user: BTreeMap<String, Vec<Access>> = BTreeMap::new();
    for access in need(snapshot, &OBO_ACCESS)? {
        by_user.entry(access.principal.object_id.clone()).or_default().push(access);
    }
    let mut found = Vec::new();
    let mut undecided = None;
    for rights in by_user.into_values() {
        let verdicts: Vec<_> = rights.iter().map(|access| holds(access, READ)).collect();
        if verdicts.iter().any(|verdict| matches!(verdict, Holds::Yes)) {
            continue;
        }
        match verdicts.into_iter().find_map(|verdict| match verdict {
            Holds::Unclear(reason) => Some(reason),
            Holds::Yes | Holds::No => None,
        }) {
            Some(reason) => undecided = Some(reason),
            None => {
                found.extend(rights.into_iter().next().map(|access| access.principal));
            }
        }
    }
    match undecided {
        Some(reason) if found.is_empty() => Err(Lack::Unknown(OBO_ACCESS.name(), reason)),
        _ => Ok(found),
    }
}

/// The vault an access is about: access policies count in one mode, role assignments in the other.
fn vault_of(snapshot: &Snapshot, access: &Access) -> Derived<Vault> {
    let same = |vault: &Vault| vault.id.eq_ignore_ascii_case(&access.scope);
    if access.kind == "gateway" {
        return need(snapshot, &VAULT_RESOURCE);
    }
    let projects = need(snapshot, &VAULT_PROJECTS)?;
    projects.into_iter().find(same).ok_or(Lack::Absent(VAULT_PROJECTS.name()))
}

/// Whether a policy of the vault lets a principal get secrets. A policy may be a group's, and who is in which group
/// is not asked.
fn by_policy(vault: &Vault, object_id: &str) -> Holds {
    let gets = |it: &&crate::fact::VaultPolicy| it.secrets.iter().any(|one| one == "get" || one == "all");
    let mut granting = vault.policies.iter().filter(gets).peekable();
    if granting.peek().is_none() {
        return Holds::No;
    }
    if granting.any(|policy| policy.object_id.eq_ignore_ascii_case(object_id)) {
        return Holds::Yes;
    }
    let detail = "an access policy of the vault may reach it through a group".into();
    Holds::Unclear(Reason::Malformed { detail })
}

fn vault_gaps(snapshot: &Snapshot) -> Derived<Vec<AccessGap>> {
    let mut gaps = Gaps::new();
    for access in need(snapshot, &VAULT_ACCESS)? {
        let vault = vault_of(snapshot, &access)?;
        let verdict = if vault.rbac {
            holds(&access, GET_SECRET)
        } else {
            by_policy(&vault, &access.principal.object_id)
        };
        gaps.judge(&access, GET_SECRET.role, verdict);
    }
    gaps.end(VAULT_ACCESS.name())
}

fn vault_settled(snapshot: &Snapshot) -> Derived<bool> {
    let all = need(snapshot, &VAULT_ACCESS)?;
    let vault = need(snapshot, &VAULT_RESOURCE)?;
    let of_gateway =
        all.iter().find(|access| access.kind == "gateway").ok_or(Lack::Absent(VAULT_ACCESS.name()))?;
    let granting: Vec<_> =
        of_gateway.assignments.iter().filter(|assignment| allows(assignment, GET_SECRET)).collect();
    if let (true, true, Some(reason)) = (vault.rbac, granting.is_empty(), &of_gateway.unread) {
        return Err(Lack::Unknown(VAULT_ACCESS.name(), reason.clone()));
    }
    if !vault.rbac || granting.is_empty() {
        return Err(Lack::Absent(VAULT_ACCESS.name()));
    }
    let ages = granting.iter().map(|assignment| assignment.changed_at);
    settled(snapshot, ages, SPREAD_S, "the role assignment is new", VAULT_ACCESS.name())
}

fn registry_gaps(snapshot: &Snapshot) -> Derived<Vec<AccessGap>> {
    let registry = need(snapshot, &REGISTRY_RESOURCE)?;
    if registry.anonymous_pull {
        return Ok(Vec::new());
    }
    let access = need(snapshot, &REGISTRY_ACCESS)?;
    let right = if registry.by_repository { READ_REPOSITORY } else { PULL };
    let mut gaps = Gaps::new();
    let verdict = holds(&access, right);
    gaps.judge(&access, right.role, verdict);
    gaps.end(REGISTRY_ACCESS.name())
}

fn provisioning_gaps(snapshot: &Snapshot) -> Derived<Vec<AccessGap>> {
    let access = need(snapshot, &PROVISIONING_ACCESS)?;
    let mut gaps = Gaps::new();
    for right in PROVISION {
        let verdict = holds(&access, right);
        gaps.judge(&access, right.role, verdict);
    }
    gaps.end(PROVISIONING_ACCESS.name())
}

#[cfg(test)]
mod tests {
    use super::{READ, covers};

    #[test]
    fn patterns_cover_actions_as_azure_evaluates_them() {
        for (pattern, covered) in [
            ("*", true),
            ("*/read", true),
            ("Microsoft.Resources/subscriptions/read", true),
            ("microsoft.resources/*/READ", true),
            ("Microsoft.Resources/subscriptions/resourceGroups/read", false),
            ("*/write", false),
            ("Microsoft.KeyVault/*", false),
            ("Microsoft.Resources/subscriptions/read/extra", false),
            ("", false),
        ] {
            assert_eq!(covers(pattern, READ.action), covered, "{pattern}");
        }
    }
}

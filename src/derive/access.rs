//! Who can read which subscription, by effective actions.

use std::collections::{BTreeMap, BTreeSet};

use super::{Derived, Lack, need, put};
use crate::fact::{
    AccessGap, Assignment, OBO_ACCESS, OBO_BLIND_USERS, OBO_GAPS, Reason, Snapshot, UserAccess,
};

/// The action that makes a subscription show up in a listing (Reader holds it through `*/read`).
const NEEDED: &str = "Microsoft.Resources/subscriptions/read";

enum Reads {
    Yes,
    No,
    /// A condition or a deny assignment decides, and neither is evaluated here.
    Depends(String),
}

pub(super) fn derive(snapshot: &mut Snapshot) {
    let gaps = gaps(snapshot);
    put(snapshot, &OBO_GAPS, &[OBO_ACCESS.name()], gaps);
    let blind = blind(snapshot);
    put(snapshot, &OBO_BLIND_USERS, &[OBO_ACCESS.name()], blind);
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

fn allows(assignment: &Assignment) -> bool {
    assignment.actions.iter().any(|pattern| covers(pattern, NEEDED))
        && !assignment.not_actions.iter().any(|pattern| covers(pattern, NEEDED))
}

fn reads(access: &UserAccess) -> Reads {
    let allowing: Vec<_> = access.assignments.iter().filter(|assignment| allows(assignment)).collect();
    if allowing.is_empty() {
        return Reads::No;
    }
    if let Some(denied) = access.denied.first() {
        return Reads::Depends(format!("a deny assignment ({denied}) may take the right away again"));
    }
    if allowing.iter().any(|assignment| assignment.condition.is_none()) {
        return Reads::Yes;
    }
    Reads::Depends("each assignment that grants it carries a condition".into())
}

fn gaps(snapshot: &Snapshot) -> Derived<Vec<AccessGap>> {
    let mut found = Vec::new();
    let mut undecided = None;
    for access in need(snapshot, &OBO_ACCESS)? {
        match reads(&access) {
            Reads::Yes => {}
            Reads::No => found.push(AccessGap {
                user_name: access.user.name.clone().unwrap_or_else(|| access.user.object_id.clone()),
                user: access.user.object_id,
                subscription: access.subscription,
                eligible: access.eligible.join(", "),
            }),
            Reads::Depends(why) => undecided = Some(why),
        }
    }
    match undecided {
        Some(why) if found.is_empty() => {
            Err(Lack::Unknown(OBO_ACCESS.name(), Reason::Malformed { detail: why }))
        }
        _ => Ok(found),
    }
}

/// Users for whom discovery would answer 200 with an empty list.
fn blind(snapshot: &Snapshot) -> Derived<Vec<String>> {
    let mut by_user: BTreeMap<String, (String, BTreeSet<bool>)> = BTreeMap::new();
    for access in need(snapshot, &OBO_ACCESS)? {
        let sees_nothing = matches!(reads(&access), Reads::No);
        let name = access.user.name.clone().unwrap_or_else(|| access.user.object_id.clone());
        by_user.entry(access.user.object_id).or_insert((name, BTreeSet::new())).1.insert(sees_nothing);
    }
    Ok(by_user
        .into_values()
        .filter(|(_, sees_nothing)| !sees_nothing.contains(&false))
        .map(|(name, _)| name)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::covers;

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
            assert_eq!(covers(pattern, super::NEEDED), covered, "{pattern}");
        }
    }
}

//! Who can read which subscription, by effective actions.

use std::collections::BTreeMap;

use super::{Derived, Lack, need, put};
use crate::fact::{
    AccessGap, Assignment, OBO_ACCESS, OBO_BLIND_USERS, OBO_GAPS, Reason, Snapshot, UserAccess,
};

/// The action that makes a subscription show up in a listing (Reader holds it through `*/read`).
const NEEDED: &str = "Microsoft.Resources/subscriptions/read";

enum Reads {
    Yes,
    No,
    /// It was not read, or a condition or deny assignment decides and neither is evaluated here.
    Unclear(Reason),
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
    if let Some(reason) = &access.unread {
        return Reads::Unclear(reason.clone());
    }
    let depends = |detail: String| Reads::Unclear(Reason::Malformed { detail });
    let allowing: Vec<_> = access.assignments.iter().filter(|assignment| allows(assignment)).collect();
    if allowing.is_empty() {
        return Reads::No;
    }
    if let Some(denied) = access.denied.first() {
        return depends(format!("a deny assignment ({denied}) may take the right away again"));
    }
    if allowing.iter().any(|assignment| assignment.condition.is_none()) {
        return Reads::Yes;
    }
    depends("each assignment that grants it carries a condition".into())
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
            Reads::Unclear(why) => undecided = Some(why),
        }
    }
    match undecided {
        Some(why) if found.is_empty() => Err(Lack::Unknown(OBO_ACCESS.name(), why)),
        _ => Ok(found),
    }
}

/// Users for whom discovery would answer 200 with an empty list: none of the judged subscriptions is theirs to
/// read. A user of whom something is unclear is blind only if that cannot matter, which is never.
fn blind(snapshot: &Snapshot) -> Derived<Vec<String>> {
    let mut by_user: BTreeMap<String, Vec<UserAccess>> = BTreeMap::new();
    for access in need(snapshot, &OBO_ACCESS)? {
        by_user.entry(access.user.object_id.clone()).or_default().push(access);
    }
    let mut found = Vec::new();
    let mut undecided = None;
    for rights in by_user.into_values() {
        let verdicts: Vec<_> = rights.iter().map(reads).collect();
        if verdicts.iter().any(|verdict| matches!(verdict, Reads::Yes)) {
            continue;
        }
        match verdicts.into_iter().find_map(|verdict| match verdict {
            Reads::Unclear(reason) => Some(reason),
            Reads::Yes | Reads::No => None,
        }) {
            Some(reason) => undecided = Some(reason),
            None => found.extend(
                rights.into_iter().next().map(|access| access.user.name.unwrap_or(access.user.object_id)),
            ),
        }
    }
    match undecided {
        Some(reason) if found.is_empty() => Err(Lack::Unknown(OBO_ACCESS.name(), reason)),
        _ => Ok(found),
    }
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

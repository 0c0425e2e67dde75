//! Answers as they came, for whoever cannot ask again. Nothing is kept unless somebody wants it.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// Bytes of one answer, and of all together.
const LARGEST: usize = 256 << 10;
const ALL: usize = 3 << 20;
/// Services whose answers say more than the facts that were made of them.
const SERVICES: &[&str] = &["arm", "kubernetes", "primary", "imds", "issuer"];
/// Kubernetes objects that hold what is none of a diagnosis' business.
const NEVER: &[&str] = &["/secrets", "/configmaps", "/token", "/log"];
/// Members that hold secrets, or repeat what is there already.
const DROPPED: &[&str] = &[
    "managedFields",
    "kubectl.kubernetes.io/last-applied-configuration",
    "data",
    "stringData",
    "binaryData",
];

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What was asked.
    pub call: String,
    /// The answer; of variables and the like only the names.
    pub body: Value,
}

/// Answers that are kept, where they are.
#[derive(Default)]
pub(super) struct Answers(Mutex<Option<Held>>);

#[derive(Default)]
struct Held {
    bytes: usize,
    all: Vec<Kept>,
    left_out: usize,
}

impl Answers {
    /// From here on they are.
    pub(super) fn keep(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }

    /// Those so far, in order of what was asked, and how many there was no room for.
    pub(super) fn all(&self) -> (Vec<Kept>, usize) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = kept.as_ref() else { return (Vec::new(), 0) };
        let mut all = held.all.clone();
        all.sort_by(|one, other| one.call.cmp(&other.call));
        (all, held.left_out)
    }

    /// Keeps an answer, where it is one of those and there is room.
    pub(super) fn take(&self, api: &str, call: &str, size: usize, body: impl FnOnce() -> Option<Value>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = kept.as_mut() else { return };
        let wanted = SERVICES.contains(&api) && !NEVER.iter().any(|part| call.contains(part));
        if !wanted {
            return;
        }
        if size > LARGEST || held.bytes + size > ALL {
            held.left_out += 1;
            return;
        }
        if let Some(mut body) = body() {
            bare(&mut body);
            held.bytes += size;
            held.all.push(Kept { call: format!("{api}: {call}"), body });
        }
    }
}

/// Takes away what is dropped, and the values of variables.
fn bare(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in DROPPED {
                members.remove(*name);
            }
            if members.contains_key("name") && members.len() <= 3 && members.contains_key("value") {
                members.insert("value".into(), Value::String("[left out]".into()));
            }
            members.values_mut().for_each(bare);
        }
        Value::Array(items) => items.iter_mut().for_each(bare),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

//! Secret values that this process came across, whether it asked for them or not: whatever it keeps or prints is looked
//! through for them.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;

static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Parts of names of variables that hold a secret.
const SECRET_NAMES: &[&str] =
    &["PASS", "SECRET", "TOKEN", "KEY", "PWD", "CREDENTIAL", "DSN", "CONNECTION_STRING"];

/// Every secret value so far.
pub fn seen_secrets() -> Vec<String> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

/// Takes note of a secret value, and of the password where it is a URL with one.
pub(super) fn seen(value: &str) {
    let mut all = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    all.extend(password(value));
    all.insert(value.trim().to_owned());
}

/// Takes note of what a variable holds, where its name or its value says that it is a secret.
pub(super) fn seen_variable(name: &str, value: &str) {
    let upper = name.to_uppercase();
    if SECRET_NAMES.iter().any(|part| upper.contains(part)) && !value.contains("://") {
        seen(value);
    } else {
        let found = password(value);
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
    }
}

/// Takes note of what a Kubernetes object holds: values of secrets, and of variables that are written into a pod.
pub(super) fn seen_object(object: &Value) {
    if object.get("kind").and_then(Value::as_str) == Some("Secret") {
        let values = object.get("data").and_then(Value::as_object).into_iter().flat_map(|all| all.values());
        for text in values.filter_map(Value::as_str) {
            seen(text);
            if let Ok(plain) =
                STANDARD.decode(text).map_err(drop).and_then(|bytes| String::from_utf8(bytes).map_err(drop))
            {
                seen(&plain);
            }
        }
    }
    walk(object);
}

fn walk(value: &Value) {
    match value {
        Value::Object(members) => {
            if let (Some(Value::String(name)), Some(Value::String(value))) =
                (members.get("name"), members.get("value"))
            {
                seen_variable(name, value);
            }
            members.values().for_each(walk);
        }
        Value::Array(items) => items.iter().for_each(walk),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The password of a URL, as it is written and as it is meant.
fn password(value: &str) -> Vec<String> {
    let Some(url) = value.contains("://").then(|| Url::parse(value.trim()).ok()).flatten() else {
        return Vec::new();
    };
    let Some(written) = url.password() else { return Vec::new() };
    let meant = url::form_urlencoded::parse(format!("p={}", written.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned());
    meant.into_iter().chain([written.to_owned()]).collect()
}

//! Everything that a run learned, without secrets.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{GONE, Lines, Pseudonyms, Removed, Values, Within, redact};
use crate::fact::{Outcome, Reason, Snapshot};

/// How often what was taken out where: by place, then by kind.
pub type Log = BTreeMap<String, Removed>;

/// Takes secrets out of a snapshot, by their look and by `values`, and replaces identifiers where pseudonyms are given. Done
/// twice it changes nothing more.
pub fn redact_snapshot(snapshot: &mut Snapshot, values: &Values, pseudonyms: Option<&Pseudonyms>) -> Log {
    let mut log = Log::new();
    let mut one = |place: &str, text: &mut String, within: Within| {
        let mut removed = Removed::new();
        let clean = clean(text, within, values, pseudonyms, &mut removed);
        note(&mut log, place, removed);
        if let Some(clean) = clean {
            *text = clean;
        }
    };
    for (name, setting) in &mut snapshot.target {
        each_text(&mut setting.value, &mut |text| one(&format!("setting {name}"), text, Within::Fact));
        one(&format!("setting {name}"), &mut setting.origin, Within::Fact);
    }
    for (name, seen) in &mut snapshot.facts {
        let place = format!("fact {name}");
        match &mut seen.outcome {
            Outcome::Known(value) => each_text(value, &mut |text| one(&place, text, Within::Fact)),
            Outcome::Unknown(reason) => words(reason, &mut |text| one(&place, text, Within::Text)),
            Outcome::Absent => {}
        }
        one(&place, &mut seen.origin.call, Within::Fact);
        one(&place, &mut seen.origin.against, Within::Fact);
    }
    for call in &mut snapshot.calls {
        for text in [&mut call.what, &mut call.against] {
            one("calls", text, Within::Fact);
        }
        for text in call.failure.iter_mut().chain(&mut call.proxy) {
            one("calls", text, Within::Text);
        }
    }
    for argument in &mut snapshot.again {
        one("arguments", argument, Within::Fact);
    }
    let mut keys: BTreeMap<String, Lines> = BTreeMap::new();
    for line in &mut snapshot.text {
        let mut removed = Removed::new();
        let lines = keys.entry(line.place.clone()).or_default();
        let mut text = lines.next(&line.text, &mut removed).into_owned();
        if let Some(clean) = clean(&text, Within::Text, values, pseudonyms, &mut removed) {
            text = clean;
        }
        note(&mut log, &line.place, removed);
        line.text = text;
        let mut removed = Removed::new();
        if let Some(clean) = clean(&line.place, Within::Fact, values, pseudonyms, &mut removed) {
            line.place = clean;
        }
        note(&mut log, "places", removed);
    }
    log
}

fn note(log: &mut Log, place: &str, removed: Removed) {
    if !removed.is_empty() {
        let kinds = log.entry(place.to_owned()).or_default();
        for (kind, times) in removed {
            *kinds.entry(kind).or_default() += times;
        }
    }
}

fn clean(
    text: &str,
    within: Within,
    values: &Values,
    pseudonyms: Option<&Pseudonyms>,
    removed: &mut Removed,
) -> Option<String> {
    // What has several words was written by somebody.
    let within = if text.contains(char::is_whitespace) { Within::Text } else { within };
    let shown = redact(text, within, removed);
    let valued = values.redact(&shown, removed);
    let named = pseudonyms.map_or_else(|| valued.as_ref().into(), |names| names.put(&valued));
    (named != text).then(|| named.into_owned())
}

/// Every text of a value, names of members too. What stands under the name of a secret is taken out whole.
pub fn each_text(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, visit)),
        Value::Object(members) => {
            let named = std::mem::take(members);
            for (mut name, mut member) in named {
                if is_secret_name(&name) {
                    hide(&mut member);
                }
                visit(&mut name);
                each_text(&mut member, visit);
                members.insert(name, member);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Names of members that hold nothing but a secret, in whatever spelling.
const SECRET_MEMBERS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "clientsecret",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "bearertoken",
    "apikey",
    "accountkey",
    "primarykey",
    "secondarykey",
    "connectionstring",
    "privatekey",
    "masterkey",
    "jwtsecret",
    "sastoken",
    "sharedaccesskey",
    "clientassertion",
    "stringdata",
    "authorization",
    "cookie",
];

fn is_secret_name(name: &str) -> bool {
    let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    SECRET_MEMBERS.contains(&bare.as_str())
}

/// Takes out every text and number of a value.
fn hide(value: &mut Value) {
    match value {
        Value::String(_) | Value::Number(_) => *value = Value::String(GONE.into()),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(members) => members.values_mut().for_each(hide),
        Value::Null | Value::Bool(_) => {}
    }
}

fn words(reason: &mut Reason, visit: &mut dyn FnMut(&mut String)) {
    match reason {
        Reason::Denied { detail, .. } | Reason::Unreachable { detail, .. } | Reason::Malformed { detail } => {
            visit(detail);
        }
        Reason::TimedOut { .. }
        | Reason::NotConfigured { .. }
        | Reason::NotAsked { .. }
        | Reason::Settling { .. } => {}
    }
}

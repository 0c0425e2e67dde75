//! `plan`: everything that a run would touch, without touching any of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::json;

use super::arguments::Plan;
use super::{Failure, output};
use crate::client::Allowed;
use crate::gate::exit;
use crate::probe::{self, Touch, touching_of};
use crate::target::Target;

pub(super) fn plan(arguments: &Plan) -> Result<u8, Failure> {
    let flags = arguments.target.flags();
    let target = Target::resolve(arguments.target.settings_file().as_deref(), output::variables(), flags)?;
    let touches = chosen(&target, &arguments.probe)?;
    let rows = rows(&touches);
    let text = if arguments.json { as_json(&target, &rows) } else { as_text(&target, &rows) };
    output::put(&text)?;
    Ok(exit::FINE)
}

/// What the named probes touch, or all of them; what discovery and the login touch belongs to every run.
pub(super) fn chosen(target: &Target, names: &[String]) -> Result<Vec<(String, Touch)>, Failure> {
    let all = touching_of(target);
    let known: BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    for name in names {
        if !known.contains(name.as_str()) {
            let known = Vec::from_iter(known).join(", ");
            return Err(Failure::Usage(format!("there is no probe {name}; there are {known}")));
        }
    }
    Ok(all
        .into_iter()
        .filter(|(name, _)| {
            names.is_empty() || names.contains(name) || ["login", "discovery"].contains(&name.as_str())
        })
        .collect())
}

/// A call with the probes that make it.
struct Row {
    call: Allowed,
    namespace: &'static str,
    probes: BTreeSet<String>,
}

fn rows(touches: &[(String, Touch)]) -> Vec<Row> {
    let mut rows: BTreeMap<(Allowed, &'static str), BTreeSet<String>> = BTreeMap::new();
    for (probe, touch) in touches {
        rows.entry((touch.call, touch.namespace)).or_default().insert(probe.clone());
    }
    rows.into_iter().map(|((call, namespace), probes)| Row { call, namespace, probes }).collect()
}

/// Where each service is with these settings.
fn place(target: &Target, api: &str) -> String {
    let setting = |name: &str| match target.text(name) {
        text if text.is_empty() => format!("({name} is not set)"),
        text => text,
    };
    match api {
        "arm" => setting("azure.endpoints.arm"),
        "graph" => setting("azure.endpoints.graph"),
        "entra" | "login" => setting("azure.endpoints.entra"),
        "issuer" => "each issuer by its own URL, and Entra's".into(),
        "imds" => setting("imds.endpoint"),
        "primary" | "tls" => setting("primary.url"),
        "kubernetes" => match target.given("kubernetes.context") {
            Some(context) => format!("context {context} of the kubeconfig"),
            None => "the kubeconfig's current context".into(),
        },
        "registry" => format!("the image's registry, *{}", target.text("azure.registry_suffix")),
        "docker" => setting("docker.socket"),
        "sql" => "the Primary's database, and the gateway's".into(),
        "dns" => target.given("network.dns_server").unwrap_or_else(|| "the system's name servers".into()),
        _ => "this machine".into(),
    }
}

fn shown(target: &Target, row: &Row) -> String {
    if row.call.api == "sql" {
        let mark = format!("/* mzv:{} */", row.call.path);
        let statements = probe::statements(target);
        return statements.into_iter().find(|sql| sql.contains(&mark)).unwrap_or_default();
    }
    let path = row.call.filled(
        &target.text("azure.subscription"),
        &target.text("azure.resource_group"),
        &target.text(row.namespace),
    );
    match (row.call.api, path.as_str()) {
        ("dns", _) => "LOOKUP of the Primary's and the vault's host names".into(),
        ("tls", _) => "HANDSHAKE with the Primary; nothing is sent".into(),
        (_, path) => format!("{} {path}", row.call.method),
    }
}

/// The right in the words of the service that gives it.
pub(super) fn right(call: &Allowed) -> String {
    match call.kubernetes_right() {
        Some(right) if right.group.is_empty() => format!("{} {}", right.verb, right.resource),
        Some(right) => format!("{} {}.{}", right.verb, right.resource, right.group),
        None => call.right.to_owned(),
    }
}

fn as_text(target: &Target, rows: &[Row]) -> String {
    let mut text = String::new();
    let mut api = "";
    for row in rows {
        if row.call.api != api {
            api = row.call.api;
            // Writing to a string does not fail.
            let _written =
                writeln!(text, "{}{api}: {}", if text.is_empty() { "" } else { "\n" }, place(target, api));
        }
        let right = right(&row.call);
        let needs = if right.is_empty() { String::new() } else { format!("   needs {right}") };
        let _written = writeln!(text, "  {}{needs}", shown(target, row));
        let _written =
            writeln!(text, "      for {}", row.probes.iter().cloned().collect::<Vec<_>>().join(", "));
    }
    text
}

fn as_json(target: &Target, rows: &[Row]) -> String {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "service": row.call.api,
                "where": place(target, row.call.api),
                "method": row.call.method,
                "call": shown(target, row),
                "pattern": row.call.path,
                "right": right(&row.call),
                "probes": row.probes,
            })
        })
        .collect();
    let text = serde_json::to_string_pretty(&json!({"format": 1, "calls": rows})).unwrap_or_default();
    format!("{text}\n")
}

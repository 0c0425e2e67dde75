//! `permissions`: the smallest rights that the chosen probes need, ready to apply, and per right that is missing the
//! names that then stay open. All of it is derived from what the probes declare.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::json;

use super::arguments::{Part, Permissions};
use super::check::load_rules;
use super::plan::{chosen, right};
use super::{Failure, output};
use crate::fact::vocabulary;
use crate::gate::exit;
use crate::probe::Touch;
use crate::rule::RuleTable;
use crate::target::Target;

/// Name of every role that is printed, and of the account that it is for.
const NAME: &str = "mzv-doctor";

pub(super) fn permissions(arguments: &Permissions) -> Result<u8, Failure> {
    let flags = arguments.target.flags();
    let target = Target::resolve(arguments.target.settings_file().as_deref(), output::variables(), flags)?;
    let touches = chosen(&target, &arguments.probe)?;
    let text = match arguments.part {
        Some(Part::Kubernetes) => kubernetes(&target, &touches),
        Some(Part::Azure) => azure(&target, &touches),
        Some(Part::Sql) => sql(&target, &touches),
        Some(Part::Names) => names(&load_rules(None)?, &touches),
        None => [
            "# Kubernetes: mzv-doctor permissions kubernetes | kubectl apply --filename -\n".to_owned(),
            kubernetes(&target, &touches),
            "\n# Azure: mzv-doctor permissions azure > role.json\n\
             #        az role definition create --role-definition @role.json\n"
                .to_owned(),
            azure(&target, &touches),
            "\n# PostgreSQL: mzv-doctor permissions sql | psql\n".to_owned(),
            sql(&target, &touches),
            elsewhere(&touches),
            "\n# What stays open without each of them\n".to_owned(),
            names(&load_rules(None)?, &touches),
        ]
        .concat(),
    };
    output::put(&text)?;
    Ok(exit::FINE)
}

/// Verbs by API group and resource.
type Rules = BTreeMap<(String, String), BTreeSet<String>>;

fn kubernetes(target: &Target, touches: &[(String, Touch)]) -> String {
    let mut in_namespace: BTreeMap<String, Rules> = BTreeMap::new();
    let mut in_cluster = Rules::new();
    let mut paths = BTreeSet::new();
    for (_, touch) in touches.iter().filter(|(_, touch)| touch.call.api == "kubernetes") {
        let Some(right) = touch.call.kubernetes_right() else {
            paths.insert(touch.call.path.to_owned());
            continue;
        };
        let key = (right.group.to_owned(), right.resource.to_owned());
        // A namespace itself is read with a right in that namespace.
        let rules = if right.namespaced || right.resource == "namespaces" {
            in_namespace.entry(target.text(touch.namespace)).or_default()
        } else {
            &mut in_cluster
        };
        rules.entry(key).or_default().insert(right.verb.to_owned());
    }
    let mut documents = Vec::new();
    for (namespace, rules) in &in_namespace {
        documents.push(role("Role", Some(namespace), rules, &BTreeSet::new()));
        documents.push(binding("RoleBinding", "Role", Some(namespace)));
    }
    if !in_cluster.is_empty() || !paths.is_empty() {
        documents.push(role("ClusterRole", None, &in_cluster, &paths));
        documents.push(binding("ClusterRoleBinding", "ClusterRole", None));
    }
    documents.iter().fold(String::new(), |all, document| all + "---\n" + document)
}

fn metadata(namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) => format!("metadata: {{name: {NAME}, namespace: {namespace}}}\n"),
        None => format!("metadata: {{name: {NAME}}}\n"),
    }
}

fn role(kind: &str, namespace: Option<&str>, rules: &Rules, paths: &BTreeSet<String>) -> String {
    let mut text =
        format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\n{}rules:\n", metadata(namespace));
    let joined = |items: &BTreeSet<String>| items.iter().cloned().collect::<Vec<_>>().join(", ");
    for ((group, resource), verbs) in rules {
        // Writing to a string does not fail.
        let _written = writeln!(
            text,
            "  - {{apiGroups: [\"{group}\"], resources: [{resource}], verbs: [{}]}}",
            joined(verbs)
        );
    }
    if !paths.is_empty() {
        let _written = writeln!(text, "  - {{nonResourceURLs: [{}], verbs: [get]}}", joined(paths));
    }
    text
}

fn binding(kind: &str, role: &str, namespace: Option<&str>) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\n{}\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {role}, name: {NAME}}}\n\
         subjects:\n  - {{apiGroup: rbac.authorization.k8s.io, kind: Group, name: {NAME}}}\n",
        metadata(namespace)
    )
}

fn azure_actions(touches: &[(String, Touch)]) -> BTreeSet<&'static str> {
    let arm = touches.iter().filter(|(_, touch)| touch.call.api == "arm");
    arm.map(|(_, touch)| touch.call.right).filter(|right| !right.is_empty()).collect()
}

fn azure(target: &Target, touches: &[(String, Touch)]) -> String {
    let mut subscriptions: BTreeSet<String> = target.list("obo.subscriptions").into_iter().collect();
    subscriptions.extend(target.given("azure.subscription"));
    subscriptions.extend(target.given("azure.identity_subscription"));
    let mut scopes: Vec<String> = subscriptions.iter().map(|id| format!("/subscriptions/{id}")).collect();
    if scopes.is_empty() {
        scopes.push("/subscriptions/<azure.subscription>".into());
    }
    let pulls = touches.iter().any(|(_, touch)| touch.call.right == "AcrPull");
    let mut actions: Vec<&str> = azure_actions(touches).into_iter().collect();
    if pulls {
        actions.push("Microsoft.ContainerRegistry/registries/pull/read");
    }
    let role = json!({
        "Name": "MazeVault doctor",
        "IsCustom": true,
        "Description": "Reads what mzv-doctor examines; changes nothing and reads no secret.",
        "Actions": actions,
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": scopes,
    });
    format!("{}\n", serde_json::to_string_pretty(&role).unwrap_or_default())
}

fn sql(target: &Target, touches: &[(String, Touch)]) -> String {
    let tables: BTreeSet<String> = touches
        .iter()
        .filter(|(_, touch)| touch.call.api == "sql" && !touch.call.right.is_empty())
        .map(|(_, touch)| target.text(touch.call.right))
        .collect();
    if tables.is_empty() {
        return "-- nothing is asked of a database\n".into();
    }
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let (database, schema, role) =
        (quoted(&target.text("database.name")), quoted(&target.text("database.schema")), quoted(NAME));
    let mut text = format!(
        "-- CREATE ROLE {role} LOGIN; give it a password with \\password\n\
         GRANT CONNECT ON DATABASE {database} TO {role};\nGRANT USAGE ON SCHEMA {schema} TO {role};\n"
    );
    for table in tables {
        let _written = writeln!(text, "GRANT SELECT ON TABLE {schema}.{} TO {role};", quoted(&table));
    }
    text
}

/// Rights that are given by hand.
fn elsewhere(touches: &[(String, Touch)]) -> String {
    let of = |api: &str| -> BTreeSet<&'static str> {
        touches
            .iter()
            .filter(|(_, touch)| touch.call.api == api && !touch.call.right.is_empty())
            .map(|(_, touch)| touch.call.right)
            .collect()
    };
    let mut text = String::new();
    for (api, words) in [
        ("graph", "Microsoft Graph, application permission"),
        ("primary", "the Primary's API, a token of"),
        ("registry", "the registry, role"),
    ] {
        for right in of(api) {
            let _written = writeln!(text, "# {words}: {right}");
        }
    }
    if touches.iter().any(|(_, touch)| touch.call.api == "docker") {
        text.push_str("# Docker: read and write on the engine's socket (the engine knows no less)\n");
    }
    if text.is_empty() { text } else { format!("\n# Elsewhere, by hand\n{text}") }
}

/// Every right with the names that stay open without it.
fn names(table: &RuleTable, touches: &[(String, Touch)]) -> String {
    let mut by_right: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for (_, touch) in touches {
        let right = right(&touch.call);
        if !right.is_empty() && !touch.facts.is_empty() {
            by_right.entry(right).or_default().extend(touch.facts);
        }
    }
    let mut text = String::new();
    for (right, facts) in by_right {
        let open = rules_of(table, &with_derived(&facts));
        if open.is_empty() {
            continue;
        }
        let _written = writeln!(text, "{right}");
        for line in wrapped(&open.into_iter().collect::<Vec<_>>().join(", "), 96) {
            let _written = writeln!(text, "    {line}");
        }
    }
    text
}

/// Facts with all that is computed from them.
fn with_derived(facts: &BTreeSet<&'static str>) -> BTreeSet<&'static str> {
    let mut all = facts.clone();
    loop {
        let more: Vec<&'static str> = vocabulary()
            .iter()
            .filter(|fact| !all.contains(fact.name) && fact.from.iter().any(|from| all.contains(from)))
            .map(|fact| fact.name)
            .collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// Rules that read one of the facts, or look for text in a source that one of them is about.
fn rules_of(table: &RuleTable, facts: &BTreeSet<&'static str>) -> BTreeSet<String> {
    let reads = |rule: &&crate::rule::Rule| {
        let conditions = [&rule.applies, &rule.when].into_iter().flatten();
        let by_fact = conditions.flat_map(|condition| {
            rule.bindings().into_iter().flat_map(|binding| condition.facts(binding)).collect::<Vec<_>>()
        });
        let by_text = rule.sources.iter().filter_map(|source| source.fact_name()).map(str::to_owned);
        let by_text: Vec<String> = if rule.when.is_none() { by_text.collect() } else { Vec::new() };
        by_fact.chain(by_text).any(|name| facts.contains(name.as_str()))
    };
    table.rules.values().filter(reads).map(|rule| rule.id.clone()).collect()
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut();
        match last {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

//! The Kubernetes API, as far as `kubectl get` and `kubectl logs` need it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use super::World;
use super::docker::time_of;
use super::serve::{Asked, Said, Service};

pub(super) struct Kubernetes(pub(super) Arc<World>);

/// A kind that the API serves.
struct Kind {
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    name: &'static str,
    short: &'static [&'static str],
    namespaced: bool,
}

const fn kind(
    group: &'static str,
    plural: &'static str,
    name: &'static str,
    short: &'static [&'static str],
) -> Kind {
    Kind { group, version: "v1", plural, name, short, namespaced: true }
}

const KINDS: &[Kind] = &[
    kind("", "pods", "Pod", &["po"]),
    kind("", "serviceaccounts", "ServiceAccount", &["sa"]),
    kind("", "events", "Event", &["ev"]),
    kind("", "configmaps", "ConfigMap", &["cm"]),
    kind("", "secrets", "Secret", &[]),
    Kind { namespaced: false, ..kind("storage.k8s.io", "csidrivers", "CSIDriver", &[]) },
    kind("external-secrets.io", "externalsecrets", "ExternalSecret", &["es"]),
    Kind { namespaced: false, ..kind("", "namespaces", "Namespace", &["ns"]) },
    kind("apps", "deployments", "Deployment", &["deploy"]),
    kind("apps", "replicasets", "ReplicaSet", &["rs"]),
    kind("secrets-store.csi.x-k8s.io", "secretproviderclasses", "SecretProviderClass", &[]),
    kind("secrets-store.csi.x-k8s.io", "secretproviderclasspodstatuses", "SecretProviderClassPodStatus", &[]),
];

fn status(code: u16, reason: &str, message: &str) -> Said {
    Said::json(
        code,
        &json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        }),
    )
}

impl Service for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn fault(&self) -> Option<&str> {
        self.0.fault("kubernetes")
    }

    fn expects(&self, asked: &Asked) -> bool {
        asked.method == Method::POST && asked.path.ends_with("/token")
    }

    fn answer(&self, asked: &Asked) -> Said {
        if self.0.denies("kubernetes", &asked.path) {
            return status(
                403,
                "Forbidden",
                &format!("User \"operator\" cannot get path \"{}\"", asked.path),
            );
        }
        if asked.bearer.as_deref() != Some(self.0.kubernetes.token.as_str()) {
            return status(401, "Unauthorized", "Unauthorized");
        }
        let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            [".well-known", "openid-configuration"] => Said::json(200, &json!({"issuer": self.issuer()})),
            ["version"] => Said::json(
                200,
                &json!({"major": "1", "minor": "33", "gitVersion": "v1.33.2", "platform": "linux/amd64"}),
            ),
            ["api"] => Said::json(
                200,
                &json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
            ),
            ["apis"] => Said::json(200, &groups()),
            ["api", "v1"] => Said::json(200, &resources("", "v1")),
            ["apis", group, version] if KINDS.iter().any(|kind| kind.group == *group) => {
                Said::json(200, &resources(group, version))
            }
            ["api", "v1", rest @ ..] => self.objects("", rest, asked),
            ["apis", group, "v1", rest @ ..] => self.objects(group, rest, asked),
            _ => status(404, "NotFound", "the server could not find the requested resource"),
        }
    }
}

fn groups() -> Value {
    let mut names: Vec<&str> = KINDS.iter().map(|kind| kind.group).filter(|name| !name.is_empty()).collect();
    names.dedup();
    let group = |name: &&str| {
        let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
        json!({"name": name, "versions": [version], "preferredVersion": version})
    };
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": names.iter().map(group).collect::<Vec<_>>()})
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn resources(group: &str, version: &str) -> Value {
    let of_group = KINDS.iter().filter(|kind| kind.group == group);
    let mut listed: Vec<Value> = of_group
        .map(|kind| {
            json!({
                "name": kind.plural, "singularName": kind.name.to_lowercase(), "namespaced": kind.namespaced,
                "kind": kind.name, "verbs": ["get", "list"], "shortNames": kind.short,
            })
        })
        .collect();
    if group.is_empty() {
        listed.push(json!({"name": "pods/log", "singularName": "", "namespaced": true, "kind": "Pod", "verbs": ["get"]}));
    }
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(group, version), "resources": listed})
}

impl Kubernetes {
    fn objects(&self, group: &str, rest: &[&str], asked: &Asked) -> Said {
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            other => (None, other),
        };
        let [plural, rest @ ..] = rest else { return status(404, "NotFound", "not found") };
        let installed =
            |kind: &&Kind| kind.group != "external-secrets.io" || self.of_kind(kind, None).next().is_some();
        let known = KINDS.iter().find(|kind| kind.group == group && kind.plural == *plural);
        let Some(kind) = known.filter(installed) else {
            return status(404, "NotFound", "the server could not find the requested resource");
        };
        if self.fault() == Some("deny-all") {
            let verb = if rest.is_empty() { "list" } else { "get" };
            return status(
                403,
                "Forbidden",
                &format!(
                    "{plural} is forbidden: User \"operator\" cannot {verb} resource \"{plural}\" in API group \"{group}\" in the namespace \"{}\"",
                    namespace.unwrap_or_default()
                ),
            );
        }
        match rest {
            [] => self.list(kind, namespace, asked),
            [name] => match self.find(kind, namespace, name) {
                Some(object) => Said::json(200, object),
                None => status(404, "NotFound", &format!("{plural} \"{name}\" not found")),
            },
            [name, "token"] if *plural == "serviceaccounts" && asked.method == Method::POST => {
                self.token(name, namespace.unwrap_or_default(), asked)
            }
            [name, "log"] if *plural == "pods" => self.log(name, namespace, asked),
            _ => status(404, "NotFound", "the server could not find the requested resource"),
        }
    }

    /// The issuer of this cluster's tokens.
    fn issuer(&self) -> String {
        self.0.kubernetes.issuer.clone().unwrap_or_else(|| {
            let resources = self.0.azure.resources.values();
            let mut issuers = resources
                .filter_map(|it| it.pointer("/properties/oidcIssuerProfile/issuerUrl"))
                .filter_map(Value::as_str);
            issuers.next().unwrap_or_default().to_owned()
        })
    }

    /// A token as the cluster would sign it, but for the signature.
    fn token(&self, account: &str, namespace: &str, asked: &Asked) -> Said {
        let wanted: Value = serde_json::from_str(&asked.body).unwrap_or(Value::Null);
        let audience = wanted.pointer("/spec/audiences/0").and_then(Value::as_str).unwrap_or_default();
        let claims = json!({
            "iss": self.issuer(),
            "sub": format!("system:serviceaccount:{namespace}:{account}"),
            "aud": audience,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!("{}.{}.bGFi", part(&json!({"alg": "RS256"})), part(&claims));
        Said::json(
            201,
            &json!({"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "status": {"token": token}}),
        )
    }

    fn of_kind<'a>(&'a self, kind: &'a Kind, namespace: Option<&'a str>) -> impl Iterator<Item = &'a Value> {
        let wanted = group_version(kind.group, kind.version);
        self.0.kubernetes.objects.values().filter(move |object| {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
            text("/kind") == Some(kind.name)
                && text("/apiVersion") == Some(wanted.as_str())
                && (namespace.is_none() || !kind.namespaced || text("/metadata/namespace") == namespace)
        })
    }

    fn find<'a>(&'a self, kind: &'a Kind, namespace: Option<&'a str>, name: &str) -> Option<&'a Value> {
        self.of_kind(kind, namespace)
            .find(|object| object.pointer("/metadata/name").and_then(Value::as_str) == Some(name))
    }

    fn list(&self, kind: &Kind, namespace: Option<&str>, asked: &Asked) -> Said {
        let selector = asked.parameter("labelSelector").unwrap_or_default();
        let fields = asked.parameter("fieldSelector").unwrap_or_default();
        let labelled = |object: &&Value| {
            if let Some((name, values)) = selector.split_once(" in (") {
                let label = object.pointer("/metadata/labels").and_then(|labels| labels.get(name));
                return label.and_then(Value::as_str).is_some_and(|it| {
                    values.trim_end_matches(')').split(',').any(|value| value.trim() == it)
                });
            }
            selector.split(',').filter(|part| !part.is_empty()).all(|part| {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                let labels = object.pointer("/metadata/labels");
                labels
                    .and_then(|labels| labels.get(name))
                    .is_some_and(|it| it == value.trim_start_matches('='))
            })
        };
        let chosen = |object: &&Value| {
            fields.split(',').filter(|part| !part.is_empty()).all(|part| {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                let pointer = format!("/{}", name.replace('.', "/"));
                object.pointer(&pointer).is_some_and(|it| it == value.trim_start_matches('='))
            })
        };
        let all: Vec<&Value> = self.of_kind(kind, namespace).filter(labelled).filter(chosen).collect();
        let number = |name: &str| asked.parameter(name).and_then(|text| text.parse::<usize>().ok());
        let from = number("continue").unwrap_or(0);
        let page = number("limit").filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let items: Vec<&&Value> = all.iter().skip(from).take(page).collect();
        let next = from.saturating_add(items.len());
        let more = if next < all.len() { next.to_string() } else { String::new() };
        Said::json(
            200,
            &json!({
                "kind": format!("{}List", kind.name),
                "apiVersion": group_version(kind.group, kind.version),
                "metadata": {"resourceVersion": "1", "continue": more},
                "items": items,
            }),
        )
    }

    fn log(&self, pod: &str, namespace: Option<&str>, asked: &Asked) -> Said {
        let Some(object) = self.find(&KINDS[0], namespace, pod) else {
            return status(404, "NotFound", &format!("pods \"{pod}\" not found"));
        };
        let first = object.pointer("/spec/containers/0/name").and_then(Value::as_str).unwrap_or_default();
        let container = asked.parameter("container").unwrap_or(first);
        let previous = asked.parameter("previous") == Some("true");
        let key = if previous { format!("{pod}/{container}/previous") } else { format!("{pod}/{container}") };
        let Some(text) = self.0.kubernetes.logs.get(&key) else {
            let message = if previous {
                format!("previous terminated container \"{container}\" in pod \"{pod}\" not found")
            } else {
                format!("container \"{container}\" in pod \"{pod}\" is waiting to start: ContainerCreating")
            };
            return status(400, "BadRequest", &message);
        };
        let lines: Vec<&str> = text.lines().collect();
        let tail = asked.parameter("tailLines").and_then(|tail| tail.parse().ok()).unwrap_or(lines.len());
        let timed = asked.parameter("timestamps") == Some("true");
        let shown: Vec<String> = lines
            .iter()
            .skip(lines.len().saturating_sub(tail))
            .map(|line| if timed { format!("{} {line}", time_of(line)) } else { (*line).to_owned() })
            .collect();
        Said::text(200, shown.join("\n") + "\n")
    }
}

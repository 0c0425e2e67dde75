//! The variables of a container: names of all, values of the few that name a mode, an address or a place, and where
//! the others come from. No other value is ever kept.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use super::field;
use crate::fact::{KeyReference, Mount, Observation, Outcome};

/// Variables whose value is kept: none of them is a secret (runbook, sections 1, 4 and 9; gateway manifest of the
/// vendor's setup script).
const KEPT: &[&str] = &[
    "MAZEVAULT_MODE",
    "MAZEVAULT_GATEWAY_ROLE",
    "MAZEVAULT_GATEWAY_ENVIRONMENT",
    "GATEWAY_NAME",
    "PRIMARY_BACKEND_URL",
    "MAZEVAULT_GATEWAY_STATE_FILE",
    "MAZEVAULT_VERSION",
    "RUN_MIGRATIONS",
];

/// Config maps by name: their keys, or none where one could not be read.
pub type Maps = BTreeMap<String, Option<BTreeMap<String, String>>>;

/// What a container's variables are.
#[derive(Default)]
pub struct Variables {
    /// Names that are set, by the container itself or by a config map.
    pub names: Vec<String>,
    /// Values that may be kept, by name.
    pub settings: BTreeMap<String, String>,
    /// Variables that are one key of a secret.
    pub references: Vec<KeyReference>,
    /// Secrets that are taken whole.
    pub secrets: Vec<String>,
    /// What could not be read: `configmap/NAME`, or the variable that needs it.
    pub unread: Vec<String>,
}

/// Volumes that a container mounts.
pub fn mounts(container: &Value) -> Vec<Mount> {
    field::list(container, "/volumeMounts")
        .iter()
        .filter_map(|mount| {
            Some(Mount {
                volume: field::text(mount, "/name")?,
                path: field::text(mount, "/mountPath").unwrap_or_default(),
            })
        })
        .collect()
}

/// A container's variables, with what the config maps put into them.
pub fn of(container: &Value, maps: &Maps) -> Variables {
    let mut found = Variables::default();
    for source in field::list(container, "/envFrom") {
        if let Some(secret) = field::text(source, "/secretRef/name") {
            found.secrets.push(secret);
        }
        let Some(map) = field::text(source, "/configMapRef/name") else { continue };
        match maps.get(&map) {
            Some(Some(keys)) => {
                for (name, value) in keys {
                    found.names.push(name.clone());
                    keep(&mut found.settings, name, value);
                }
            }
            Some(None) | None => found.unread.push(format!("configmap/{map}")),
        }
    }
    // What a container sets itself wins over what it takes whole.
    for variable in field::list(container, "/env") {
        let Some(name) = field::text(variable, "/name") else { continue };
        if !found.names.contains(&name) {
            found.names.push(name.clone());
        }
        found.settings.remove(&name);
        if let Some(value) = field::text(variable, "/value") {
            keep(&mut found.settings, &name, &value);
        } else if let Some(secret) = field::text(variable, "/valueFrom/secretKeyRef/name") {
            found.references.push(KeyReference {
                secret,
                key: field::text(variable, "/valueFrom/secretKeyRef/key").unwrap_or_default(),
                optional: field::flag(variable, "/valueFrom/secretKeyRef/optional"),
                variable: name,
            });
        } else if let Some(map) = field::text(variable, "/valueFrom/configMapKeyRef/name") {
            let key = field::text(variable, "/valueFrom/configMapKeyRef/key").unwrap_or_default();
            match maps.get(&map) {
                Some(Some(keys)) => {
                    if let Some(value) = keys.get(&key) {
                        keep(&mut found.settings, &name, value);
                    }
                }
                Some(None) | None => found.unread.push(name),
            }
        }
    }
    found
}

fn keep(settings: &mut BTreeMap<String, String>, name: &str, value: &str) {
    if !KEPT.contains(&name) {
        return;
    }
    let value = bare_url(value);
    settings.insert(name.to_owned(), value);
}

/// A URL without what may be a secret in it: user, password, and the values of its query. Other text stays as it is.
pub fn bare_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    let has_user = !url.username().is_empty() || url.password().is_some();
    if !url.has_host() || (!has_user && url.query().is_none() && url.fragment().is_none()) {
        return text.to_owned();
    }
    let _nothing_to_take = url.set_username("");
    let _nothing_to_take = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// The config maps of a namespace that a Deployment takes variables from; `ask` answers a path.
pub async fn config_maps<A: Future<Output = Observation<Value>>>(
    namespace: &str,
    deployment: &Value,
    ask: impl Fn(String) -> A,
) -> Maps {
    let mut names = Vec::new();
    for container in field::list(deployment, "/spec/template/spec/containers") {
        let whole =
            field::list(container, "/envFrom").iter().filter_map(|it| field::text(it, "/configMapRef/name"));
        let single = field::list(container, "/env")
            .iter()
            .filter_map(|it| field::text(it, "/valueFrom/configMapKeyRef/name"));
        names.extend(whole.chain(single));
    }
    names.sort();
    names.dedup();
    let asked = names.into_iter().map(|name| {
        let answer = ask(format!("/api/v1/namespaces/{namespace}/configmaps/{name}"));
        async move {
            let answer = answer.await;
            let keys = match answer.outcome {
                Outcome::Known(map) => Some(field::map(&map, "/data")),
                Outcome::Absent => Some(BTreeMap::new()),
                Outcome::Unknown(_) => None,
            };
            (name, keys)
        }
    });
    futures::future::join_all(asked).await.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Maps, of};

    #[test]
    fn only_values_that_are_no_secret_are_kept() {
        let maps = Maps::from([
            ("settings".to_owned(), Some([("GATEWAY_NAME".to_owned(), "from-map".to_owned())].into())),
            ("hidden".to_owned(), None),
        ]);
        let container = json!({
            "envFrom": [{"secretRef": {"name": "all"}}, {"configMapRef": {"name": "settings"}}, {"configMapRef": {"name": "hidden"}}],
            "env": [
                {"name": "MAZEVAULT_MODE", "value": "gateway"},
                {"name": "PRIMARY_BACKEND_URL", "value": "https://user:hunter2@primary.example:8443/"},
                {"name": "MAZEVAULT_JWT_KEY", "value": "hunter2"},
                {"name": "GATEWAY_BOOTSTRAP_TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
            ]
        });
        let found = of(&container, &maps);
        assert_eq!(found.settings["MAZEVAULT_MODE"], "gateway");
        assert_eq!(found.settings["GATEWAY_NAME"], "from-map");
        assert_eq!(found.settings["PRIMARY_BACKEND_URL"], "https://primary.example:8443/");
        assert!(!format!("{:?}", found.settings).contains("hunter2"));
        assert_eq!(found.secrets, ["all"]);
        assert_eq!(found.unread, ["configmap/hidden"]);
        assert_eq!(found.references[0].key, "k");
    }
}

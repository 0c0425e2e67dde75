//! A container registry: token exchange and manifests, in the shapes of the distribution specification.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::World;
use super::serve::{Asked, Said, Service};

pub(super) struct Registry(pub(super) Arc<World>);

/// Tokens that stand for each step.
const REFRESH: &str = "lab-refresh";
const PULL: &str = "lab-pull";

fn error(status: u16, code: &str, message: &str) -> Said {
    Said::json(status, &json!({"errors": [{"code": code, "message": message}]}))
}

impl Service for Registry {
    fn name(&self) -> &'static str {
        "registry"
    }

    fn fault(&self) -> Option<&str> {
        self.0.fault("registry")
    }

    fn expects(&self, asked: &Asked) -> bool {
        asked.method == Method::POST && matches!(asked.path.as_str(), "/oauth2/exchange" | "/oauth2/token")
    }

    fn answer(&self, asked: &Asked) -> Said {
        match asked.path.as_str() {
            "/oauth2/exchange" if self.fault() == Some("deny-all") => error(
                401,
                "UNAUTHORIZED",
                "authentication required, visit https://aka.ms/acr/authorization for more information.",
            ),
            "/oauth2/exchange" => Said::json(200, &json!({"refresh_token": REFRESH})),
            "/oauth2/token" if asked.body.contains(REFRESH) => {
                Said::json(200, &json!({"access_token": PULL}))
            }
            path => match path.strip_prefix("/v2/").and_then(|rest| rest.split_once("/manifests/")) {
                Some((repository, tag)) if asked.bearer.as_deref() == Some(PULL) => {
                    self.manifest(repository, tag)
                }
                _ => error(401, "UNAUTHORIZED", "authentication required"),
            },
        }
    }
}

impl Registry {
    fn manifest(&self, repository: &str, tag: &str) -> Said {
        let tags = &self.0.registry.tags;
        let by_tag = tags.get(&format!("{repository}:{tag}"));
        let found = by_tag.or_else(|| tags.values().find(|one| one.digest == tag));
        let Some(held) = found else {
            let known = tags.keys().any(|name| name.starts_with(&format!("{repository}:")));
            let code = if known { "MANIFEST_UNKNOWN" } else { "NAME_UNKNOWN" };
            return error(404, code, &format!("manifest tagged by \"{tag}\" is not found"));
        };
        let kind = if held.children.is_empty() {
            "application/vnd.oci.image.manifest.v1+json"
        } else {
            "application/vnd.oci.image.index.v1+json"
        };
        let manifests: Vec<Value> = held.children.iter().map(|digest| json!({"digest": digest})).collect();
        let body = if manifests.is_empty() {
            json!({"schemaVersion": 2, "mediaType": kind})
        } else {
            json!({"schemaVersion": 2, "mediaType": kind, "manifests": manifests})
        };
        Said {
            status: 200,
            headers: vec![("content-type", kind.into()), ("docker-content-digest", held.digest.clone())],
            body: body.to_string().into_bytes(),
        }
    }
}

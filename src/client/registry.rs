//! A container registry's data plane: what a tag holds. Tokens are exchanged as a docker client does, and only for
//! pulling (Azure Container Registry, "Authentication overview"; OCI distribution specification 1.1).

use serde_json::Value;
use url::Url;

use super::arm::json;
use super::cause::one_line;
use super::{Answer, Ask, Secret, Tokens, Transport, field};
use crate::fact::{Observation, Origin, Outcome, Reason};

/// Scope of a token that registries take whatever they say about tokens for Resource Manager.
const SCOPE: &str = "https://containerregistry.azure.net/.default";
/// Manifests and indexes of both families.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
                      application/vnd.docker.distribution.manifest.list.v2+json, \
                      application/vnd.oci.image.manifest.v1+json, \
                      application/vnd.docker.distribution.manifest.v2+json";

/// What a tag holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its digest.
    pub digest: String,
    /// Digests of an index's manifests.
    pub children: Vec<String>,
}

/// One registry.
pub struct RegistryClient {
    transport: Transport,
    tokens: Tokens,
    base: Url,
    host: String,
}

impl RegistryClient {
    /// A registry by its login server.
    pub fn new(transport: &Transport, tokens: &Tokens, login_server: &str) -> Option<Self> {
        let base = Url::parse(&format!("https://{login_server}")).ok()?;
        base.host_str()?;
        Some(Self {
            transport: transport.clone(),
            tokens: tokens.clone(),
            base,
            host: login_server.to_owned(),
        })
    }

    /// What a tag of a repository holds. Absent where the registry says that it has no such tag or repository.
    pub async fn tag(&self, tenant: &str, repository: &str, tag: &str) -> Observation<Manifest> {
        let pull = match self.pull_token(tenant, repository).await {
            Ok(pull) => pull,
            Err(unknown) => return unknown,
        };
        let path = format!("/v2/{repository}/manifests/{tag}");
        let ask = match self.base.join(&path) {
            Ok(url) => Ask {
                bearer: Some(pull),
                headers: vec![("Accept", ACCEPT.into())],
                ..Ask::get("registry", url)
            },
            Err(error) => return self.malformed(&path, error.to_string()),
        };
        let Observation { outcome, origin } = self.transport.send(ask).await;
        let outcome = match outcome {
            Outcome::Known(answer) => judge(&answer, repository),
            Outcome::Absent => Outcome::Absent,
            Outcome::Unknown(reason) => Outcome::Unknown(reason),
        };
        Observation { outcome, origin }
    }

    /// Azure token to refresh token to a token for pulling one repository.
    async fn pull_token(&self, tenant: &str, repository: &str) -> Result<Secret, Observation<Manifest>> {
        let unknown = |reason: Reason, origin: Origin| Observation::unknown(reason, origin);
        let azure = self.tokens.bearer(SCOPE).await;
        let azure = match azure.outcome {
            Outcome::Known(token) => token,
            Outcome::Absent => return Err(Observation::absent(azure.origin)),
            Outcome::Unknown(reason) => return Err(unknown(reason, azure.origin)),
        };
        let exchange = [
            ("grant_type", "access_token"),
            ("service", self.host.as_str()),
            ("tenant", tenant),
            ("access_token", azure.expose()),
        ];
        let refresh = self.token("/oauth2/exchange", &exchange, "/refresh_token", repository).await?;
        let scope = format!("repository:{repository}:pull");
        let pull = [
            ("grant_type", "refresh_token"),
            ("service", self.host.as_str()),
            ("scope", scope.as_str()),
            ("refresh_token", refresh.expose()),
        ];
        self.token("/oauth2/token", &pull, "/access_token", repository).await
    }

    async fn token(
        &self,
        path: &str,
        form: &[(&str, &str)],
        member: &str,
        repository: &str,
    ) -> Result<Secret, Observation<Manifest>> {
        let url = match self.base.join(path) {
            Ok(url) => url,
            Err(error) => return Err(self.malformed(path, error.to_string())),
        };
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let ask = Ask {
            method: "POST",
            headers: vec![("Content-Type", "application/x-www-form-urlencoded".into())],
            body: Some(body.into_bytes()),
            ..Ask::get("registry", url)
        };
        let Observation { outcome, origin } = self.transport.send(ask).await;
        let answer = match outcome {
            Outcome::Known(answer) => answer,
            Outcome::Absent => return Err(Observation::absent(origin)),
            Outcome::Unknown(reason) => return Err(Observation::unknown(reason, origin)),
        };
        if matches!(answer.status, 401 | 403) {
            return Err(Observation::unknown(refused(&answer, repository), origin));
        }
        let token = json(&answer).map(|body| field::text(&body, member));
        match token {
            Ok(Some(token)) if answer.status == 200 => Ok(Secret::new(token)),
            Ok(_) => {
                let detail = format!("answered {} without a token", answer.status);
                Err(Observation::unknown(Reason::Malformed { detail }, origin))
            }
            Err(reason) => Err(Observation::unknown(reason, origin)),
        }
    }

    fn malformed(&self, path: &str, detail: String) -> Observation<Manifest> {
        let began = (jiff::Timestamp::now(), std::time::Instant::now());
        let reason = Reason::Malformed { detail };
        let origin =
            self.transport.record("registry", format!("GET {path}"), self.host.clone(), began, Some(&reason));
        Observation::unknown(reason, origin)
    }
}

fn refused(answer: &Answer, repository: &str) -> Reason {
    let body = json(answer).unwrap_or(Value::Null);
    let said = field::text(&body, "/errors/0/message").unwrap_or_default();
    Reason::Denied {
        detail: one_line(&format!("{} {said}", answer.status)),
        permission: Some(format!("AcrPull on the registry of {repository}")),
    }
}

fn judge(answer: &Answer, repository: &str) -> Outcome<Manifest> {
    let body = match json(answer) {
        Ok(body) => body,
        Err(reason) => return Outcome::Unknown(reason),
    };
    let code = field::text(&body, "/errors/0/code").unwrap_or_default();
    match (answer.status, code.as_str()) {
        (200, _) => {
            let Some(digest) = answer.header("docker-content-digest") else {
                return Outcome::Unknown(Reason::Malformed {
                    detail: "a manifest without its digest".into(),
                });
            };
            let children = field::list(&body, "/manifests")
                .iter()
                .filter_map(|manifest| field::text(manifest, "/digest"))
                .collect();
            Outcome::Known(Manifest { digest: digest.to_owned(), children })
        }
        (404, "MANIFEST_UNKNOWN" | "NAME_UNKNOWN" | "TAG_UNKNOWN") => Outcome::Absent,
        (401 | 403, _) => Outcome::Unknown(refused(answer, repository)),
        (status, _) => {
            Outcome::Unknown(Reason::Malformed { detail: one_line(&format!("answered {status} {code}")) })
        }
    }
}

//! Tokens for Azure from `azure_identity`'s credentials, through the transport: its authorities, deadlines,
//! journal and list of allowed calls hold for logins as well. Tokens stay in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret as AzureSecret, TokenCredential};
use azure_core::http::headers::Headers;
use azure_core::http::request::Body;
use azure_core::http::{
    AsyncRawResponse, ClientOptions, HttpClient, Request, RetryOptions, StatusCode,
    Transport as AzureTransport,
};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, AzurePipelinesCredential, AzurePipelinesCredentialOptions,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::cause::one_line;
use super::{Ask, Secret, Transport};
use crate::fact::{Layer, Login, Observation, Outcome, Reason};

/// How to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The first that the surroundings offer.
    Auto,
    /// What `az login` left.
    AzureCli,
    /// A projected service account token.
    WorkloadIdentity,
    /// The machine's own identity.
    ManagedIdentity,
    /// Client id and secret.
    ServicePrincipal,
    /// An Azure Pipelines service connection.
    Pipelines,
}

impl Method {
    /// The method of a setting's word; anything else is [`Method::Auto`].
    pub fn from_name(name: &str) -> Self {
        match name {
            "azure-cli" => Self::AzureCli,
            "workload-identity" => Self::WorkloadIdentity,
            "managed-identity" => Self::ManagedIdentity,
            "service-principal" => Self::ServicePrincipal,
            "pipelines" => Self::Pipelines,
            _ => Self::Auto,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::AzureCli => "azure-cli",
            Self::WorkloadIdentity => "workload-identity",
            Self::ManagedIdentity => "managed-identity",
            Self::ServicePrincipal => "service-principal",
            Self::Pipelines => "pipelines",
        }
    }
}

/// What a login needs.
#[derive(Clone, Debug)]
pub struct LoginOptions {
    /// How.
    pub method: Method,
    /// Entra's login authority.
    pub authority: Url,
    /// Tenant id.
    pub tenant: Option<String>,
    /// Client id.
    pub client_id: Option<String>,
    /// Client secret.
    pub client_secret: Option<Secret>,
    /// Federated token file.
    pub token_file: Option<PathBuf>,
    /// Metadata service, for a managed identity.
    pub imds_endpoint: Url,
    /// Whether the process environment may say more.
    pub environment: bool,
}

/// What is kept of each scope: one token, asked for once.
type Scoped = Arc<OnceCell<Observation<Secret>>>;

/// Tokens of one run; clones share them.
#[derive(Clone)]
pub struct Tokens {
    transport: Transport,
    options: Arc<LoginOptions>,
    method: Method,
    by_scope: Arc<Mutex<BTreeMap<String, Scoped>>>,
}

impl Tokens {
    /// Chooses the method; nothing is asked yet.
    pub fn new(transport: Transport, options: LoginOptions) -> Self {
        let method = match options.method {
            Method::Auto => choose(&options),
            given => given,
        };
        Self { transport, options: Arc::new(options), method, by_scope: Arc::default() }
    }

    /// A token for a scope, asked for once in a run.
    pub async fn bearer(&self, scope: &str) -> Observation<Secret> {
        let cell = Arc::clone(
            self.by_scope.lock().unwrap_or_else(PoisonError::into_inner).entry(scope.to_owned()).or_default(),
        );
        cell.get_or_init(|| self.ask(scope)).await.clone()
    }

    /// Who the token says the caller is.
    pub async fn login(&self, scope: &str) -> Observation<Login> {
        let method = self.method.name().to_owned();
        self.bearer(scope).await.map(|token| {
            let claims = claims(token.expose());
            let claim =
                |name: &str| claims.as_ref().and_then(|claims| claims.get(name)?.as_str()).map(str::to_owned);
            Login {
                method,
                tenant: claim("tid"),
                object_id: claim("oid"),
                client_id: claim("appid").or_else(|| claim("azp")),
            }
        })
    }

    async fn ask(&self, scope: &str) -> Observation<Secret> {
        let began = (Timestamp::now(), Instant::now());
        let wire = Arc::new(Wire {
            transport: self.transport.clone(),
            imds: self.options.imds_endpoint.clone(),
            last: Mutex::default(),
        });
        let outcome = self.token(scope, &wire).await;
        let what = format!("token by {}", self.method.name());
        let against = super::http::place(&self.options.authority);
        let origin = self.transport.record("local", what, against, began, outcome.as_ref().err());
        match outcome {
            Ok(token) => Observation::known(token, origin),
            Err(reason) => Observation::unknown(reason, origin),
        }
    }

    async fn token(&self, scope: &str, wire: &Arc<Wire>) -> Result<Secret, Reason> {
        let began = Instant::now();
        let credential = self.credential(wire)?;
        let within = self.transport.remaining().min(self.transport.limits().request * 2);
        let answer = tokio::time::timeout(within, credential.get_token(&[scope], None)).await;
        let said = wire.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (answer, said) {
            (Ok(Ok(token)), _) if !token.token.secret().is_empty() => {
                Ok(Secret::new(token.token.secret().to_owned()))
            }
            (Ok(Ok(_)), _) => Err(Reason::Malformed { detail: "the answer holds no token".into() }),
            // What the wire saw says more than the credential's wrapping of it.
            (_, Some(reason)) => Err(reason),
            (Ok(Err(error)), None) => Err(Reason::Denied {
                detail: one_line(&format!("{}: {}", self.method.name(), innermost(&error))),
                permission: None,
            }),
            (Err(_), None) => Err(Reason::TimedOut {
                layer: Layer::FirstByte,
                after_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            }),
        }
    }

    fn credential(&self, wire: &Arc<Wire>) -> Result<Arc<dyn TokenCredential>, Reason> {
        let options = &self.options;
        let missing = |setting: &str| Reason::NotConfigured { setting: setting.into() };
        let variable = |name: &str| {
            let usable = options.environment.then(|| std::env::var(name).ok()).flatten();
            usable.filter(|value| !value.is_empty())
        };
        let client = || self.client_options(wire);
        let assertion = || ClientAssertionCredentialOptions { client_options: client() };
        let tenant = || options.tenant.clone().or_else(|| variable("AZURE_TENANT_ID"));
        let client_id = || options.client_id.clone().or_else(|| variable("AZURE_CLIENT_ID"));
        let made: azure_core::Result<Arc<dyn TokenCredential>> = match self.method {
            Method::AzureCli | Method::Auto => AzureCliCredential::new(Some(AzureCliCredentialOptions {
                tenant_id: options.tenant.clone(),
                ..AzureCliCredentialOptions::default()
            }))
            .map(|it| it as _),
            Method::WorkloadIdentity => {
                WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                    credential_options: assertion(),
                    client_id: client_id(),
                    tenant_id: tenant(),
                    token_file_path: options
                        .token_file
                        .clone()
                        .or_else(|| variable("AZURE_FEDERATED_TOKEN_FILE").map(PathBuf::from)),
                }))
                .map(|it| it as _)
            }
            Method::ManagedIdentity => {
                let by_id = options.client_id.clone().map(UserAssignedId::ClientId);
                ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                    user_assigned_id: by_id,
                    client_options: client(),
                }))
                .map(|it| it as _)
            }
            Method::ServicePrincipal => {
                let secret = options
                    .client_secret
                    .clone()
                    .or_else(|| variable("AZURE_CLIENT_SECRET").map(Secret::new))
                    .ok_or_else(|| missing("azure.client_secret_file"))?;
                ClientSecretCredential::new(
                    &tenant().ok_or_else(|| missing("azure.tenant"))?,
                    client_id().ok_or_else(|| missing("azure.client_id"))?,
                    AzureSecret::new(secret.expose().to_owned()),
                    Some(ClientSecretCredentialOptions { client_options: client() }),
                )
                .map(|it| it as _)
            }
            Method::Pipelines => AzurePipelinesCredential::new(
                tenant()
                    .or_else(|| variable("AZURESUBSCRIPTION_TENANT_ID"))
                    .ok_or_else(|| missing("azure.tenant"))?,
                client_id()
                    .or_else(|| variable("AZURESUBSCRIPTION_CLIENT_ID"))
                    .ok_or_else(|| missing("azure.client_id"))?,
                &variable("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID").unwrap_or_default(),
                variable("SYSTEM_ACCESSTOKEN").unwrap_or_default(),
                Some(AzurePipelinesCredentialOptions { credential_options: assertion() }),
            )
            .map(|it| it as _),
        };
        made.map_err(|error| Reason::Denied {
            detail: one_line(&format!("{}: {}", self.method.name(), innermost(&error))),
            permission: None,
        })
    }

    fn client_options(&self, wire: &Arc<Wire>) -> ClientOptions {
        let mut custom = CustomConfiguration::default();
        self.options.authority.as_str().trim_end_matches('/').clone_into(&mut custom.authority_host);
        ClientOptions {
            cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
            transport: Some(AzureTransport::new(Arc::clone(wire) as Arc<dyn HttpClient>)),
            retry: RetryOptions::none(),
            ..ClientOptions::default()
        }
    }
}

/// The first method that the surroundings offer: what a pod or a pipeline was given, else the operator's own login.
fn choose(options: &LoginOptions) -> Method {
    let set = |name: &str| options.environment && std::env::var_os(name).is_some_and(|it| !it.is_empty());
    if options.token_file.is_some() || set("AZURE_FEDERATED_TOKEN_FILE") {
        Method::WorkloadIdentity
    } else if options.client_secret.is_some() || set("AZURE_CLIENT_SECRET") {
        Method::ServicePrincipal
    } else if set("SYSTEM_OIDCREQUESTURI") {
        Method::Pipelines
    } else if set("IDENTITY_ENDPOINT") {
        Method::ManagedIdentity
    } else {
        Method::AzureCli
    }
}

/// The last error of the chain that says something of its own.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(inner) = next {
        if !inner.to_string().is_empty() {
            words = inner.to_string();
        }
        next = inner.source();
    }
    words
}

/// Claims of a JWT, unverified: they are shown, nothing is decided by them.
fn claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

/// The credentials' way to the network.
struct Wire {
    transport: Transport,
    imds: Url,
    /// Why the last exchange gave no token.
    last: Mutex<Option<Reason>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Wire")
    }
}

/// The fixed address of the metadata service in the credential library.
const METADATA_HOST: &str = "169.254.169.254";

#[async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut url = request.url().clone();
        let to_metadata = url.host_str() == Some(METADATA_HOST);
        if to_metadata {
            let mut rewritten = self.imds.clone();
            rewritten.set_path(url.path());
            rewritten.set_query(url.query());
            url = rewritten;
        }
        let body = match request.body() {
            Body::Bytes(bytes) => bytes.to_vec(),
            Body::SeekableStream(_) => Vec::new(),
        };
        let headers = request
            .headers()
            .iter()
            .filter_map(|(name, value)| {
                let known = ["content-type", "accept", "metadata"]
                    .into_iter()
                    .find(|known| name.as_str().eq_ignore_ascii_case(known))?;
                Some((known, value.as_str().to_owned()))
            })
            .collect();
        let post = request.method() == azure_core::http::Method::Post;
        let ask = Ask {
            method: if post { "POST" } else { "GET" },
            headers,
            body: post.then_some(body),
            direct: to_metadata,
            ..Ask::get("login", url)
        };
        let seen = self.transport.send(ask).await;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.outcome {
            Outcome::Known(answer) => {
                if answer.status != 200 {
                    *last = Some(refusal(answer.status, &answer.body));
                }
                Ok(AsyncRawResponse::from_bytes(StatusCode::from(answer.status), Headers::new(), answer.body))
            }
            Outcome::Absent => {
                Err(azure_core::Error::with_message(azure_core::error::ErrorKind::Io, "no answer"))
            }
            Outcome::Unknown(reason) => {
                let words = reason.label();
                *last = Some(reason);
                Err(azure_core::Error::with_message(azure_core::error::ErrorKind::Io, words))
            }
        }
    }
}

/// What Entra or the metadata service said instead of a token, one line.
fn refusal(status: u16, body: &[u8]) -> Reason {
    match serde_json::from_slice::<Value>(body) {
        Ok(body) => {
            let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
            let said =
                if text("error_description").is_empty() { text("error") } else { text("error_description") };
            Reason::Denied { detail: one_line(&format!("{status} {said}")), permission: None }
        }
        Err(_) => Reason::Malformed { detail: format!("the login answered {status}, not with JSON") },
    }
}

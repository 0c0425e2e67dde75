//! The clients of one run, made from the target.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use crate::client::{
    Arm, ClientError, Docker, Entra, Graph, ImdsClient, KubeOptions, Kubernetes, LoginOptions, Method,
    Postgres, Primary, Secret, Tokens, Transport,
};
use crate::fact::{Observation, Origin, Outcome, Reason, Vantage};
use crate::target::{Surroundings, Target, TargetError, discover};

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// A setting cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A client cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Everything that probes may ask.
pub struct Clients {
    /// The settings in force.
    pub target: Target,
    pub(super) transport: Transport,
    pub(super) tokens: Tokens,
    pub(super) arm: Arm,
    pub(super) graph: Graph,
    pub(super) entra: Entra,
    pub(super) imds: ImdsClient,
    pub(super) docker: Docker,
    pub(super) primary: Option<Primary>,
    kubernetes: OnceCell<Observation<Arc<Kubernetes>>>,
    namespace: OnceCell<Observation<()>>,
    definitions: Mutex<BTreeMap<String, Definition>>,
}

/// A role definition, asked for once in a run.
type Definition = Arc<OnceCell<Observation<Value>>>;

/// Whether a namespace is there. Without the right to get it, its service accounts tell: each namespace has one from
/// its beginning.
async fn whether_there(kubernetes: &Kubernetes, name: &str) -> Observation<()> {
    let namespace = kubernetes.get(&format!("/api/v1/namespaces/{name}")).await;
    if !matches!(namespace.outcome, Outcome::Unknown(_)) {
        return namespace.map(|_| ());
    }
    let accounts = kubernetes.list(&format!("/api/v1/namespaces/{name}/serviceaccounts")).await;
    match &accounts.outcome {
        Outcome::Known(accounts) if !accounts.is_empty() => Observation::known((), namespace.origin),
        Outcome::Known(_) | Outcome::Absent | Outcome::Unknown(_) => namespace.map(|_| ()),
    }
}

/// API version of role assignments and definitions.
pub(super) const ROLES_API: &str = "2022-04-01";

fn primary(target: &Target, transport: &Transport) -> Result<Option<Primary>, ClientsError> {
    if target.given("primary.url").is_none() {
        return Ok(None);
    }
    let token = target.secret("primary.token_file")?;
    Ok(Some(Primary::new(transport.clone(), url_of(target, "primary.url")?, token)))
}

fn url_of(target: &Target, name: &str) -> Result<Url, ClientsError> {
    let text = target.text(name);
    Url::parse(&text).map_err(|_| {
        ClientsError::Target(TargetError::Value {
            origin: target.settings().get(name).map_or_else(String::new, |setting| setting.origin.clone()),
            name: name.into(),
            value: text,
            takes: "a URL; azure.cloud custom needs each of azure.endpoints".into(),
        })
    })
}

impl Clients {
    /// Makes the clients. Nothing is asked yet.
    pub fn new(target: Target, vantage: Vantage) -> Result<Self, ClientsError> {
        let allowed = super::touching_of(&target).into_iter().map(|(_, touch)| touch.call).collect();
        let transport = Transport::new(&target.network(), &target.limits(), vantage, allowed)?;
        let authority = url_of(&target, "azure.endpoints.entra")?;
        let imds_endpoint = url_of(&target, "imds.endpoint")?;
        let staged = target.settings().get("azure.login").is_some_and(|setting| setting.origin == "lab");
        let tokens = Tokens::new(
            transport.clone(),
            LoginOptions {
                method: Method::from_name(&target.text("azure.login")),
                authority: authority.clone(),
                tenant: target.given("azure.tenant"),
                client_id: target.given("azure.client_id"),
                client_secret: target.secret("azure.client_secret_file")?,
                token_file: target.path("azure.token_file"),
                imds_endpoint: imds_endpoint.clone(),
                environment: !staged,
            },
        );
        let primary = primary(&target, &transport)?;
        Ok(Self {
            arm: Arm::new(transport.clone(), tokens.clone(), url_of(&target, "azure.endpoints.arm")?),
            graph: Graph::new(transport.clone(), tokens.clone(), url_of(&target, "azure.endpoints.graph")?),
            entra: Entra::new(transport.clone(), authority),
            imds: ImdsClient::new(transport.clone(), imds_endpoint),
            docker: Docker::new(&transport, &target.path("docker.socket").unwrap_or_default()),
            primary,
            kubernetes: OnceCell::new(),
            namespace: OnceCell::new(),
            definitions: Mutex::default(),
            transport,
            tokens,
            target,
        })
    }

    /// Looks for what was not configured, and takes what is found over the defaults.
    pub async fn discover(&mut self) -> Result<(), ClientsError> {
        let connected = self.kubernetes().await;
        let surroundings = Surroundings {
            arm: &self.arm,
            kubernetes: connected.value().map(Arc::as_ref),
            docker: &self.docker,
        };
        let found = discover(&self.target, &surroundings).await;
        self.target.adopt(found);
        self.primary = primary(&self.target, &self.transport)?;
        Ok(())
    }

    /// The transport, for its journal.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// An origin of now, for an observation that no client made.
    pub(super) fn origin(&self, call: String, against: String) -> Origin {
        Origin {
            call,
            against,
            vantage: self.transport.vantage(),
            at: Timestamp::now(),
            took_ms: 0,
            from: Vec::new(),
        }
    }

    /// The cluster's API, connected once for the run.
    pub(super) async fn kubernetes(&self) -> &Observation<Arc<Kubernetes>> {
        self.kubernetes
            .get_or_init(|| async {
                let options = KubeOptions {
                    kubeconfig: self.target.path("kubernetes.kubeconfig"),
                    context: self.target.given("kubernetes.context"),
                };
                Kubernetes::connect(&self.transport, options).await.map(Arc::new)
            })
            .await
    }

    /// Every object of a kind in the gateway's namespace. A list in a namespace that does not exist is empty like any
    /// other: only the namespace tells, and is asked once.
    pub(super) async fn listed(&self, path: &str) -> Observation<Vec<Value>> {
        self.placed(async |kubernetes| kubernetes.list(path).await).await
    }

    /// One object of the gateway's namespace.
    pub(super) async fn object(&self, path: &str) -> Observation<Value> {
        self.placed(async |kubernetes| kubernetes.get(path).await).await
    }

    async fn placed<T>(&self, ask: impl AsyncFnOnce(&Kubernetes) -> Observation<T>) -> Observation<T> {
        let connected = self.kubernetes().await;
        let kubernetes = match &connected.outcome {
            Outcome::Known(kubernetes) => kubernetes,
            Outcome::Absent => return Observation::absent(connected.origin.clone()),
            Outcome::Unknown(reason) => {
                return Observation::unknown(reason.clone(), connected.origin.clone());
            }
        };
        let name = self.target.text("kubernetes.namespace");
        let here = self.namespace.get_or_init(|| whether_there(kubernetes, &name));
        let (seen, here) = futures::join!(ask(kubernetes), here);
        match &here.outcome {
            Outcome::Absent => {
                let reason = Reason::Malformed { detail: format!("there is no namespace {name}") };
                Observation::unknown(reason, here.origin.clone())
            }
            // What was seen in it is there; what was not may only not be seen.
            Outcome::Unknown(reason) if !matches!(seen.outcome, Outcome::Unknown(_)) => {
                Observation::unknown(reason.clone(), here.origin.clone())
            }
            Outcome::Known(()) | Outcome::Unknown(_) => seen,
        }
    }

    /// A role definition.
    pub(super) async fn definition(&self, id: &str) -> Observation<Value> {
        let cell = Arc::clone(
            self.definitions
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(id.to_lowercase())
                .or_default(),
        );
        cell.get_or_init(|| self.arm.get(id, ROLES_API)).await.clone()
    }

    /// The Primary's database: its configured URL, else the Compose project's database container.
    pub(super) async fn database(&self) -> Observation<Postgres> {
        let origin = self.origin("database.url_file".into(), String::new());
        match self.target.secret("database.url_file") {
            Ok(Some(url)) => return Observation::known(Postgres::new(&self.transport, &url), origin),
            Ok(None) => {}
            Err(error) => {
                return Observation::unknown(Reason::Malformed { detail: error.to_string() }, origin);
            }
        }
        let password = match self.target.secret("database.password_file") {
            Ok(Some(password)) => password,
            Ok(None) => {
                return Observation::unknown(
                    Reason::NotConfigured { setting: "database.url_file".into() },
                    origin,
                );
            }
            Err(error) => {
                return Observation::unknown(Reason::Malformed { detail: error.to_string() }, origin);
            }
        };
        let project = self.target.text("primary.compose_project");
        let service = self.target.text("primary.database_service");
        let services = self.docker.containers(&project).await;
        let container = match &services.outcome {
            Outcome::Known(services) => services.iter().find(|it| it.service == service),
            Outcome::Absent => None,
            Outcome::Unknown(reason) => return Observation::unknown(reason.clone(), services.origin.clone()),
        };
        let Some(container) = container else {
            return Observation::unknown(
                Reason::NotConfigured { setting: "database.url_file".into() },
                services.origin.clone(),
            );
        };
        let address = self.docker.address(&container.container).await;
        address.map(|address| {
            let url = dsn(
                &address,
                &self.target.text("database.user"),
                &password,
                &self.target.text("database.name"),
            );
            Postgres::new(&self.transport, &url)
        })
    }

    /// A list of Resource Manager by the first of two API versions, or by the other where a cloud does not have it.
    pub(super) async fn newest(&self, path: &str, apis: [&str; 2]) -> Observation<Vec<Value>> {
        let about_version = |detail: &str| {
            ["NoRegisteredProviderFound", "InvalidApiVersionParameter", "InvalidResourceType"]
                .iter()
                .any(|code| detail.contains(code))
        };
        let newest = self.arm.list(path, apis[0], None).await;
        match newest.reason() {
            Some(Reason::Malformed { detail }) if about_version(detail) => {
                self.arm.list(path, apis[1], None).await
            }
            _ => newest,
        }
    }

    /// The gateway's own database, where its URL is configured.
    pub(super) fn gateway_database(&self) -> Observation<Postgres> {
        let origin = self.origin("database.gateway_url_file".into(), String::new());
        match self.target.secret("database.gateway_url_file") {
            Ok(Some(url)) => Observation::known(Postgres::new(&self.transport, &url), origin),
            Ok(None) => Observation::unknown(
                Reason::NotConfigured { setting: "database.gateway_url_file".into() },
                origin,
            ),
            Err(error) => Observation::unknown(Reason::Malformed { detail: error.to_string() }, origin),
        }
    }
}

/// libpq keywords; the Compose network carries no TLS (`sslmode=disable` in the shipped file).
fn dsn(address: &str, user: &str, password: &Secret, name: &str) -> Secret {
    let quoted = |value: &str| format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"));
    Secret::new(format!(
        "host={} port=5432 user={} password={} dbname={} sslmode=disable",
        quoted(address),
        quoted(user),
        quoted(password.expose()),
        quoted(name),
    ))
}

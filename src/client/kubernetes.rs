//! The Kubernetes API, GET only, with kube's handling of kubeconfig, exec plugins, TLS and authentication.
//! Answers stay JSON: typed structs would drop fields that they do not know.

use std::path::PathBuf;
use std::time::Instant;

use jiff::Timestamp;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;

use super::cause::{failure, one_line, tls_error};
use super::{Secret, Transport};
use crate::fact::{Layer, Observation, Origin, Outcome, Reason};

/// Shortest life of a token that the API server gives, in seconds (TokenRequest API).
const SHORTEST_TOKEN_S: u64 = 600;
/// Objects of one page.
const PAGE: usize = 500;

/// Which cluster.
#[derive(Clone, Debug)]
pub struct KubeOptions {
    /// kubeconfig file; `KUBECONFIG` or `~/.kube/config` where none.
    pub kubeconfig: Option<PathBuf>,
    /// Context; the file's current one where none.
    pub context: Option<String>,
}

/// One cluster's API.
pub struct Kubernetes {
    transport: Transport,
    client: Client,
    server: String,
}

impl Kubernetes {
    /// Reads the kubeconfig and makes a client; a plugin that it names is run. Nothing is asked of the cluster.
    pub async fn connect(transport: &Transport, options: KubeOptions) -> Observation<Self> {
        let began = (Timestamp::now(), Instant::now());
        let outcome = configure(transport, &options).await;
        let against = outcome.as_ref().map_or_else(|_| String::new(), |(_, server)| server.clone());
        let origin =
            transport.record("local", "READ kubeconfig".into(), against, began, outcome.as_ref().err());
        match outcome {
            Ok((client, server)) => {
                Observation::known(Self { transport: transport.clone(), client, server }, origin)
            }
            Err(reason) => Observation::unknown(reason, origin),
        }
    }

    /// The API server's address.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// One object; absent where the API says that it does not exist.
    pub async fn get(&self, path: &str) -> Observation<Value> {
        self.read(path, |text| {
            serde_json::from_str(&text)
                .map_err(|error| Reason::Malformed { detail: one_line(&format!("not JSON: {error}")) })
        })
        .await
    }

    /// Every object of a list.
    pub async fn list(&self, path: &str) -> Observation<Vec<Value>> {
        let mut items = Vec::new();
        let mut next = String::new();
        let mut origin = None;
        for _ in 0..self.transport.limits().pages {
            let join = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{join}limit={PAGE}{next}")).await;
            let body = match page.outcome {
                Outcome::Known(body) => body,
                Outcome::Absent => return Observation::absent(page.origin),
                Outcome::Unknown(reason) => return Observation::unknown(reason, page.origin),
            };
            let Some(found) = body.get("items").and_then(Value::as_array) else {
                let detail = "a list without items".into();
                return Observation::unknown(Reason::Malformed { detail }, page.origin);
            };
            items.extend(found.iter().cloned());
            match body.pointer("/metadata/continue").and_then(Value::as_str).filter(|text| !text.is_empty()) {
                None => return Observation::known(items, page.origin),
                Some(token) => {
                    let token: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
                    next = format!("&continue={token}");
                    origin = Some(page.origin);
                }
            }
        }
        let origin = origin.unwrap_or_else(|| self.origin(path, (Timestamp::now(), Instant::now()), None));
        let detail = format!("more than {} pages", self.transport.limits().pages);
        Observation::unknown(Reason::Malformed { detail }, origin)
    }

    /// The newest lines of a container's log, each after its time.
    pub async fn log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
        tail: u64,
    ) -> Observation<String> {
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&previous={previous}\
             &tailLines={tail}&timestamps=true&limitBytes={}",
            self.transport.limits().body_bytes
        );
        self.read(&path, Ok).await
    }

    /// A short-lived token of a service account for one audience. It leaves a record, and is on the list of allowed
    /// calls only where it was asked for by name.
    pub async fn account_token(&self, namespace: &str, account: &str, audience: &str) -> Observation<Secret> {
        let began = (Timestamp::now(), Instant::now());
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let body = serde_json::json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [audience], "expirationSeconds": SHORTEST_TOKEN_S},
        });
        let request = http::Request::post(&path)
            .header("content-type", "application/json")
            .body(body.to_string().into_bytes());
        let outcome = self.exchange("POST", &path, request, began.1).await.and_then(|text| {
            let token = text
                .and_then(|text| serde_json::from_str::<Value>(&text).ok())
                .and_then(|body| super::field::text(&body, "/status/token"));
            token.map(Secret::new).ok_or_else(|| Reason::Malformed { detail: "no token came back".into() })
        });
        let origin = self.transport.record(
            "kubernetes",
            format!("POST {path}"),
            self.server.clone(),
            began,
            outcome.as_ref().err(),
        );
        match outcome {
            Ok(token) => Observation::known(token, origin),
            Err(reason) => Observation::unknown(reason, origin),
        }
    }

    fn origin(&self, path: &str, began: (Timestamp, Instant), failed: Option<&Reason>) -> Origin {
        let shown = path.split('?').next().unwrap_or(path);
        self.transport.record("kubernetes", format!("GET {shown}"), self.server.clone(), began, failed)
    }

    async fn read<T>(&self, path: &str, parse: impl FnOnce(String) -> Result<T, Reason>) -> Observation<T> {
        let began = (Timestamp::now(), Instant::now());
        let outcome = self.ask(path, began.1).await;
        let outcome = match outcome {
            Ok(Some(text)) => parse(text).map(Some),
            Ok(None) => Ok(None),
            Err(reason) => Err(reason),
        };
        let origin = self.origin(path, began, outcome.as_ref().err());
        match outcome {
            Ok(Some(value)) => Observation::known(value, origin),
            Ok(None) => Observation::absent(origin),
            Err(reason) => Observation::unknown(reason, origin),
        }
    }

    async fn ask(&self, path: &str, began: Instant) -> Result<Option<String>, Reason> {
        self.exchange("GET", path, http::Request::get(path).body(Vec::new()), began).await
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        request: Result<http::Request<Vec<u8>>, http::Error>,
        began: Instant,
    ) -> Result<Option<String>, Reason> {
        let bare = path.split('?').next().unwrap_or(path);
        let allowed = self.transport.allows("kubernetes", method, bare);
        let (true, Ok(request)) = (allowed, request) else {
            return Err(Reason::NotAsked {
                option: format!("{method} {bare} is not on the list of allowed calls"),
            });
        };
        let within = self.transport.limits().request.min(self.transport.remaining());
        match tokio::time::timeout(within, self.client.request_text(request)).await {
            Err(_) => Err(Reason::TimedOut {
                layer: Layer::FirstByte,
                after_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            }),
            Ok(Ok(text)) => Ok(Some(text)),
            Ok(Err(kube::Error::Api(status))) => judge(status.code, &status.reason, &status.message, bare),
            Ok(Err(error)) => {
                let connecting = tls_error(&error).is_some() || error.to_string().contains("Connect");
                Err(failure(&error, connecting))
            }
        }
    }
}

fn judge(code: u16, reason: &str, message: &str, path: &str) -> Result<Option<String>, Reason> {
    let said = one_line(&format!("{code} {reason}: {message}"));
    match (code, reason) {
        (404, "NotFound") => Ok(None),
        (401 | 403, _) => Err(Reason::Denied { permission: permission(path, message), detail: said }),
        (0, _) => Err(Reason::Malformed { detail: format!("no Kubernetes answer to {path}") }),
        _ => Err(Reason::Malformed { detail: said }),
    }
}

/// The right that is missing: as the API names it, else from the path.
fn permission(path: &str, message: &str) -> Option<String> {
    let verb =
        message.split_once("cannot ").map(|(_, rest)| rest.split(' ').next().unwrap_or("get").to_owned());
    let mut parts = path.trim_start_matches('/').split('/').skip_while(|part| *part != "namespaces").skip(1);
    let namespace = parts.next()?;
    let resource = parts.next().unwrap_or("namespaces");
    let name = parts.next();
    let resource = if parts.next() == Some("log") { "pods/log" } else { resource };
    let verb = verb.unwrap_or_else(|| if name.is_some() { "get".into() } else { "list".into() });
    Some(format!("{verb} {resource} in namespace {namespace}"))
}

async fn configure(transport: &Transport, options: &KubeOptions) -> Result<(Client, String), Reason> {
    let missing = || Reason::NotConfigured { setting: "kubernetes.kubeconfig".into() };
    let malformed = |detail: String| Reason::Malformed { detail: one_line(&detail) };
    let file = match &options.kubeconfig {
        Some(path) => Kubeconfig::read_from(path).map_err(|error| malformed(error.to_string()))?,
        None if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() && options.context.is_none() => {
            let config = Config::incluster().map_err(|error| malformed(error.to_string()))?;
            return client(transport, config).await;
        }
        None => Kubeconfig::read().map_err(|_| missing())?,
    };
    let wanted = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(file, &wanted)
        .await
        .map_err(|error| malformed(format!("kubeconfig: {error}")))?;
    client(transport, config).await
}

async fn client(transport: &Transport, mut config: Config) -> Result<(Client, String), Reason> {
    let within = transport.limits().request.min(transport.remaining());
    config.connect_timeout = Some(within);
    config.read_timeout = Some(within);
    config.default_retry = false;
    let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    // A plugin named by the kubeconfig runs while the client is made, and blocks.
    let runtime = tokio::runtime::Handle::current();
    let made = tokio::task::spawn_blocking(move || {
        let _inside = runtime.enter();
        Client::try_from(config)
    });
    match tokio::time::timeout(within, made).await {
        Err(_) => Err(Reason::TimedOut {
            layer: Layer::Connect,
            after_ms: u64::try_from(within.as_millis()).unwrap_or(u64::MAX),
        }),
        Ok(Err(error)) => Err(Reason::Malformed { detail: one_line(&error.to_string()) }),
        Ok(Ok(Err(error))) => Err(Reason::Denied { detail: one_line(&error.to_string()), permission: None }),
        Ok(Ok(Ok(client))) => Ok((client, server)),
    }
}

//! The Kubernetes API, with kube's handling of kubeconfig, exec plugins, TLS and authentication, and this project's
//! own deadlines, retries, size caps and list of allowed calls. Answers stay JSON: typed structs would drop fields
//! that they do not know.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::StreamExt;
use http::StatusCode;
use http_body_util::BodyExt;
use jiff::Timestamp;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::cause::{failure, may_pass, one_line, tls_error};
use super::http::{FIRST_PAUSE, jittered, retry_after};
use super::tail::{Tail, keep_newest};
use super::{Secret, Transport};
use crate::fact::{Layer, Observation, Origin, Outcome, Reason};

/// Shortest life of a token that the API server gives, in seconds (`TokenRequest` API).
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

/// How one try ended.
enum Try {
    Done(u16, String),
    /// It may pass when tried again, after a pause that the server may have named.
    Again(Reason, Option<Duration>),
    Failed(Reason),
}

impl Kubernetes {
    /// Reads the kubeconfig and makes a client; a plugin that it names is run. Nothing is asked of the cluster.
    pub async fn connect(transport: &Transport, options: KubeOptions) -> Observation<Self> {
        let began = (Timestamp::now(), Instant::now());
        let outcome = configure(transport, &options).await;
        let against = outcome.as_ref().map_or_else(|_| String::new(), |(_, server)| server.clone());
        let what = "READ kubeconfig".into();
        let origin = transport.record("local", what, against, began, outcome.as_ref().err());
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
            let object: Value = serde_json::from_str(&text)
                .map_err(|error| Reason::Malformed { detail: one_line(&format!("not JSON: {error}")) })?;
            super::secrets::seen_object(&object);
            self.transport.keep("kubernetes", &format!("GET {path}"), text.len(), || Some(object.clone()));
            Ok(object)
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
        let began = (Timestamp::now(), Instant::now());
        let origin = origin.unwrap_or_else(|| self.origin("GET", path, began, None, None, 0));
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
        (lines, bytes): (u64, usize),
    ) -> Observation<Tail> {
        // A limit of bytes that the API is asked for would leave out the newest.
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&previous={previous}\
             &tailLines={lines}&timestamps=true",
        );
        self.ask("GET", &path, "", Some(bytes), |text| Ok(Tail::of(text, bytes))).await
    }

    /// A short-lived token of a service account for one audience. It leaves a record, and is on the list of allowed
    /// calls only where it was asked for by name.
    pub async fn account_token(&self, namespace: &str, account: &str, audience: &str) -> Observation<Secret> {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let body = serde_json::json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [audience], "expirationSeconds": SHORTEST_TOKEN_S},
        });
        self.ask("POST", &path, &body.to_string(), None, |text| {
            let body: Option<Value> = serde_json::from_str(&text).ok();
            let token = body.and_then(|body| super::field::text(&body, "/status/token"));
            token.map(Secret::new).ok_or_else(|| Reason::Malformed { detail: "no token came back".into() })
        })
        .await
    }

    fn origin(
        &self,
        method: &str,
        path: &str,
        began: (Timestamp, Instant),
        status: Option<u16>,
        failed: Option<&Reason>,
        attempts: u32,
    ) -> Origin {
        let shown = format!("{method} {}", path.split('?').next().unwrap_or(path));
        self.transport.write("kubernetes", shown, self.server.clone(), began, status, failed, attempts, None)
    }

    async fn read<T>(&self, path: &str, parse: impl FnOnce(String) -> Result<T, Reason>) -> Observation<T> {
        self.ask("GET", path, "", None, parse).await
    }

    async fn ask<T>(
        &self,
        method: &str,
        path: &str,
        body: &str,
        newest: Option<usize>,
        parse: impl FnOnce(String) -> Result<T, Reason>,
    ) -> Observation<T> {
        let began = (Timestamp::now(), Instant::now());
        let bare = path.split('?').next().unwrap_or(path);
        if !self.transport.allows("kubernetes", method, bare) {
            let reason = super::http::refused(method, bare);
            let origin = self.origin(method, path, began, None, Some(&reason), 0);
            return Observation::unknown(reason, origin);
        }
        let mut pause = FIRST_PAUSE;
        let mut tries = 0;
        let end = loop {
            if let Some(reason) = self.transport.silent("kubernetes", &self.server) {
                break Err(reason);
            }
            tries += 1;
            match self.once(method, path, body, newest).await {
                Try::Done(status, text) => break Ok((status, text)),
                Try::Failed(reason) => break Err(reason),
                Try::Again(reason, wanted) => {
                    let wait = wanted.unwrap_or(pause).max(pause);
                    if tries >= self.transport.limits().attempts || wait >= self.transport.remaining() {
                        break Err(super::http::with_tries(reason, tries, wanted));
                    }
                    pause *= 2;
                    tokio::time::sleep(jittered(wait)).await;
                }
            }
        };
        let status = end.as_ref().ok().map(|(status, _)| *status);
        let outcome = end.and_then(|(status, text)| match status {
            200..300 => parse(text).map(Some),
            _ => judge(status, &text, bare),
        });
        let origin = self.origin(method, path, began, status, outcome.as_ref().err(), tries);
        match outcome {
            Ok(Some(value)) => Observation::known(value, origin),
            Ok(None) => Observation::absent(origin),
            Err(reason) => Observation::unknown(reason, origin),
        }
    }

    async fn once(&self, method: &str, path: &str, body: &str, newest: Option<usize>) -> Try {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(Body::from(body.as_bytes().to_vec()));
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                return Try::Failed(Reason::Malformed { detail: one_line(&format!("{path}: {error}")) });
            }
        };
        let _slot = self.transport.slot(&self.server).await;
        let within = self.transport.limits().request.min(self.transport.remaining());
        let began = Instant::now();
        let spent = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let response = match tokio::time::timeout(within, self.client.send(request)).await {
            Err(_) => {
                let after_ms = spent();
                let layer = match Url::parse(&self.server) {
                    Ok(url) => self.transport.hung_at(&url).await,
                    Err(_) => Layer::Connect,
                };
                return Try::Failed(Reason::TimedOut { layer, after_ms });
            }
            Ok(Err(error)) => {
                let connecting = tls_error(&error).is_some() || error.to_string().contains("Connect");
                let reason = failure(&error, connecting);
                return if may_pass(&error) { Try::Again(reason, None) } else { Try::Failed(reason) };
            }
            Ok(Ok(response)) => response,
        };
        let status = response.status();
        let named = retry_after(response.headers());
        let left = within.saturating_sub(began.elapsed());
        let text = match tokio::time::timeout(left, self.collect(response.into_body(), newest)).await {
            Err(_) => return Try::Failed(Reason::TimedOut { layer: Layer::Body, after_ms: spent() }),
            Ok(Err(reason)) => return Try::Failed(reason),
            Ok(Ok(text)) => text,
        };
        if status == StatusCode::TOO_MANY_REQUESTS || matches!(status.as_u16(), 500 | 502 | 503 | 504) {
            let detail = one_line(&format!("answered {status} {}", message(&text)));
            return Try::Again(Reason::Unreachable { layer: Layer::FirstByte, detail }, named);
        }
        Try::Done(status.as_u16(), text)
    }

    /// A body within its cap, or of a log a little more than the newest bytes.
    async fn collect(&self, body: Body, newest: Option<usize>) -> Result<String, Reason> {
        let most = self.transport.limits().body_bytes;
        let mut bytes = Vec::new();
        let mut stream = body.into_data_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| match failure(&error, false) {
                Reason::Unreachable { detail, .. } => Reason::Unreachable { layer: Layer::Body, detail },
                other => other,
            })?;
            if let Some(newest) = newest {
                keep_newest(&mut bytes, &chunk, newest);
                continue;
            }
            if bytes.len() + chunk.len() > most {
                return Err(Reason::Malformed { detail: format!("the body is larger than {most} bytes") });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The message of the API's `Status`.
fn message(text: &str) -> String {
    let status: Option<Value> = serde_json::from_str(text).ok();
    status.and_then(|status| super::field::text(&status, "/message")).unwrap_or_default()
}

fn judge<T>(code: u16, text: &str, path: &str) -> Result<Option<T>, Reason> {
    let status: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let member = |name: &str| super::field::text(&status, name).unwrap_or_default();
    let (reason, message) = (member("/reason"), member("/message"));
    let is_status = member("/kind") == "Status";
    let said = one_line(&format!("{code} {reason}: {message}"));
    match code {
        404 if is_status && reason == "NotFound" => Ok(None),
        401 | 403 if is_status => {
            Err(Reason::Denied { permission: permission(path, &message), detail: said })
        }
        _ if is_status => Err(Reason::Malformed { detail: said }),
        _ => Err(Reason::Malformed { detail: format!("answered {code}, and not as a Kubernetes API does") }),
    }
}

/// The right that is missing: as the API names it, else from the path.
fn permission(path: &str, message: &str) -> Option<String> {
    let verb =
        message.split_once("cannot ").map(|(_, rest)| rest.split(' ').next().unwrap_or("get").to_owned());
    if !path.contains("/namespaces/") {
        return Some(format!("{} {path}", verb.unwrap_or_else(|| "get".into())));
    }
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
        // A file that is there and cannot be read is no missing setting.
        None => Kubeconfig::read().map_err(|error| match error {
            KubeconfigError::FindPath => missing(),
            KubeconfigError::ReadConfig(cause, _) if cause.kind() == std::io::ErrorKind::NotFound => {
                missing()
            }
            other => malformed(format!("kubeconfig: {other}")),
        })?,
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
    // Of its own it would end a connection that nothing is read from, in the middle of a request that was just sent:
    // every request has its deadline here.
    config.read_timeout = None;
    config.default_retry = false;
    for secret in [&config.auth_info.token, &config.auth_info.password].into_iter().flatten() {
        super::secrets::seen(secret.expose_secret());
    }
    if !transport.network().use_proxy {
        config.proxy_url = None;
    }
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

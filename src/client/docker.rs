//! The Docker Engine API: listing, inspecting and logs. Of a container's configuration nothing is kept that
//! could hold a secret.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bollard::API_DEFAULT_VERSION;
use bollard::errors::Error;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{ListContainersOptions, LogsOptions};
use futures::TryStreamExt;
use jiff::Timestamp;

use super::Transport;
use super::cause::{failure, one_line};
use crate::fact::{ComposeService, Layer, Observation, Reason};

const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// One Docker Engine.
pub struct Docker {
    transport: Transport,
    socket: PathBuf,
}

impl Docker {
    /// The engine behind a socket file.
    pub fn new(transport: &Transport, socket: &Path) -> Self {
        Self { transport: transport.clone(), socket: socket.to_owned() }
    }

    /// Services of a Compose project, stopped ones included.
    pub async fn containers(&self, project: &str) -> Observation<Vec<ComposeService>> {
        let label = format!("{PROJECT}={project}");
        self.observe("GET /containers/json", async |engine| {
            let options = ListContainersOptions {
                all: true,
                filters: Some(HashMap::from([("label".to_owned(), vec![label])])),
                ..ListContainersOptions::default()
            };
            let mut services = Vec::new();
            for listed in engine.list_containers(Some(options)).await? {
                let Some(id) = listed.id else { continue };
                services.push(describe(engine.inspect_container(&id, None).await?));
            }
            services.sort_by(|one: &ComposeService, other| one.container.cmp(&other.container));
            Ok(services)
        })
        .await
    }

    /// The newest lines of a container's log, each after its time.
    pub async fn log(&self, container: &str, tail: u64) -> Observation<String> {
        let limit = self.transport.limits().body_bytes;
        let name = container.to_owned();
        self.observe("GET /containers/{name}/logs", async |engine| {
            let options = LogsOptions {
                stdout: true,
                stderr: true,
                timestamps: true,
                tail: tail.to_string(),
                ..LogsOptions::default()
            };
            let mut frames = std::pin::pin!(engine.logs(&name, Some(options)));
            let mut text = Vec::new();
            while let Some(frame) = frames.try_next().await? {
                let bytes = frame.into_bytes();
                if text.len() + bytes.len() > limit {
                    break;
                }
                text.extend_from_slice(&bytes);
            }
            Ok(String::from_utf8_lossy(&text).into_owned())
        })
        .await
    }

    /// A container's address on its network.
    pub async fn address(&self, container: &str) -> Observation<String> {
        let name = container.to_owned();
        let found = self
            .observe("GET /containers/{name}/json", async |engine| {
                let networks = engine
                    .inspect_container(&name, None)
                    .await?
                    .network_settings
                    .and_then(|settings| settings.networks)
                    .unwrap_or_default();
                let mut addresses: Vec<String> = networks
                    .into_values()
                    .filter_map(|network| network.ip_address)
                    .filter(|address| !address.is_empty())
                    .collect();
                addresses.sort();
                Ok(addresses.into_iter().next().unwrap_or_default())
            })
            .await;
        if found.value().is_some_and(String::is_empty) {
            let detail = format!("container {container} has no address");
            return Observation::unknown(Reason::Malformed { detail }, found.origin);
        }
        found
    }

    async fn observe<T>(
        &self,
        what: &str,
        ask: impl AsyncFnOnce(bollard::Docker) -> Result<T, Error>,
    ) -> Observation<T> {
        let began = (Timestamp::now(), Instant::now());
        let within = self.transport.limits().request.min(self.transport.remaining());
        let socket = self.socket.display().to_string();
        let seconds = within.as_secs().max(1);
        let outcome = match bollard::Docker::connect_with_unix(&socket, seconds, API_DEFAULT_VERSION) {
            Err(error) => Err(reason(&error)),
            Ok(engine) => match tokio::time::timeout(within, ask(engine)).await {
                Err(_) => Err(Reason::TimedOut {
                    layer: Layer::FirstByte,
                    after_ms: u64::try_from(within.as_millis()).unwrap_or(u64::MAX),
                }),
                Ok(answer) => answer.map_err(|error| reason(&error)),
            },
        };
        let origin = self.transport.record(what.to_owned(), socket, began, outcome.as_ref().err());
        match outcome {
            Ok(value) => Observation::known(value, origin),
            Err(reason) => Observation::unknown(reason, origin),
        }
    }
}

fn reason(error: &Error) -> Reason {
    match error {
        Error::SocketNotFoundError(path) => {
            Reason::Unreachable { layer: Layer::Connect, detail: format!("there is no socket {path}") }
        }
        Error::DockerResponseServerError { status_code: 403, message } => {
            Reason::Denied { detail: one_line(message), permission: None }
        }
        Error::DockerResponseServerError { status_code, message } => {
            Reason::Malformed { detail: one_line(&format!("{status_code} {message}")) }
        }
        Error::RequestTimeoutError => Reason::TimedOut { layer: Layer::FirstByte, after_ms: 0 },
        other => match failure(other, true) {
            Reason::Unreachable { detail, .. } if detail.contains("ermission denied") => {
                Reason::Denied { detail, permission: Some("read and write on the Docker socket".into()) }
            }
            reason => reason,
        },
    }
}

fn describe(container: ContainerInspectResponse) -> ComposeService {
    let (labels, image) = container.config.map_or_else(Default::default, |config| {
        (config.labels.unwrap_or_default(), config.image.unwrap_or_default())
    });
    let state = container.state.unwrap_or_default();
    let status = state.status.map(|status| status.to_string()).unwrap_or_default();
    let restarts_never = container
        .host_config
        .and_then(|host| host.restart_policy)
        .and_then(|policy| policy.name)
        .is_none_or(|name| matches!(name.to_string().as_str(), "no" | ""));
    ComposeService {
        service: labels.get(SERVICE).cloned().unwrap_or_default(),
        container: container.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        image,
        exit_code: (status == "exited").then_some(state.exit_code).flatten(),
        state: status,
        health: state
            .health
            .and_then(|health| health.status)
            .map(|status| status.to_string())
            .filter(|status| !status.is_empty() && status != "none"),
        one_shot: restarts_never || labels.get(ONE_OFF).is_some_and(|value| value == "True"),
    }
}

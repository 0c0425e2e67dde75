//! The Docker Engine API: listing, inspecting and logs. Of a container's configuration nothing is kept that
//! could hold a secret.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bollard::API_DEFAULT_VERSION;
use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, HostConfig, RestartPolicyNameEnum};
use bollard::query_parameters::{ListContainersOptions, LogsOptions};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::Transport;
use super::cause::{failure, one_line};
use super::tail::{Tail, keep_newest};
use crate::fact::{ComposeService, Layer, Observation, Reason};

const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
/// `SERVICE:CONDITION:RESTART`, separated by commas (Compose's own label).
const DEPENDS_ON: &str = "com.docker.compose.depends_on";
/// Services that never end by themselves (the vendor's Compose file).
const SERVERS: &[&str] = &["backend", "frontend", "ocsp", "docs", "postgres", "redis"];
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// Containers that are looked into at the same time.
const AT_ONCE: usize = 16;

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
            // A container of `docker compose run` is no service of the project.
            let is_one_off =
                |labels: &HashMap<String, String>| labels.get(ONE_OFF).is_some_and(|it| it == "True");
            let listed = engine.list_containers(Some(options)).await?;
            let ids = listed
                .into_iter()
                .filter(|one| !one.labels.as_ref().is_some_and(is_one_off))
                .filter_map(|one| one.id);
            let asked = ids.map(async |id| {
                let inspected = engine.inspect_container(&id, None).await?;
                // An image that was removed under its running container has no digests to tell.
                let digests = match &inspected.image {
                    Some(image) => engine
                        .inspect_image(image)
                        .await
                        .ok()
                        .and_then(|image| image.repo_digests)
                        .unwrap_or_default(),
                    None => Vec::new(),
                };
                Ok::<_, Error>(describe(inspected, digests))
            });
            let mut services: Vec<ComposeService> =
                futures::stream::iter(asked).buffer_unordered(AT_ONCE).try_collect().await?;
            // A service that others wait for until it has ended is a job.
            let jobs: Vec<String> =
                services.iter().flat_map(|one: &ComposeService| one.waits_for.clone()).collect();
            for one in &mut services {
                one.one_shot |= jobs.contains(&one.service);
            }
            services.sort_by(|one: &ComposeService, other| one.container.cmp(&other.container));
            Ok(services)
        })
        .await
    }

    /// Every container that Compose made, whatever its project.
    pub async fn composed(&self) -> Observation<Vec<ComposeContainer>> {
        self.observe("GET /containers/json", async |engine| {
            let options = ListContainersOptions {
                all: true,
                filters: Some(HashMap::from([("label".to_owned(), vec![PROJECT.to_owned()])])),
                ..ListContainersOptions::default()
            };
            let listed = engine.list_containers(Some(options)).await?;
            Ok(listed
                .into_iter()
                .map(|one| {
                    let labels = one.labels.unwrap_or_default();
                    ComposeContainer {
                        project: labels.get(PROJECT).cloned().unwrap_or_default(),
                        service: labels.get(SERVICE).cloned().unwrap_or_default(),
                        image: one.image.unwrap_or_default(),
                    }
                })
                .collect())
        })
        .await
    }

    /// The newest lines of a container's log, each after its time.
    pub async fn log(&self, container: &str, (lines, bytes): (u64, usize)) -> Observation<Tail> {
        let name = container.to_owned();
        self.observe("GET /containers/{name}/logs", async |engine| {
            let options = LogsOptions {
                stdout: true,
                stderr: true,
                timestamps: true,
                tail: lines.to_string(),
                ..LogsOptions::default()
            };
            let mut frames = std::pin::pin!(engine.logs(&name, Some(options)));
            let mut text = Vec::new();
            while let Some(frame) = frames.try_next().await? {
                keep_newest(&mut text, &frame.into_bytes(), bytes);
            }
            Ok(Tail::of(String::from_utf8_lossy(&text).into_owned(), bytes))
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
        let _slot = self.transport.slot(&socket).await;
        let connected = bollard::Docker::connect_with_unix(&socket, seconds, API_DEFAULT_VERSION);
        let outcome = match (self.transport.silent("docker", &socket), connected) {
            (Some(silent), _) => Err(silent),
            (None, Err(error)) => Err(reason(&error)),
            (None, Ok(engine)) => match tokio::time::timeout(within, ask(engine)).await {
                Err(_) => Err(Reason::TimedOut {
                    layer: Layer::FirstByte,
                    after_ms: u64::try_from(within.as_millis()).unwrap_or(u64::MAX),
                }),
                Ok(answer) => answer.map_err(|error| reason(&error)),
            },
        };
        let origin = self.transport.record("docker", what.to_owned(), socket, began, outcome.as_ref().err());
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

fn describe(container: ContainerInspectResponse, repo_digests: Vec<String>) -> ComposeService {
    let host = container.host_config.unwrap_or_default();
    let has_check = container.config.as_ref().is_some_and(|config| {
        config
            .healthcheck
            .as_ref()
            .and_then(|check| check.test.as_ref())
            .is_some_and(|test| test.first().is_some_and(|first| first != "NONE"))
    });
    let (labels, image, placeholders) = container.config.map_or_else(Default::default, |config| {
        for (name, value) in config.env.iter().flatten().filter_map(|variable| variable.split_once('=')) {
            super::secrets::seen_variable(name, value);
        }
        (
            config.labels.unwrap_or_default(),
            config.image.unwrap_or_default(),
            placeholders(&config.env.unwrap_or_default()),
        )
    });
    let state = container.state.unwrap_or_default();
    let status = state.status.map(|status| status.to_string()).unwrap_or_default();
    let mut ports: Vec<String> = container
        .network_settings
        .and_then(|settings| settings.ports)
        .into_iter()
        .flatten()
        .flat_map(|(inside, bindings)| {
            let inside = inside.split('/').next().unwrap_or_default().to_owned();
            bindings
                .into_iter()
                .flatten()
                .filter_map(move |binding| Some(format!("{}:{inside}", binding.host_port?)))
        })
        .collect();
    ports.sort();
    ports.dedup();
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
        restarts: container.restart_count.unwrap_or(0),
        oom_killed: state.oom_killed.unwrap_or(false),
        ports,
        repo_digests,
        placeholders,
        one_shot: state.exit_code == Some(0) && ends_by_itself(&labels, &host, has_check),
        waits_for: labels.get(DEPENDS_ON).map(|text| awaited(text)).unwrap_or_default(),
        depends_on: labels.get(DEPENDS_ON).map(|text| needed(text)).unwrap_or_default(),
    }
}

/// Whether a container that ended with 0 was made to end: nothing restarts it then, nobody reaches it from outside,
/// and nothing asks for its health. A server that was stopped differs in one of these.
fn ends_by_itself(labels: &HashMap<String, String>, host: &HostConfig, has_check: bool) -> bool {
    let policy =
        host.restart_policy.as_ref().and_then(|policy| policy.name).unwrap_or(RestartPolicyNameEnum::EMPTY);
    let ends = matches!(
        policy,
        RestartPolicyNameEnum::EMPTY | RestartPolicyNameEnum::NO | RestartPolicyNameEnum::ON_FAILURE
    );
    let published = host.port_bindings.as_ref().is_some_and(|ports| !ports.is_empty());
    let server = labels.get(SERVICE).is_none_or(|name| SERVERS.contains(&name.as_str()));
    ends && !published && !has_check && !server
}

/// Services whose end a service waits for.
fn awaited(depends_on: &str) -> Vec<String> {
    depends_on
        .split(',')
        .filter_map(|one| one.split_once(':'))
        .filter(|(_, condition)| condition.starts_with("service_completed_successfully"))
        .map(|(service, _)| service.to_owned())
        .collect()
}

/// Services that a service depends on, in whatever way.
fn needed(depends_on: &str) -> Vec<String> {
    depends_on
        .split(',')
        .filter_map(|one| one.split(':').next())
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A container that Compose made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComposeContainer {
    /// Project.
    pub project: String,
    /// Service.
    pub service: String,
    /// Image reference.
    pub image: String,
}

/// Values that the shipped settings hold until somebody replaces them (`.env.example` and the installer of the
/// releases repository).
const PLACEHOLDERS: &[&str] = &[
    "__POSTGRES_PASSWORD__",
    "__REDIS_PASSWORD__",
    "__JWT_SECRET__",
    "__MASTER_KEY__",
    "__SESSION_SECRET__",
];

/// Names of variables that hold such a value, or hold it inside a URL. The values themselves end here.
fn placeholders(variables: &[String]) -> Vec<String> {
    let mut names: Vec<String> = variables
        .iter()
        .filter_map(|variable| variable.split_once('='))
        .filter(|(_, value)| PLACEHOLDERS.iter().any(|placeholder| value.contains(placeholder)))
        .map(|(name, _)| name.to_owned())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::placeholders;

    #[test]
    fn only_the_names_of_placeholders_stay() {
        let variables = [
            "MAZEVAULT_MASTER_KEY=__MASTER_KEY__",
            "DATABASE_URL=postgres://mazevault:__POSTGRES_PASSWORD__@postgres/mazevault",
            "MAZEVAULT_JWT_KEY=real",
        ]
        .map(str::to_owned);
        assert_eq!(placeholders(&variables), ["DATABASE_URL", "MAZEVAULT_MASTER_KEY"]);
    }
}

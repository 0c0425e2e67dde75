//! The Docker Engine API on a socket of its own.

use std::sync::Arc;

use serde_json::{Value, json};

use super::World;
use super::serve::{Asked, Said, Service};
use super::world::Container;

pub(super) struct Docker(pub(super) Arc<World>);

impl Service for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn fault(&self) -> Option<&str> {
        self.0.fault("docker")
    }

    fn answer(&self, asked: &Asked) -> Said {
        let mut parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        if parts.first().is_some_and(|part| part.starts_with("v1.")) {
            parts.remove(0);
        }
        match parts.as_slice() {
            ["_ping"] => Said::text(200, "OK".into()),
            ["version"] => Said::json(
                200,
                &json!({"Version": "28.2.2", "ApiVersion": "1.50", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64"}),
            ),
            ["containers", "json"] => self.list(asked),
            ["containers", name, "json"] => match self.find(name) {
                Some((name, one)) => Said::json(200, &self.inspect(name, one)),
                None => Said::json(404, &json!({"message": format!("No such container: {name}")})),
            },
            ["containers", name, "logs"] => match self.find(name) {
                Some((name, _)) => self.logs(name, asked),
                None => Said::json(404, &json!({"message": format!("No such container: {name}")})),
            },
            ["images", id, "json"] => {
                let containers = &self.0.docker.containers;
                match containers.iter().find(|(name, _)| image_of(name) == *id) {
                    Some((_, one)) => Said::json(200, &json!({"Id": id, "RepoDigests": one.digests})),
                    None => Said::json(404, &json!({"message": format!("No such image: {id}")})),
                }
            }
            _ => Said::json(404, &json!({"message": "page not found"})),
        }
    }
}

/// An image's id, made from the container that runs it.
fn image_of(name: &str) -> String {
    format!("sha256:{}", id_of(name))
}

/// An id as the engine writes it: 64 hexadecimal digits.
fn id_of(name: &str) -> String {
    let digits: Vec<String> = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut id = digits.concat();
    while id.len() < 64 {
        id.push('0');
    }
    id.truncate(64);
    id
}

impl Docker {
    fn find(&self, name: &str) -> Option<(&str, &Container)> {
        let containers = self.0.docker.containers.iter();
        containers
            .map(|(known, one)| (known.as_str(), one))
            .find(|(known, _)| *known == name || id_of(known) == name)
    }

    fn labels(&self, one: &Container) -> Value {
        json!({
            "com.docker.compose.project": self.0.docker.project,
            "com.docker.compose.service": one.service,
            "com.docker.compose.oneoff": "False",
            "com.docker.compose.depends_on": one.depends_on,
        })
    }

    fn list(&self, asked: &Asked) -> Said {
        let filters: Value = asked
            .parameter("filters")
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or(Value::Null);
        let wanted: Vec<String> = filters
            .get("label")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let all = matches!(asked.parameter("all"), Some("true" | "1"));
        let value: Vec<Value> = self
            .0
            .docker
            .containers
            .iter()
            .filter(|(_, one)| all || one.state == "running")
            .filter(|(_, one)| {
                let labels = self.labels(one);
                wanted.iter().all(|label| {
                    label.split_once('=').is_none_or(|(name, value)| labels.get(name).is_some_and(|it| it == value))
                })
            })
            .map(|(name, one)| {
                json!({
                    "Id": id_of(name), "Names": [format!("/{name}")], "Image": one.image, "ImageID": image_of(name),
                    "Command": "", "Created": 0, "Labels": self.labels(one), "State": one.state, "Status": one.state,
                })
            })
            .collect();
        Said::json(200, &Value::Array(value))
    }

    fn inspect(&self, name: &str, one: &Container) -> Value {
        let health =
            one.health.as_ref().map(|status| json!({"Status": status, "FailingStreak": 0, "Log": []}));
        let mut env = vec!["POSTGRES_PASSWORD=lab-canary-never-shown".to_owned()];
        env.extend(one.env.iter().cloned());
        let ports: serde_json::Map<String, Value> = one
            .ports
            .iter()
            .filter_map(|port| port.split_once(':'))
            .map(|(outside, inside)| {
                (format!("{inside}/tcp"), json!([{"HostIp": "0.0.0.0", "HostPort": outside}]))
            })
            .collect();
        json!({
            "Id": id_of(name),
            "Name": format!("/{name}"),
            "Image": image_of(name),
            "RestartCount": one.restarts,
            "State": {
                "Status": one.state, "Running": one.state == "running", "ExitCode": one.exit_code,
                "OOMKilled": one.oom_killed, "Health": health,
            },
            "Config": {
                "Image": one.image, "Labels": self.labels(one),
                "Env": env,
            },
            "HostConfig": {"RestartPolicy": {"Name": one.restart, "MaximumRetryCount": 0}},
            "NetworkSettings": {
                "Networks": {"mazevault_internal": {"IPAddress": "127.0.0.1"}},
                "Ports": ports,
            },
        })
    }

    /// Frames of the engine's stream: kind, three zeros, length, bytes.
    fn logs(&self, name: &str, asked: &Asked) -> Said {
        let text = self.0.docker.logs.get(name).cloned().unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = asked.parameter("tail").and_then(|tail| tail.parse().ok()).unwrap_or(lines.len());
        let timed = matches!(asked.parameter("timestamps"), Some("true" | "1"));
        let mut body = Vec::new();
        for line in lines.iter().skip(lines.len().saturating_sub(tail)) {
            let line = if timed { format!("{} {line}\n", time_of(line)) } else { format!("{line}\n") };
            body.extend_from_slice(&[1, 0, 0, 0]);
            body.extend_from_slice(&u32::try_from(line.len()).unwrap_or(0).to_be_bytes());
            body.extend_from_slice(line.as_bytes());
        }
        Said {
            status: 200,
            headers: vec![("content-type", "application/vnd.docker.multiplexed-stream".into())],
            body,
        }
    }
}

/// The time that a line carries, as a runtime would have stamped it.
pub(super) fn time_of(line: &str) -> String {
    serde_json::from_str::<Value>(line)
        .ok()
        .and_then(|entry| entry.get("time")?.as_str().map(str::to_owned))
        .unwrap_or_else(|| jiff::Timestamp::now().to_string())
}

//! The Primary as it is seen from here: its name, certificate, health and Compose services.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use super::{Clients, Probe, Seen, Touch, not_configured, touching};
use crate::client::{Answer, Primary, Transport, calls, field, lookup, peer};
use crate::fact::{
    Health, Layer, Licence, Observation, Outcome, PRIMARY_CERTIFICATE, PRIMARY_HEALTH, PRIMARY_LICENCE,
    PRIMARY_NAME, PRIMARY_PROJECTS, PRIMARY_REACH, PRIMARY_SAMPLES, PRIMARY_SERVICES, Reach, Reason, Samples,
    Snapshot,
};
use crate::target::Target;

/// Times that the health endpoint is asked where the first answer is not good.
const SAMPLES: u32 = 4;
/// Time between two of them.
const BETWEEN: Duration = Duration::from_secs(1);

pub(super) struct PrimaryProbe;

#[async_trait]
impl Probe for PrimaryProbe {
    fn name(&self) -> &'static str {
        "primary"
    }

    fn provides(&self) -> &'static [&'static str] {
        &[
            "primary.name",
            "primary.certificate",
            "primary.health",
            "primary.reach",
            "primary.samples",
            "primary.licence",
            "primary.services",
            "primary.projects",
        ]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        let mut touches = touching(&[calls::DNS], &["primary.name"]);
        touches.extend(touching(&[calls::TLS], &["primary.certificate"]));
        touches.extend(touching(
            &[calls::HEALTH, calls::HEALTH_PART],
            &["primary.health", "primary.reach", "primary.samples"],
        ));
        touches.extend(touching(&[calls::HEALTH_SYSTEM], &["primary.licence"]));
        touches.extend(touching(
            &[calls::CONTAINERS, calls::CONTAINER, calls::IMAGE],
            &["primary.services", "primary.projects"],
        ));
        touches
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let project = clients.target.text("primary.compose_project");
        let backend = clients.target.text("primary.backend_service");
        let (services, composed, licence, ()) = futures::join!(
            clients.docker.containers(&project),
            clients.docker.composed(),
            licence(clients),
            observe_api(clients, &mut seen)
        );
        seen.put(&PRIMARY_LICENCE, licence);
        seen.put(
            &PRIMARY_PROJECTS,
            composed.map(|all| {
                let mut projects: Vec<String> =
                    all.into_iter().filter(|it| it.service == backend).map(|it| it.project).collect();
                projects.sort();
                projects.dedup();
                projects
            }),
        );
        // An empty project is a project of another name, or another host: nothing was looked at.
        let services = match &services.outcome {
            Outcome::Known(found) if found.is_empty() => {
                let detail =
                    format!("no container is of Compose project {project}: see primary.compose_project");
                Observation::unknown(Reason::Malformed { detail }, services.origin)
            }
            Outcome::Known(_) | Outcome::Absent | Outcome::Unknown(_) => services,
        };
        seen.put(&PRIMARY_SERVICES, services);
        seen
    }
}

async fn observe_api(clients: &Clients, seen: &mut Seen) {
    let url = clients.target.given("primary.url").and_then(|text| Url::parse(&text).ok());
    let (Some(primary), Some(url)) = (&clients.primary, url) else {
        seen.put(&PRIMARY_NAME, not_configured(clients, "primary.url"));
        seen.put(&PRIMARY_CERTIFICATE, not_configured(clients, "primary.url"));
        seen.put(&PRIMARY_HEALTH, not_configured(clients, "primary.url"));
        seen.put(&PRIMARY_REACH, not_configured(clients, "primary.url"));
        seen.put(&PRIMARY_SAMPLES, not_configured(clients, "primary.url"));
        return;
    };
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let health_path = clients.target.text("primary.health_path");
    let secured = url.scheme() == "https";
    let certificate = async {
        if secured {
            peer(&clients.transport, &host, port).await
        } else {
            Observation::absent(clients.origin(format!("HANDSHAKE {host}:{port}"), host.clone()))
        }
    };
    let (name, certificate, (samples, health)) = futures::join!(
        lookup(&clients.transport, &host),
        certificate,
        sampled(&clients.transport, primary, &health_path)
    );
    seen.put(&PRIMARY_NAME, name);
    seen.put(&PRIMARY_SAMPLES, Observation::known(samples, health.origin.clone()));
    seen.put(&PRIMARY_REACH, reach(clients, &health, &format!("{host}:{port}")));
    seen.put(&PRIMARY_CERTIFICATE, certificate);
    seen.put(&PRIMARY_HEALTH, said(health));
}

/// How the health endpoint answers: asked again a few times where it does not say at once that all is well, since one
/// answer does not tell what is broken from what stumbles. The best answer stands; how many were good is told beside.
async fn sampled(transport: &Transport, primary: &Primary, path: &str) -> (Samples, Observation<Answer>) {
    let mut samples = Samples { asked: 0, fine: 0, others: Vec::new() };
    let mut best: Option<Observation<Answer>> = None;
    loop {
        let began = Instant::now();
        let health = primary.get(path, false).await;
        samples.asked += 1;
        let fine = said(health.clone()).value().is_some_and(is_fine);
        if fine {
            samples.fine += 1;
        } else {
            let other = match &health.outcome {
                Outcome::Known(answer) => format!("answered {}", answer.status),
                Outcome::Absent => "is not there".into(),
                Outcome::Unknown(reason) => format!("{} {}", reason.label(), reason.detail()),
            };
            if !samples.others.contains(&other) {
                samples.others.push(other);
            }
        }
        let first = best.is_none();
        if fine || first {
            best = Some(health.clone());
        }
        // What takes long to fail would take the whole run to fail again.
        let slow = matches!(health.outcome, Outcome::Unknown(Reason::TimedOut { .. }))
            || transport.until_end() < BETWEEN * 3 + began.elapsed() * 2;
        let again = !(first && fine) && samples.asked < SAMPLES && !slow;
        match best {
            Some(best) if !again => return (samples, best),
            _ => tokio::time::sleep(BETWEEN).await,
        }
    }
}

fn is_fine(health: &Health) -> bool {
    health.http_status < 400 && ["healthy", "ok", "up"].contains(&health.status.as_str())
}

/// What an answer says of health.
fn said(Observation { outcome, origin }: Observation<Answer>) -> Observation<Health> {
    let outcome = match outcome {
        Outcome::Known(answer) => judge_health(&answer),
        Outcome::Absent => Outcome::Absent,
        Outcome::Unknown(reason) => Outcome::Unknown(reason),
    };
    Observation { outcome, origin }
}

/// Whether the API was reached: a failure to connect is known here, and is the answer.
fn reach(clients: &Clients, health: &Observation<Answer>, place: &str) -> Observation<Reach> {
    let from = clients.transport.vantage().phrase().to_owned();
    let known = |layer: &str, seen: String| {
        Observation::known(
            Reach { place: place.to_owned(), layer: layer.to_owned(), seen, from: from.clone() },
            health.origin.clone(),
        )
    };
    match &health.outcome {
        Outcome::Known(answer) => known("none", format!("answered {}", answer.status)),
        Outcome::Absent => known("none", String::new()),
        Outcome::Unknown(Reason::Unreachable { layer, detail }) => known(layer.name(), detail.clone()),
        Outcome::Unknown(reason @ Reason::TimedOut { layer, .. }) => {
            known(layer.name(), format!("{} {}", reason.label(), reason.detail()))
        }
        // A proxy's page, or a redirect elsewhere: something answered, and it was not the Primary.
        Outcome::Unknown(Reason::Malformed { detail }) => known(Layer::Body.name(), detail.clone()),
        Outcome::Unknown(reason) => Observation::unknown(reason.clone(), health.origin.clone()),
    }
}

/// The licence, in the health of the Primary's system; it needs a signed-in user's token.
async fn licence(clients: &Clients) -> Observation<Licence> {
    let Some(primary) = &clients.primary else { return not_configured(clients, "primary.url") };
    if !primary.has_token() {
        return not_configured(clients, "primary.token_file");
    }
    let Observation { outcome, origin } =
        primary.get(&clients.target.text("primary.licence_path"), true).await;
    let outcome = match outcome {
        Outcome::Known(answer) => judge_licence(&answer, origin.at),
        Outcome::Absent => Outcome::Absent,
        Outcome::Unknown(reason) => Outcome::Unknown(reason),
    };
    Observation { outcome, origin }
}

fn judge_licence(answer: &Answer, received: jiff::Timestamp) -> Outcome<Licence> {
    let unknown = |reason| Outcome::Unknown(reason);
    match answer.status {
        status if answer.is_page() => {
            return unknown(Reason::Malformed {
                detail: format!("answered {status} with a page instead of JSON"),
            });
        }
        401 | 403 => {
            return unknown(Reason::Denied {
                detail: format!("answered {}", answer.status),
                permission: Some("a signed-in user at the Primary".into()),
            });
        }
        404 => {
            return unknown(Reason::Malformed { detail: "answered 404: see primary.licence_path".into() });
        }
        _ => {}
    }
    let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or(Value::Null);
    let Some(status) = field::text(&body, "/license/status") else {
        return unknown(Reason::Malformed {
            detail: format!("answered {} without a licence", answer.status),
        });
    };
    let ends_at = field::time(&body, "/license/expires_at");
    let now = answer.date().unwrap_or(received);
    Outcome::Known(Licence {
        status: status.to_lowercase(),
        tier: field::text(&body, "/license/tier"),
        ended: ends_at.is_some_and(|end| end < now),
        ends_at,
    })
}

fn judge_health(answer: &Answer) -> Outcome<Health> {
    let malformed = |detail: String| Outcome::Unknown(Reason::Malformed { detail });
    if answer.status == 404 {
        return malformed("answered 404: see primary.health_path".into());
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        return malformed(format!("answered {} without JSON", answer.status));
    };
    let Some(status) = field::text(&body, "/status") else {
        return malformed(format!("answered {} without a status", answer.status));
    };
    let components = body.pointer("/components").and_then(Value::as_object);
    Outcome::Known(Health {
        http_status: answer.status,
        status: status.to_lowercase(),
        version: field::text(&body, "/version"),
        components: components
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| {
                let status = value.as_str().map(str::to_owned).or_else(|| field::text(value, "/status"))?;
                Some((name.clone(), status.to_lowercase()))
            })
            .collect(),
    })
}

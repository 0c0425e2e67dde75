//! The Primary as it is seen from here: its name, certificate, health and Compose services.

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use super::{Clients, Probe, Seen, field, not_configured};
use crate::client::{Answer, lookup, peer};
use crate::fact::{
    Health, Observation, Outcome, PRIMARY_CERTIFICATE, PRIMARY_HEALTH, PRIMARY_NAME, PRIMARY_SERVICES,
    Reason, Snapshot,
};

pub(super) struct PrimaryProbe;

#[async_trait]
impl Probe for PrimaryProbe {
    fn name(&self) -> &'static str {
        "primary"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["primary.name", "primary.certificate", "primary.health", "primary.services"]
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let project = clients.target.text("primary.compose_project");
        let (services, ()) =
            futures::join!(clients.docker.containers(&project), observe_api(clients, &mut seen));
        // An empty project is a project of another name, or another host: nothing was looked at.
        let services = match &services.outcome {
            Outcome::Known(found) if found.is_empty() => Observation::unknown(
                Reason::NotConfigured { setting: "primary.compose_project".into() },
                services.origin,
            ),
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
            Observation::absent(clients.origin(format!("TLS {host}:{port}"), host.clone()))
        }
    };
    let (name, certificate, health) =
        futures::join!(lookup(&clients.transport, &host), certificate, primary.get(&health_path, false));
    seen.put(&PRIMARY_NAME, name);
    seen.put(&PRIMARY_CERTIFICATE, certificate);
    let Observation { outcome, origin } = health;
    let outcome = match outcome {
        Outcome::Known(answer) => judge_health(&answer),
        Outcome::Absent => Outcome::Absent,
        Outcome::Unknown(reason) => Outcome::Unknown(reason),
    };
    seen.put(&PRIMARY_HEALTH, Observation { outcome, origin });
}

fn judge_health(answer: &Answer) -> Outcome<Health> {
    let malformed = |detail: String| Outcome::Unknown(Reason::Malformed { detail });
    if answer.status == 404 {
        return Outcome::Unknown(Reason::NotConfigured { setting: "primary.health_path".into() });
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

//! Azure's instance metadata service: one short question, never through a proxy.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::{Ask, Transport};
use crate::fact::{Imds, Observation, Outcome, Reason};

/// Instance API version as published by Azure.
const API: &str = "2021-02-01";
/// The service is on the same host: what takes longer is not there.
const WITHIN: Duration = Duration::from_secs(2);

/// The metadata service at an endpoint.
pub struct ImdsClient {
    transport: Transport,
    endpoint: Url,
}

impl ImdsClient {
    /// At an endpoint (`http://169.254.169.254` but for a lab).
    pub fn new(transport: Transport, endpoint: Url) -> Self {
        Self { transport, endpoint }
    }

    /// Asks once. That nothing answers is known, not unknown: there is no metadata service here.
    pub async fn instance(&self) -> Observation<Imds> {
        let mut url = self.endpoint.clone();
        url.set_path("/metadata/instance");
        url.query_pairs_mut().append_pair("api-version", API);
        let ask = Ask {
            headers: vec![("Metadata", "true".into())],
            direct: true,
            within: Some(WITHIN),
            attempts: Some(1),
            ..Ask::get("imds", url)
        };
        let Observation { outcome, origin } = self.transport.send(ask).await;
        let silent = |seen: String| Imds { answers: false, seen, environment: None };
        let outcome = match outcome {
            Outcome::Known(answer) => {
                let body = serde_json::from_slice::<Value>(&answer.body).ok();
                let environment = body
                    .as_ref()
                    .and_then(|body| body.pointer("/compute/azEnvironment")?.as_str())
                    .map(str::to_owned);
                Outcome::Known(match environment {
                    Some(name) => Imds {
                        answers: true,
                        seen: format!("{}, {name}", answer.status),
                        environment: Some(name),
                    },
                    // A proxy, a container runtime or another cloud holds the address.
                    None => {
                        silent(format!("answered {}, not as Azure's metadata service does", answer.status))
                    }
                })
            }
            Outcome::Absent => Outcome::Absent,
            Outcome::Unknown(reason @ (Reason::TimedOut { .. } | Reason::Unreachable { .. })) => {
                Outcome::Known(silent(reason.label()))
            }
            Outcome::Unknown(reason) => Outcome::Unknown(reason),
        };
        Observation { outcome, origin }
    }
}

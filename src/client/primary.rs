//! The Primary's API: health and gateway health. Tasks, bootstrap, enrolment and login are never called.

use url::Url;

use super::{Answer, Ask, Secret, Transport};
use crate::fact::{Observation, Reason};

/// The Primary at a base URL.
pub struct Primary {
    transport: Transport,
    base: Url,
    token: Option<Secret>,
}

impl Primary {
    /// With a token for the admin API, where one is given.
    pub fn new(transport: Transport, base: Url, token: Option<Secret>) -> Self {
        Self { transport, base, token }
    }

    /// Whether a token for the admin API is at hand.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Seconds that this machine's clock is ahead of the Primary's.
    pub fn ahead(seen: &Observation<Answer>) -> Option<i64> {
        seen.value().and_then(|answer| super::entra::ahead(answer, &seen.origin))
    }

    /// Where a browser that signs in is sent; the redirect is the answer and is not followed.
    pub async fn sign_in(&self, path: &str) -> Observation<Answer> {
        self.ask(path, false, true).await
    }

    /// One GET. A failing status is an answer here: health says why with 503.
    pub async fn get(&self, path: &str, authenticated: bool) -> Observation<Answer> {
        self.ask(path, authenticated, false).await
    }

    async fn ask(&self, path: &str, authenticated: bool, stay: bool) -> Observation<Answer> {
        match self.base.join(path) {
            Ok(url) => {
                let bearer = if authenticated { self.token.clone() } else { None };
                self.transport
                    .send(Ask {
                        bearer,
                        attempts: Some(1),
                        stay,
                        headers: vec![("Accept", "application/json".into())],
                        ..Ask::get("primary", url)
                    })
                    .await
            }
            Err(error) => {
                let began = (jiff::Timestamp::now(), std::time::Instant::now());
                let reason = Reason::Malformed { detail: format!("{path} is no path: {error}") };
                let origin = self.transport.record(
                    "primary",
                    format!("GET {path}"),
                    super::http::place(&self.base),
                    began,
                    Some(&reason),
                );
                Observation::unknown(reason, origin)
            }
        }
    }
}

//! The Primary's API: health and gateway health. Tasks, bootstrap, enrolment and login are never called.

use url::Url;

use super::access::{Allowed, get};
use super::{Answer, Ask, Secret, Transport};
use crate::fact::{Observation, Reason};

/// The two paths that settings name have to be among these; any other is refused and stays unknown.
pub(super) const TOUCHES: &[Allowed] = &[
    get("primary", "/api/v1/health"),
    get("primary", "/api/v1/health/*"),
    get("primary", "/api/v1/admin/*"),
];

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

    /// One GET. A failing status is an answer here: health says why with 503.
    pub async fn get(&self, path: &str, authenticated: bool) -> Observation<Answer> {
        match self.base.join(path) {
            Ok(url) => {
                let bearer = if authenticated { self.token.clone() } else { None };
                self.transport
                    .send(Ask {
                        bearer,
                        attempts: Some(1),
                        headers: vec![("Accept", "application/json".into())],
                        ..Ask::get("primary", url)
                    })
                    .await
            }
            Err(error) => {
                let began = (jiff::Timestamp::now(), std::time::Instant::now());
                let reason = Reason::Malformed { detail: format!("{path} is no path: {error}") };
                let origin = self.transport.record(
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

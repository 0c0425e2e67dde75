//! Microsoft Graph, reads only.

use serde_json::Value;
use url::Url;

use super::arm::json;
use super::cause::one_line;
use super::{Answer, Ask, Tokens, Transport};
use crate::fact::{Observation, Outcome, Reason};

/// Graph of one cloud.
pub struct Graph {
    transport: Transport,
    tokens: Tokens,
    endpoint: Url,
}

impl Graph {
    /// Graph at an endpoint.
    pub fn new(transport: Transport, tokens: Tokens, endpoint: Url) -> Self {
        Self { transport, tokens, endpoint }
    }

    /// One object. Absent only where Graph says that it does not exist.
    pub async fn get(&self, path: &str) -> Observation<Value> {
        let scope = format!("{}/.default", self.endpoint.as_str().trim_end_matches('/'));
        let token = self.tokens.bearer(&scope).await;
        let bearer = match token.outcome {
            Outcome::Known(bearer) => bearer,
            Outcome::Absent => return Observation::absent(token.origin),
            Outcome::Unknown(reason) => return Observation::unknown(reason, token.origin),
        };
        let url = match self.endpoint.join(path) {
            Ok(url) => url,
            Err(error) => {
                let reason = Reason::Malformed { detail: format!("{path} is no path: {error}") };
                return Observation::unknown(reason, token.origin);
            }
        };
        let answer = self.transport.send(Ask { bearer: Some(bearer), ..Ask::get("graph", url) }).await;
        let Observation { outcome, origin } = answer;
        let outcome = match outcome {
            Outcome::Known(answer) => judge(&answer),
            Outcome::Absent => Outcome::Absent,
            Outcome::Unknown(reason) => Outcome::Unknown(reason),
        };
        Observation { outcome, origin }
    }
}

fn judge(answer: &Answer) -> Outcome<Value> {
    let body = match json(answer) {
        Ok(body) => body,
        Err(reason) => return Outcome::Unknown(reason),
    };
    let member =
        |name: &str| body.pointer(&format!("/error/{name}")).and_then(Value::as_str).unwrap_or_default();
    let said = one_line(&format!("{} {}: {}", answer.status, member("code"), member("message")));
    match (answer.status, member("code")) {
        (200, _) => Outcome::Known(body),
        (404, "Request_ResourceNotFound") => Outcome::Absent,
        (401 | 403 | 404, _) => {
            Outcome::Unknown(Reason::Denied { detail: said, permission: Some("User.Read.All".into()) })
        }
        _ => Outcome::Unknown(Reason::Malformed { detail: said }),
    }
}

//! Azure Resource Manager, reads only. Lists follow `nextLink` as given, on the same host, within a bound.

use serde_json::Value;
use url::Url;

use super::cause::one_line;
use super::{Answer, Ask, Tokens, Transport};
use crate::fact::{Observation, Outcome, Reason};

/// ARM of one cloud.
pub struct Arm {
    transport: Transport,
    tokens: Tokens,
    endpoint: Url,
}

impl Arm {
    /// ARM at an endpoint.
    pub fn new(transport: Transport, tokens: Tokens, endpoint: Url) -> Self {
        Self { transport, tokens, endpoint }
    }

    /// The scope of a token for this endpoint.
    pub fn scope(&self) -> String {
        format!("{}/.default", self.endpoint.as_str().trim_end_matches('/'))
    }

    /// One resource. Absent only where ARM says that this resource does not exist.
    pub async fn get(&self, path: &str, api_version: &str) -> Observation<Value> {
        match self.url(path, api_version, None) {
            Ok(url) => self.fetch(url).await,
            Err(reason) => self.refused(path, reason),
        }
    }

    /// Every item of a list.
    pub async fn list(&self, path: &str, api_version: &str, filter: Option<&str>) -> Observation<Vec<Value>> {
        let first = match self.url(path, api_version, filter) {
            Ok(url) => url,
            Err(reason) => return self.refused(path, reason),
        };
        let host = first.host_str().map(str::to_owned);
        let mut items = Vec::new();
        let mut next = first;
        for _ in 0..self.transport.limits().pages {
            let page = self.fetch(next.clone()).await;
            let origin = page.origin;
            let body = match page.outcome {
                Outcome::Known(body) => body,
                Outcome::Absent => return Observation::absent(origin),
                Outcome::Unknown(reason) => return Observation::unknown(reason, origin),
            };
            let malformed = |detail: &str| Reason::Malformed { detail: detail.to_owned() };
            let Some(page_items) = body.get("value").and_then(Value::as_array) else {
                return Observation::unknown(malformed("a list without value"), origin);
            };
            items.extend(page_items.iter().cloned());
            let link = body.get("nextLink").and_then(Value::as_str).unwrap_or_default();
            if link.is_empty() {
                return Observation::known(items, origin);
            }
            match Url::parse(link) {
                Ok(url)
                    if url.host_str().map(str::to_owned) == host
                        && url.scheme() == self.endpoint.scheme() =>
                {
                    next = url;
                }
                _ => return Observation::unknown(malformed("a next page on another host"), origin),
            }
        }
        let detail = format!("more than {} pages", self.transport.limits().pages);
        self.refused(path, Reason::Malformed { detail })
    }

    fn url(&self, path: &str, api_version: &str, filter: Option<&str>) -> Result<Url, Reason> {
        let mut url = self
            .endpoint
            .join(path)
            .map_err(|error| Reason::Malformed { detail: format!("{path} is no path: {error}") })?;
        url.query_pairs_mut().append_pair("api-version", api_version);
        if let Some(filter) = filter {
            url.query_pairs_mut().append_pair("$filter", filter);
        }
        Ok(url)
    }

    fn refused<T>(&self, path: &str, reason: Reason) -> Observation<T> {
        let began = (jiff::Timestamp::now(), std::time::Instant::now());
        let origin = self.transport.record(
            "arm",
            format!("GET {path}"),
            super::http::place(&self.endpoint),
            began,
            Some(&reason),
        );
        Observation::unknown(reason, origin)
    }

    async fn fetch(&self, url: Url) -> Observation<Value> {
        let token = self.tokens.bearer(&self.scope()).await;
        let bearer = match token.outcome {
            Outcome::Known(bearer) => bearer,
            Outcome::Absent => return Observation::absent(token.origin),
            Outcome::Unknown(reason) => {
                let mut origin = token.origin;
                origin.call = format!("{}, for GET {}", origin.call, url.path());
                return Observation::unknown(reason, origin);
            }
        };
        let answer = self.transport.send(Ask { bearer: Some(bearer), ..Ask::get("arm", url) }).await;
        let Observation { outcome, origin } = answer;
        let outcome = match outcome {
            Outcome::Known(answer) => judge(&answer),
            Outcome::Absent => Outcome::Absent,
            Outcome::Unknown(reason) => Outcome::Unknown(reason),
        };
        Observation { outcome, origin }
    }
}

/// JSON of an answer, or that it is none.
pub(super) fn json(answer: &Answer) -> Result<Value, Reason> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let kind = answer.header("content-type").unwrap_or("no content type");
        Reason::Malformed {
            detail: one_line(&format!("answered {} with {kind}, not JSON: {error}", answer.status)),
        }
    })
}

fn judge(answer: &Answer) -> Outcome<Value> {
    let body = match json(answer) {
        Ok(body) => body,
        Err(reason) => return Outcome::Unknown(reason),
    };
    if answer.status == 200 {
        return Outcome::Known(body);
    }
    let member = |name: &str| {
        body.pointer(&format!("/error/{name}"))
            .or_else(|| body.get(name))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (code, message) = (member("code"), member("message"));
    let said = one_line(&format!("{} {code}: {message}", answer.status));
    match (answer.status, code.as_str()) {
        (404, "ResourceNotFound" | "NotFound" | "ParentResourceNotFound" | "RoleDefinitionDoesNotExist") => {
            Outcome::Absent
        }
        // ARM says the same to a caller of another tenant: it does not prove that the thing is not there.
        (404, _) => Outcome::Unknown(Reason::Denied {
            detail: format!("{said} (it does not exist, or this login may not see it)"),
            permission: None,
        }),
        (401 | 403, _) => Outcome::Unknown(Reason::Denied { permission: action(&message), detail: said }),
        _ => Outcome::Unknown(Reason::Malformed { detail: said }),
    }
}

/// The action that `AuthorizationFailed` names.
fn action(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("perform action '")?;
    rest.split_once('\'').map(|(action, _)| action.to_owned())
}

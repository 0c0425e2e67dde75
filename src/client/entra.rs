//! `OpenID` Connect documents: what an issuer publishes about itself and its keys. No credentials are sent.

use serde_json::Value;
use url::Url;

use super::arm::json;
use super::{Answer, Ask, Secret, Transport};
use crate::fact::{IssuerDocument, Observation, Origin, Outcome, Reason};

/// Reader of discovery documents.
pub struct Entra {
    transport: Transport,
    authority: Url,
}

impl Entra {
    /// With the login authority of the cloud.
    pub fn new(transport: Transport, authority: Url) -> Self {
        Self { transport, authority }
    }

    /// Discovery document and keys of a tenant.
    pub async fn tenant(&self, tenant: &str) -> Observation<IssuerDocument> {
        self.issuer(&format!("{}/{tenant}/v2.0", self.authority.as_str().trim_end_matches('/'))).await
    }

    /// Entra's clock, from the `Date` of a tenant's discovery document, with how far this machine's is ahead of it.
    /// Half of the time that the answer took is taken for the way back.
    pub async fn clock(&self, tenant: &str) -> Observation<i64> {
        let text = format!(
            "{}/{tenant}/v2.0/.well-known/openid-configuration",
            self.authority.as_str().trim_end_matches('/')
        );
        let url = match Url::parse(&text) {
            Ok(url) => url,
            Err(error) => {
                let began = (jiff::Timestamp::now(), std::time::Instant::now());
                let reason = Reason::Malformed { detail: error.to_string() };
                let origin =
                    self.transport.record("issuer", "GET".into(), String::new(), began, Some(&reason));
                return Observation::unknown(reason, origin);
            }
        };
        let Observation { outcome, origin } = self.transport.send(Ask::get("issuer", url)).await;
        let outcome = match outcome {
            Outcome::Known(answer) => match ahead(&answer, &origin) {
                Some(seconds) => Outcome::Known(seconds),
                None => Outcome::Unknown(Reason::Malformed { detail: "an answer without its time".into() }),
            },
            Outcome::Absent => Outcome::Absent,
            Outcome::Unknown(reason) => Outcome::Unknown(reason),
        };
        Observation { outcome, origin }
    }

    /// Exchanges a service account's token for one of Entra's, which is dropped at once: whether it came is the
    /// answer, or the code that came instead. It leaves a sign-in record, and is on the list of allowed calls only
    /// where it was asked for by name.
    pub async fn exchange(
        &self,
        tenant: &str,
        client_id: &str,
        scope: &str,
        assertion: &Secret,
    ) -> Observation<Result<(), String>> {
        let text = format!("{}/{tenant}/oauth2/v2.0/token", self.authority.as_str().trim_end_matches('/'));
        let Ok(url) = Url::parse(&text) else {
            let began = (jiff::Timestamp::now(), std::time::Instant::now());
            let reason = Reason::Malformed { detail: "the authority is no URL".into() };
            let origin = self.transport.record("entra", "POST".into(), String::new(), began, Some(&reason));
            return Observation::unknown(reason, origin);
        };
        let form = [
            ("client_id", client_id),
            ("scope", scope),
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.expose()),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let ask = Ask {
            method: "POST",
            headers: vec![("Content-Type", "application/x-www-form-urlencoded".into())],
            body: Some(body.into_bytes()),
            attempts: Some(1),
            ..Ask::get("entra", url)
        };
        let Observation { outcome, origin } = self.transport.send(ask).await;
        let outcome = match outcome {
            Outcome::Known(answer) => match json(&answer) {
                Ok(body) if answer.status == 200 && body.get("access_token").is_some() => {
                    Outcome::Known(Ok(()))
                }
                Ok(body) => match body.pointer("/error_codes/0").and_then(Value::as_u64) {
                    Some(code) => Outcome::Known(Err(format!("AADSTS{code}"))),
                    None => Outcome::Unknown(Reason::Malformed {
                        detail: format!("answered {} without a code", answer.status),
                    }),
                },
                Err(reason) => Outcome::Unknown(reason),
            },
            Outcome::Absent => Outcome::Absent,
            Outcome::Unknown(reason) => Outcome::Unknown(reason),
        };
        Observation { outcome, origin }
    }

    /// Discovery document and keys of any issuer (`OpenID` Connect Discovery 1.0, section 4).
    pub async fn issuer(&self, issuer: &str) -> Observation<IssuerDocument> {
        let document = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let found = self.read(&document).await;
        let Observation { outcome, origin } = found;
        let body = match outcome {
            Outcome::Known(body) => body,
            Outcome::Absent => return Observation::absent(origin),
            Outcome::Unknown(reason) => return Observation::unknown(reason, origin),
        };
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(named), Some(jwks_uri)) = (text("issuer"), text("jwks_uri")) else {
            let detail = "the discovery document lacks issuer or jwks_uri".into();
            return Observation::unknown(Reason::Malformed { detail }, origin);
        };
        let keys = self.read(&jwks_uri).await;
        match keys.outcome {
            Outcome::Known(keys) => {
                let key_ids = keys
                    .get("keys")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(|key| key.get("kid")?.as_str().map(str::to_owned))
                    .collect();
                Observation::known(IssuerDocument { issuer: named, jwks_uri, key_ids }, origin)
            }
            Outcome::Absent => Observation::absent(keys.origin),
            Outcome::Unknown(reason) => Observation::unknown(reason, keys.origin),
        }
    }

    async fn read(&self, text: &str) -> Observation<Value> {
        let url = match Url::parse(text) {
            Ok(url) if url.scheme() == "https" => url,
            _ => {
                let began = (jiff::Timestamp::now(), std::time::Instant::now());
                let reason = Reason::Malformed { detail: "the issuer is no https URL".into() };
                let origin =
                    self.transport.record("issuer", "GET".into(), String::new(), began, Some(&reason));
                return Observation::unknown(reason, origin);
            }
        };
        let answer = self.transport.send(Ask::get("issuer", url)).await;
        let Observation { outcome, origin } = answer;
        let outcome = match outcome {
            Outcome::Known(answer) if answer.status == 404 => Outcome::Absent,
            Outcome::Known(answer) if answer.status != 200 => {
                Outcome::Unknown(Reason::Malformed { detail: format!("answered {}", answer.status) })
            }
            Outcome::Known(answer) => match json(&answer) {
                Ok(body) => Outcome::Known(body),
                Err(reason) => Outcome::Unknown(reason),
            },
            Outcome::Absent => Outcome::Absent,
            Outcome::Unknown(reason) => Outcome::Unknown(reason),
        };
        Observation { outcome, origin }
    }
}

/// Seconds that this machine's clock is ahead of a server's, by the server's `Date` (RFC 9110, section 6.6.1), which
/// counts whole seconds.
pub(super) fn ahead(answer: &Answer, origin: &Origin) -> Option<i64> {
    let theirs = answer.date()?.as_second();
    let half_way = i64::try_from(origin.took_ms).unwrap_or(0) / 2000;
    Some(origin.at.as_second() + half_way - theirs)
}

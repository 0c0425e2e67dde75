//! `OpenID` Connect documents: what an issuer publishes about itself and its keys. No credentials are sent.

use serde_json::Value;
use url::Url;

use super::access::{Allowed, get};
use super::arm::json;
use super::{Ask, Transport};
use crate::fact::{IssuerDocument, Observation, Outcome, Reason};

pub(super) const TOUCHES: &[Allowed] = &[get("issuer", "/**")];

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
                let origin = self.transport.record("GET".into(), String::new(), began, Some(&reason));
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

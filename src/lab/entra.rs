//! Entra: tokens for the lab's login, and discovery documents of the tenant and of the cluster's issuer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::World;
use super::serve::{Asked, Said, Service};

/// Key ids that the issuers publish.
const KEYS: [&str; 2] = ["lab-key-one", "lab-key-two"];

pub(super) struct Entra {
    world: Arc<World>,
    /// Exchanges so far, for a service that answers some of them only.
    exchanges: AtomicUsize,
}

impl Entra {
    pub(super) fn new(world: Arc<World>) -> Self {
        Self { world, exchanges: AtomicUsize::new(0) }
    }
}

impl Service for Entra {
    fn name(&self) -> &'static str {
        "entra"
    }

    fn fault(&self) -> Option<&str> {
        self.world.fault("entra")
    }

    fn ahead(&self) -> i64 {
        self.world.ahead("entra")
    }

    fn expects(&self, asked: &Asked) -> bool {
        asked.method == Method::POST && asked.path.ends_with("/oauth2/v2.0/token")
    }

    fn answer(&self, asked: &Asked) -> Said {
        if asked.path.ends_with("/oauth2/v2.0/token") {
            return self.token(asked);
        }
        let base = format!("https://{}", asked.host);
        if let Some(issuer) = asked.path.strip_suffix("/.well-known/openid-configuration") {
            return discovery(&format!("{base}{issuer}"), &format!("{base}{issuer}/keys"));
        }
        if asked.path.ends_with("/keys") {
            return Said::json(200, &keys());
        }
        Said::json(404, &json!({"error": "not_found"}))
    }
}

impl Entra {
    fn token(&self, asked: &Asked) -> Said {
        let form: Vec<(String, String)> =
            form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
        let azure = &self.world.azure;
        let tenant = asked.path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if tenant != azure.tenant {
            return refused(
                90002,
                "invalid_request",
                &format!(
                    "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
                ),
                400,
            );
        }
        if !field("client_assertion").is_empty() {
            return self.exchange(field("client_id"), field("client_assertion"));
        }
        if field("client_id") != azure.login.client_id {
            return refused(
                700_016,
                "unauthorized_client",
                &format!(
                    "Application with identifier '{}' was not found in the directory '{tenant}'.",
                    field("client_id")
                ),
                400,
            );
        }
        if field("client_secret") != azure.login.client_secret {
            return refused(
                7_000_215,
                "invalid_client",
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app.",
                401,
            );
        }
        let claims = json!({
            "aud": field("scope").trim_end_matches("/.default"),
            "iss": format!("https://sts.windows.net/{tenant}/"),
            "tid": tenant,
            "oid": azure.login.object_id,
            "appid": azure.login.client_id,
            "exp": Timestamp::now().as_second() + 3600,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!("{}.{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(&claims), "bGFi");
        Said::json(
            200,
            &json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token}),
        )
    }
}

impl Entra {
    /// A service account's token for one of Entra's: issuer first, then audience and subject, letter for letter.
    fn exchange(&self, client_id: &str, assertion: &str) -> Said {
        let number = self.exchanges.fetch_add(1, Ordering::Relaxed);
        let claims = assertion
            .split('.')
            .nth(1)
            .and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok())
            .and_then(|payload| serde_json::from_slice::<Value>(&payload).ok())
            .unwrap_or(Value::Null);
        let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (issuer, subject, audience) = (claim("iss"), claim("sub"), claim("aud"));
        let azure = &self.world.azure;
        let known = azure
            .resources
            .values()
            .any(|it| it.pointer("/properties/clientId").and_then(Value::as_str) == Some(client_id));
        if !known {
            let words = format!("Application with identifier '{client_id}' was not found in the directory.");
            return refused(700_016, "unauthorized_client", &words, 400);
        }
        let credentials: Vec<_> = azure.credentials.values().collect();
        let unmatched = |code: u64, what: &str, value: &str| {
            let words = format!(
                "No matching federated identity record found for presented assertion {what} '{value}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion."
            );
            refused(code, "invalid_client", &words, 401)
        };
        if credentials.is_empty() {
            let words = format!("The client '{client_id}' has no configured federated identity credentials.");
            return refused(70_025, "invalid_client", &words, 401);
        }
        let trusted: Vec<_> = credentials.iter().filter(|it| it.issuer == issuer).collect();
        if trusted.is_empty() {
            return unmatched(700_211, "issuer", &issuer);
        }
        let of_subject: Vec<_> =
            trusted.iter().filter(|it| it.subject.as_deref() == Some(subject.as_str())).collect();
        if of_subject.is_empty() {
            return unmatched(700_213, "subject", &subject);
        }
        if !of_subject.iter().any(|it| it.audiences.contains(&audience)) {
            return unmatched(700_212, "audience", &audience);
        }
        if self.fault() == Some("sometimes") && number % 3 == 1 {
            return unmatched(700_213, "subject", &subject);
        }
        Said::json(
            200,
            &json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "e30.e30.bGFi"}),
        )
    }
}

fn refused(code: u64, error: &str, words: &str, status: u16) -> Said {
    let now = Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let (trace, correlation) =
        ("5f9f0c3e-0000-4000-8000-000000000001", "5f9f0c3e-0000-4000-8000-000000000002");
    Said::json(
        status,
        &json!({
            "error": error,
            "error_description": format!("AADSTS{code}: {words} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"),
            "error_codes": [code],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        }),
    )
}

fn discovery(issuer: &str, keys: &str) -> Said {
    Said::json(
        200,
        &json!({
            "issuer": issuer,
            "jwks_uri": keys,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }),
    )
}

fn keys() -> Value {
    let key =
        |kid: &str| json!({"use": "sig", "kty": "RSA", "kid": kid, "alg": "RS256", "n": "bGFi", "e": "AQAB"});
    json!({"keys": KEYS.map(key)})
}

/// The cluster's own issuer, at its public name.
pub(super) struct ClusterIssuer(pub(super) Arc<World>);

impl Service for ClusterIssuer {
    fn name(&self) -> &'static str {
        "issuer"
    }

    fn fault(&self) -> Option<&str> {
        self.0.fault("issuer")
    }

    fn answer(&self, asked: &Asked) -> Said {
        let host = asked.host.split(':').next().unwrap_or_default();
        let base = format!("https://{host}");
        if let Some(issuer) = asked.path.strip_suffix(".well-known/openid-configuration") {
            return discovery(&format!("{base}{issuer}"), &format!("{base}{issuer}openid/v1/jwks"));
        }
        if asked.path.ends_with("openid/v1/jwks") {
            return Said::json(200, &keys());
        }
        Said::text(404, "not found".into())
    }
}

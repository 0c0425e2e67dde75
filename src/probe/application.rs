//! The app registration behind sign-in, and the redirect URI that the Primary really sends. Its sign-in address
//! answers with a redirect to Entra that names both, without any credentials; the redirect is not followed.

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use super::{Clients, Probe, Seen, Touch, not_configured, parsed, touching};
use crate::client::{Answer, calls, field, variables};
use crate::fact::{
    APP_REGISTRATION, APP_SIGN_IN, AppRegistration, AppSecret, Observation, Outcome, Reason, SignIn, Snapshot,
};
use crate::target::Target;

pub(super) struct ApplicationProbe;

#[async_trait]
impl Probe for ApplicationProbe {
    fn name(&self) -> &'static str {
        "application"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["app.sign_in", "app.registration"]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        let mut touches = touching(&[calls::SIGN_IN], &["app.sign_in"]);
        touches.extend(touching(&[calls::APPLICATIONS], &["app.registration"]));
        touches
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let sign_in = sign_in(clients).await;
        let client_id = clients
            .target
            .given("entra.client_id")
            .or_else(|| sign_in.value().map(|it| it.client_id.clone()));
        let registration = match client_id {
            None => not_configured(clients, "entra.client_id"),
            Some(id) => registration(clients, &id).await,
        };
        seen.put(&APP_REGISTRATION, registration);
        seen.put(&APP_SIGN_IN, sign_in);
        seen
    }
}

async fn sign_in(clients: &Clients) -> Observation<SignIn> {
    let Some(primary) = &clients.primary else { return not_configured(clients, "primary.url") };
    let Observation { outcome, origin } = primary.sign_in(&clients.target.text("primary.sign_in_path")).await;
    let outcome = match outcome {
        Outcome::Known(answer) => parse_sign_in(&answer),
        Outcome::Absent => Outcome::Absent,
        Outcome::Unknown(reason) => Outcome::Unknown(reason),
    };
    Observation { outcome, origin }
}

fn parse_sign_in(answer: &Answer) -> Outcome<SignIn> {
    let malformed = |detail: String| Outcome::Unknown(Reason::Malformed { detail });
    match answer.status {
        301 | 302 | 303 | 307 | 308 => {}
        // The path is an inference, and sign-in through Entra may be switched off.
        404 => return malformed("answered 404: see primary.sign_in_path".into()),
        status => return malformed(format!("answered {status}, no redirect")),
    }
    let Some(to) = answer.header("location").and_then(|location| Url::parse(location).ok()) else {
        return malformed("redirected to no URL".into());
    };
    let query =
        |name: &str| to.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let (Some(client_id), Some(redirect_uri)) = (query("client_id"), query("redirect_uri")) else {
        return malformed("the redirect names no client_id or no redirect_uri".into());
    };
    let tenant = to.path_segments().and_then(|mut parts| parts.next()).unwrap_or_default().to_owned();
    Outcome::Known(SignIn { tenant, client_id, redirect_uri: variables::bare_url(&redirect_uri) })
}

async fn registration(clients: &Clients, client_id: &str) -> Observation<AppRegistration> {
    let filter: String = url::form_urlencoded::byte_serialize(
        format!("appId eq '{}'", client_id.replace('\'', "''")).as_bytes(),
    )
    .collect();
    let select = "appId,displayName,web,spa,publicClient,passwordCredentials,keyCredentials";
    let answer = clients.graph.get(&format!("/v1.0/applications?$filter={filter}&$select={select}")).await;
    let Observation { outcome, origin } = answer;
    match outcome {
        Outcome::Known(body) => match field::list(&body, "/value").first() {
            Some(item) => parsed(Observation::known(item.clone(), origin), parse_application),
            None if body.get("value").is_some() => Observation::absent(origin),
            None => {
                let detail = "a list without value".into();
                Observation::unknown(Reason::Malformed { detail }, origin)
            }
        },
        Outcome::Absent => Observation::absent(origin),
        Outcome::Unknown(Reason::Denied { detail, .. }) => Observation::unknown(
            Reason::Denied { detail, permission: Some("Application.Read.All".into()) },
            origin,
        ),
        Outcome::Unknown(reason) => Observation::unknown(reason, origin),
    }
}

fn credentials(item: &Value, pointer: &str) -> Result<Vec<AppSecret>, String> {
    let one = |it: &Value| {
        Ok(AppSecret {
            name: field::text(it, "/displayName").or_else(|| field::text(it, "/keyId")).unwrap_or_default(),
            ends_at: field::time(it, "/endDateTime").ok_or("a credential without its end")?,
        })
    };
    field::list(item, pointer).iter().map(one).collect()
}

pub(super) fn parse_application(item: &Value) -> Result<AppRegistration, String> {
    let uris = |pointer: &str| field::texts(item, pointer);
    Ok(AppRegistration {
        client_id: field::required(item, "/appId")?,
        name: field::text(item, "/displayName").unwrap_or_default(),
        web: uris("/web/redirectUris"),
        other: [uris("/spa/redirectUris"), uris("/publicClient/redirectUris")].concat(),
        secrets: credentials(item, "/passwordCredentials")?,
        certificates: credentials(item, "/keyCredentials")?,
    })
}

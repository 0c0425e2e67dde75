//! A real token exchange for the gateway's service account, several times: only where `--exchange-token` asks for it,
//! since it leaves a sign-in record. Tokens stay in memory and are dropped at once.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;

use super::{Clients, Probe, Seen, Touch, touching};
use crate::client::calls;
use crate::fact::{
    Exchange, FEDERATION_EXCHANGE, GATEWAY_PODS, GATEWAY_SERVICE_ACCOUNT, IDENTITY_RESOURCE, Observation,
    Outcome, Reason, Snapshot,
};
use crate::target::Target;

/// Exchanges, and the pause between two: one alone proves nothing, and a new credential spreads server by server.
const TIMES: usize = 5;
const PAUSE: Duration = Duration::from_millis(400);
/// What a token is asked for: any scope shows whether the exchange is trusted.
const SCOPE: &str = "https://vault.azure.net/.default";

pub(super) struct ExchangeProbe;

#[async_trait]
impl Probe for ExchangeProbe {
    fn name(&self) -> &'static str {
        "exchange"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["federation.exchange"]
    }

    fn needs(&self) -> &'static [&'static str] {
        &["gateway.service_account", "gateway.pods", "identity.resource"]
    }

    fn touches(&self, target: &Target) -> Vec<Touch> {
        if target.is_on("run.exchange_token") {
            touching(&[calls::ACCOUNT_TOKEN, calls::EXCHANGE], &["federation.exchange"])
        } else {
            Vec::new()
        }
    }

    async fn observe(&self, clients: &Clients, known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        seen.put(&FEDERATION_EXCHANGE, exchange(clients, known).await);
        seen
    }
}

async fn exchange(clients: &Clients, known: &Snapshot) -> Observation<Exchange> {
    let here = || clients.origin(String::new(), String::new());
    if !clients.target.is_on("run.exchange_token") {
        return Observation::unknown(Reason::NotAsked { option: "--exchange-token".into() }, here());
    }
    let account = known.get(&GATEWAY_SERVICE_ACCOUNT);
    let identity = known.get(&IDENTITY_RESOURCE);
    let (Some(account), Some(identity)) = (account.value(), identity.value()) else {
        let reason = account.reason().or(identity.reason()).cloned();
        let reason = reason.unwrap_or_else(|| Reason::Malformed {
            detail: "there is no service account or no identity to exchange a token for".into(),
        });
        return Observation::unknown(reason, account.origin.clone());
    };
    let connected = clients.kubernetes().await;
    let Outcome::Known(kubernetes) = &connected.outcome else {
        let reason = connected
            .reason()
            .cloned()
            .unwrap_or(Reason::NotConfigured { setting: "kubernetes.kubeconfig".into() });
        return Observation::unknown(reason, connected.origin.clone());
    };
    let audience = known
        .get(&GATEWAY_PODS)
        .value()
        .and_then(|pods| {
            let mut tokens = pods.iter().flat_map(|pod| &pod.tokens);
            tokens.find(|token| token.is_for_entra()).map(|token| token.audience.clone())
        })
        .unwrap_or_else(|| clients.target.text("azure.audience"));
    let namespace = clients.target.text("kubernetes.namespace");
    let token = kubernetes.account_token(&namespace, &account.name, &audience).await;
    let token = match token.outcome {
        Outcome::Known(token) => token,
        Outcome::Absent => return Observation::absent(token.origin),
        Outcome::Unknown(reason) => return Observation::unknown(reason, token.origin),
    };
    let mut found = Exchange { attempts: 0, succeeded: 0, codes: Vec::new() };
    let mut codes = BTreeSet::new();
    let mut origin = here();
    for number in 0..TIMES {
        if number > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let answer = clients.entra.exchange(&identity.tenant_id, &identity.client_id, SCOPE, &token).await;
        origin = answer.origin;
        match answer.outcome {
            Outcome::Known(Ok(())) => {
                found.attempts += 1;
                found.succeeded += 1;
            }
            Outcome::Known(Err(code)) => {
                found.attempts += 1;
                codes.insert(code);
            }
            // What never reached Entra says nothing about the credential.
            Outcome::Unknown(reason) if found.attempts == 0 && number + 1 == TIMES => {
                return Observation::unknown(reason, origin);
            }
            Outcome::Absent | Outcome::Unknown(_) => {}
        }
    }
    found.codes = codes.into_iter().collect();
    Observation::known(found, origin)
}

//! The subscription, and whether the resource providers that the deployment needs are registered in it.

use async_trait::async_trait;
use serde_json::Value;

use super::{Clients, Probe, Seen, Touch, not_configured, parsed, touching};
use crate::client::{calls, field};
use crate::fact::{
    Observation, Outcome, ProviderState, SUBSCRIPTION_PROVIDERS, SUBSCRIPTION_RESOURCE, Snapshot,
    Subscription,
};
use crate::target::Target;

const SUBSCRIPTION_API: &str = "2022-12-01";
const PROVIDERS_API: &str = "2021-04-01";

pub(super) struct SubscriptionProbe;

#[async_trait]
impl Probe for SubscriptionProbe {
    fn name(&self) -> &'static str {
        "subscription"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["subscription.resource", "subscription.providers"]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        let mut touches = touching(&[calls::SUBSCRIPTION], &["subscription.resource"]);
        touches.extend(touching(&[calls::PROVIDER], &["subscription.providers"]));
        touches
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let Some(id) = clients.target.given("azure.subscription") else {
            seen.put(&SUBSCRIPTION_RESOURCE, not_configured(clients, "azure.subscription"));
            seen.put(&SUBSCRIPTION_PROVIDERS, not_configured(clients, "azure.subscription"));
            return seen;
        };
        let scope = format!("/subscriptions/{id}");
        let (resource, providers) =
            futures::join!(clients.arm.get(&scope, SUBSCRIPTION_API), providers(clients, &scope));
        seen.put(&SUBSCRIPTION_RESOURCE, parsed(resource, parse_subscription));
        seen.put(&SUBSCRIPTION_PROVIDERS, providers);
        seen
    }
}

fn parse_subscription(answer: &Value) -> Result<Subscription, String> {
    Ok(Subscription {
        id: field::required(answer, "/subscriptionId")?,
        name: field::text(answer, "/displayName").unwrap_or_default(),
        state: field::text(answer, "/state").unwrap_or_else(|| "Unknown".into()),
        tenant_id: field::text(answer, "/tenantId").unwrap_or_default(),
    })
}

/// Each provider by itself: the list of all is long. One that could not be read leaves all of them unknown.
async fn providers(clients: &Clients, scope: &str) -> Observation<Vec<ProviderState>> {
    let names = clients.target.list("azure.providers");
    let asked = names.iter().map(|name| {
        let path = format!("{scope}/providers/{name}");
        async move { clients.arm.get(&path, PROVIDERS_API).await }
    });
    let mut origin = clients.origin("azure.providers".into(), String::new());
    let mut found = Vec::new();
    for (name, answer) in names.iter().zip(futures::future::join_all(asked).await) {
        origin = answer.origin;
        match answer.outcome {
            Outcome::Known(body) => found.push(ProviderState {
                name: name.clone(),
                state: field::text(&body, "/registrationState").unwrap_or_else(|| "Unknown".into()),
            }),
            Outcome::Absent => {
                found.push(ProviderState { name: name.clone(), state: "NotRegistered".into() });
            }
            Outcome::Unknown(reason) => return Observation::unknown(reason, origin),
        }
    }
    Observation::known(found, origin)
}

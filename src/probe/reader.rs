//! What the users hold on whose behalf subscriptions are discovered: at each subscription and above it.

use async_trait::async_trait;

use super::access::{access, at_subscriptions, user};
use super::{Clients, Probe, Seen, Touch, not_configured, touching};
use crate::client::{calls, field};
use crate::fact::{OBO_ACCESS, Observation, Snapshot};
use crate::target::Target;

const SUBSCRIPTION_API: &str = "2022-12-01";

pub(super) struct ReaderProbe;

#[async_trait]
impl Probe for ReaderProbe {
    fn name(&self) -> &'static str {
        "reader"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["obo.access"]
    }

    fn touches(&self, target: &Target) -> Vec<Touch> {
        if target.list("obo.users").is_empty() {
            return Vec::new();
        }
        let mut touches = at_subscriptions(&["obo.access"]);
        touches.extend(touching(&[calls::USER, calls::SUBSCRIPTION], &[]));
        touches
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let users = clients.target.list("obo.users");
        let mut subscriptions = clients.target.list("obo.subscriptions");
        if subscriptions.is_empty() {
            subscriptions.extend(clients.target.given("azure.subscription"));
        }
        if users.is_empty() || subscriptions.is_empty() {
            let setting = if users.is_empty() { "obo.users" } else { "obo.subscriptions" };
            seen.put(&OBO_ACCESS, not_configured(clients, setting));
            return seen;
        }
        let people = futures::future::join_all(users.iter().map(|id| user(clients, id)));
        let names = futures::future::join_all(subscriptions.iter().map(|id| name(clients, id)));
        let (people, names) = futures::join!(people, names);
        let asked = subscriptions.iter().zip(&names).flat_map(|(subscription, name)| {
            let scope = format!("/subscriptions/{subscription}");
            people.iter().map(move |person| {
                let scope = scope.clone();
                async move { access(clients, person, &scope, name.clone()).await }
            })
        });
        let answers = futures::future::join_all(asked).await;
        let origin = clients.origin(
            "GET /subscriptions/{id}/providers/Microsoft.Authorization/roleAssignments".into(),
            clients.target.text("azure.endpoints.arm"),
        );
        seen.put(&OBO_ACCESS, Observation::known(answers, origin));
        seen
    }
}

/// A subscription's name, else its id again.
async fn name(clients: &Clients, id: &str) -> String {
    let answer = clients.arm.get(&format!("/subscriptions/{id}"), SUBSCRIPTION_API).await;
    answer.value().and_then(|value| field::text(value, "/displayName")).unwrap_or_else(|| id.to_owned())
}

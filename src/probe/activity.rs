//! When something was last changed that carries no time of its own: from the Activity Log of the last hour.
//!
//! Only youth matters, so that an hour is enough; without the right to read the log an age stays unknown, and what
//! has no known age is never called settling.

use jiff::{SignedDuration, Timestamp};

use super::Clients;
use crate::client::field;
use crate::fact::{FederatedCredential, Outcome};

const ACTIVITY_API: &str = "2015-04-01";
/// How far back the log is asked.
const BACK: SignedDuration = SignedDuration::from_hours(1);

/// Dates the credentials that have no date.
pub(super) async fn date(clients: &Clients, credentials: &mut [FederatedCredential], list: &str) {
    if credentials.iter().all(|credential| credential.changed_at.is_some()) {
        return;
    }
    let Some(identity) = list.strip_suffix("/federatedIdentityCredentials") else { return };
    let Some(subscription) = field::id_part(identity, "subscriptions") else { return };
    let Ok(since) = Timestamp::now().checked_sub(BACK) else { return };
    let path =
        format!("/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values");
    let filter = format!(
        "eventTimestamp ge '{}' and resourceGroupName eq '{}'",
        since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        field::id_part(identity, "resourceGroups").unwrap_or_default()
    );
    let Outcome::Known(events) = clients.arm.list(&path, ACTIVITY_API, Some(&filter)).await.outcome else {
        return;
    };
    for event in &events {
        let (Some(id), Some(at)) = (field::text(event, "/resourceId"), field::time(event, "/eventTimestamp"))
        else {
            continue;
        };
        let written = field::text(event, "/operationName/value")
            .is_some_and(|name| name.to_ascii_lowercase().ends_with("/write"));
        let done = field::text(event, "/status/value").is_none_or(|status| status == "Succeeded");
        for credential in credentials.iter_mut().filter(|it| it.changed_at.is_none_or(|known| known < at)) {
            let own = format!("{list}/{}", credential.name);
            if written && done && id.eq_ignore_ascii_case(&own) {
                credential.changed_at = Some(at);
            }
        }
    }
}

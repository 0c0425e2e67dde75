//! What the gateway's pods present to Entra, beside what the identity trusts.

use std::cmp::Reverse;

use super::{CREDENTIAL_SPREAD_S, Derived, Lack, need, put, settled};
use crate::fact::{
    CLUSTER_RESOURCE, Comparison, FEDERATION_MISMATCH, FEDERATION_MODE, FEDERATION_NEAREST,
    FEDERATION_PRESENTED, FEDERATION_REPAIR, FEDERATION_SETTLED, FederatedCredential, FederationRepair,
    GATEWAY_DEPLOYMENT, GATEWAY_PODS, GATEWAY_SERVICE_ACCOUNTS, IDENTITY_CREDENTIALS, Presented,
    ProjectedToken, Reason, Snapshot,
};

/// Federated credentials that one identity can have (Entra, "Important considerations for federated
/// identity credentials").
const CREDENTIAL_LIMIT: usize = 20;

pub(super) fn derive(snapshot: &mut Snapshot) {
    let presented = presented(snapshot);
    put(
        snapshot,
        &FEDERATION_PRESENTED,
        &[CLUSTER_RESOURCE.name(), GATEWAY_PODS.name(), GATEWAY_DEPLOYMENT.name()],
        presented,
    );
    let from = [FEDERATION_PRESENTED.name(), IDENTITY_CREDENTIALS.name()];
    let compared = need(snapshot, &FEDERATION_PRESENTED)
        .and_then(|presented| Ok((presented, need(snapshot, &IDENTITY_CREDENTIALS)?)));
    let (nearest_fact, mismatch_fact, repair_fact) = match compared {
        Err(Lack::Absent(name)) => {
            (Err(Lack::Absent(name)), Err(Lack::Absent(name)), Err(Lack::Absent(name)))
        }
        Err(Lack::Unknown(name, reason)) => (
            Err(Lack::Unknown(name, reason.clone())),
            Err(Lack::Unknown(name, reason.clone())),
            Err(Lack::Unknown(name, reason)),
        ),
        Ok((presented, credentials)) => {
            let wanted = snapshot.setting("azure.credential");
            let nearest = nearest(&presented, &credentials, &wanted);
            let mismatch = mismatch(&presented, &credentials);
            let repair = match &mismatch {
                Ok(mismatch) => Ok(repair(snapshot, &presented, &credentials, nearest, mismatch)),
                Err(_) => Err(Lack::Absent(IDENTITY_CREDENTIALS.name())),
            };
            (
                nearest
                    .map(|at| compare(&presented, &credentials, at))
                    .ok_or(Lack::Absent(IDENTITY_CREDENTIALS.name())),
                mismatch.map(str::to_owned),
                repair,
            )
        }
    };
    put(snapshot, &FEDERATION_NEAREST, &from, nearest_fact);
    put(snapshot, &FEDERATION_MISMATCH, &from, mismatch_fact);
    put(snapshot, &FEDERATION_REPAIR, &from, repair_fact);
    let mode = mode(snapshot);
    put(snapshot, &FEDERATION_MODE, &[GATEWAY_PODS.name(), GATEWAY_DEPLOYMENT.name()], mode);
    let spread = spread(snapshot);
    put(snapshot, &FEDERATION_SETTLED, &[FEDERATION_MISMATCH.name(), IDENTITY_CREDENTIALS.name()], spread);
}

/// Variable that AKS identity bindings put into a container.
const BINDING_VARIABLE: &str = "AZURE_KUBERNETES_TOKEN_PROXY";

/// With identity bindings the cluster's own proxy stands for all of its service accounts: a pod whose only token is
/// for that proxy needs no credential of its own.
fn mode(snapshot: &Snapshot) -> Derived<String> {
    let pods = match need(snapshot, &GATEWAY_PODS) {
        Ok(pods) if !pods.is_empty() => pods,
        Ok(_) | Err(Lack::Absent(_)) => {
            return need(snapshot, &GATEWAY_DEPLOYMENT).map(|_| "credential".into());
        }
        Err(unknown) => return Err(unknown),
    };
    let bound = pods.iter().any(|pod| {
        let told = pod.containers.iter().any(|it| it.env.iter().any(|name| name == BINDING_VARIABLE));
        (told || pod.tokens.iter().any(ProjectedToken::is_for_binding))
            && !pod.tokens.iter().any(ProjectedToken::is_for_entra)
    });
    Ok(if bound { "identity-binding" } else { "credential" }.into())
}

/// Only a credential that is right can be settling: a mismatch never is.
fn spread(snapshot: &Snapshot) -> Derived<bool> {
    let presented = need(snapshot, &FEDERATION_PRESENTED)?;
    let credentials = need(snapshot, &IDENTITY_CREDENTIALS)?;
    let mut matching =
        credentials.iter().filter(|credential| differs(&presented, credential).is_empty()).peekable();
    if matching.peek().is_none() {
        return Err(Lack::Absent(IDENTITY_CREDENTIALS.name()));
    }
    settled(
        snapshot,
        matching.map(|credential| credential.changed_at),
        CREDENTIAL_SPREAD_S,
        "the federated credential is right and new",
        IDENTITY_CREDENTIALS.name(),
    )
}

/// The service account the newest pod runs as; where no pod exists, the one that the template names. Pods that could
/// not be read may run as another one than the template says.
fn service_account(snapshot: &Snapshot) -> Derived<String> {
    match need(snapshot, &GATEWAY_PODS) {
        Ok(pods) => {
            if let Some(newest) = pods.into_iter().max_by_key(|pod| pod.created_at) {
                return Ok(newest.service_account);
            }
        }
        Err(Lack::Absent(_)) => {}
        Err(unknown) => return Err(unknown),
    }
    need(snapshot, &GATEWAY_DEPLOYMENT).map(|deployment| deployment.service_account)
}

fn audience(snapshot: &Snapshot) -> String {
    let projected = snapshot.get(&GATEWAY_PODS).value().and_then(|pods| {
        let mut tokens = pods.iter().flat_map(|pod| &pod.tokens);
        tokens.find(|token| token.is_for_entra()).map(|token| token.audience.clone())
    });
    projected.unwrap_or_else(|| snapshot.setting("azure.audience"))
}

fn presented(snapshot: &Snapshot) -> Derived<Presented> {
    let cluster = need(snapshot, &CLUSTER_RESOURCE)?;
    let issuer = cluster.issuer_url.ok_or(Lack::Absent(CLUSTER_RESOURCE.name()))?;
    let account = service_account(snapshot)?;
    let namespace = snapshot.setting("kubernetes.namespace");
    if namespace.is_empty() {
        return Err(Lack::Unknown(
            GATEWAY_DEPLOYMENT.name(),
            Reason::NotConfigured { setting: "kubernetes.namespace".into() },
        ));
    }
    Ok(Presented {
        issuer,
        subject: format!("system:serviceaccount:{namespace}:{account}"),
        audience: audience(snapshot),
    })
}

fn differs(presented: &Presented, credential: &FederatedCredential) -> Vec<&'static str> {
    let mut fields = Vec::new();
    if credential.issuer != presented.issuer {
        fields.push("issuer");
    }
    if !credential.audiences.contains(&presented.audience) {
        fields.push("audience");
    }
    let trusted = match (&credential.subject, &credential.expression) {
        (Some(subject), _) => *subject == presented.subject,
        (None, Some(expression)) => claims_match(expression, &presented.subject) == Some(true),
        (None, None) => false,
    };
    if !trusted {
        fields.push("subject");
    }
    fields
}

/// Whether the expression of a flexible credential takes a subject; none where only Entra can tell. Its language knows
/// `eq`, and `matches` with `*` for any characters and `?` for one, joined by `and` (Entra, "Flexible federated identity
/// credentials").
fn claims_match(expression: &str, subject: &str) -> Option<bool> {
    let mut all = true;
    for part in expression.split(" and ") {
        let rest = part.trim().strip_prefix("claims['sub']")?.trim_start();
        let (operator, value) = rest.split_once(' ')?;
        let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        all &= match operator {
            "eq" => value == subject,
            "matches" => wildcard(value.as_bytes(), subject.as_bytes()),
            _ => return None,
        };
    }
    Some(all)
}

fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=text.len()).any(|from| wildcard(rest, &text[from..])),
        (Some((b'?', rest)), Some((_, left))) => wildcard(rest, left),
        (Some((one, rest)), Some((other, left))) if one == other => wildcard(rest, left),
        _ => false,
    }
}

/// Index of the credential that was most likely meant for these pods: first one that differs in what Entra complains of.
fn nearest(presented: &Presented, credentials: &[FederatedCredential], wanted: &str) -> Option<usize> {
    (0..credentials.len()).max_by_key(|&at| {
        let credential = &credentials[at];
        let subject = credential.subject.as_deref().unwrap_or_default();
        (
            credential.issuer == presented.issuer,
            subject == presented.subject,
            subject.eq_ignore_ascii_case(&presented.subject),
            Reverse(differs(presented, credential).len()),
            credential.name == wanted,
            shared_prefix(subject, &presented.subject),
            Reverse(at),
        )
    })
}

fn shared_prefix(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count()
}

/// What Entra would say, in its own order: issuer, then audience, then subject.
fn mismatch(presented: &Presented, credentials: &[FederatedCredential]) -> Derived<&'static str> {
    if credentials.is_empty() {
        return Ok("no-credential");
    }
    if credentials.iter().any(|credential| differs(presented, credential).is_empty()) {
        return Ok("none");
    }
    let same_issuer: Vec<_> =
        credentials.iter().filter(|credential| credential.issuer == presented.issuer).collect();
    if same_issuer.is_empty() {
        return Ok("issuer");
    }
    let unreadable = same_issuer.iter().find_map(|credential| {
        let expression = credential.expression.as_ref()?;
        claims_match(expression, &presented.subject).is_none().then_some(expression)
    });
    if let Some(expression) = unreadable {
        let detail = format!("only Entra can tell whether {expression} takes the subject");
        return Err(Lack::Unknown(IDENTITY_CREDENTIALS.name(), Reason::Malformed { detail }));
    }
    let subject_is = |same: fn(&str, &str) -> bool| {
        same_issuer.iter().any(|credential| {
            credential.subject.as_deref().is_some_and(|subject| same(subject, &presented.subject))
        })
    };
    let by_expression = same_issuer.iter().any(|it| {
        it.expression.as_ref().is_some_and(|one| claims_match(one, &presented.subject) == Some(true))
    });
    Ok(if subject_is(|one, other| one == other) || by_expression {
        "audience"
    } else if subject_is(str::eq_ignore_ascii_case) {
        "subject-case"
    } else {
        "subject"
    })
}

fn compare(presented: &Presented, credentials: &[FederatedCredential], at: usize) -> Comparison {
    let credential = &credentials[at];
    Comparison {
        name: credential.name.clone(),
        issuer: credential.issuer.clone(),
        subject: credential.subject.clone().or_else(|| credential.expression.clone()).unwrap_or_default(),
        audience: credential.audiences.join(", "),
        differs: differs(presented, credential).into_iter().map(str::to_owned).collect(),
        position: i64::try_from(at + 1).unwrap_or(i64::MAX),
        of: i64::try_from(credentials.len()).unwrap_or(i64::MAX),
    }
}

fn account_of(subject: &str) -> Option<(&str, &str)> {
    subject.strip_prefix("system:serviceaccount:")?.split_once(':')
}

/// How to mend it without pointing trust at an account that nobody meant, and without taking a
/// credential away from another cluster or account that may rest on it.
fn repair(
    snapshot: &Snapshot,
    presented: &Presented,
    credentials: &[FederatedCredential],
    nearest: Option<usize>,
    mismatch: &str,
) -> FederationRepair {
    let wanted_name = snapshot.setting("azure.credential");
    let answer = |how: &str, credential: &str, why: &str| FederationRepair {
        how: how.into(),
        credential: credential.into(),
        why: why.into(),
    };
    if mismatch == "none" {
        return answer("none", "", "");
    }
    let namespace = snapshot.setting("kubernetes.namespace");
    let expected = snapshot.setting("kubernetes.service_account");
    let explicit =
        snapshot.target.get("kubernetes.service_account").is_some_and(|setting| setting.origin != "default");
    let account = account_of(&presented.subject).map_or("", |(_, account)| account);
    let expected_subject = format!("system:serviceaccount:{namespace}:{expected}");
    let expected_is_trusted =
        credentials.iter().any(|credential| credential.subject.as_deref() == Some(&expected_subject));
    if account != expected && (account == "default" || expected_is_trusted || explicit) {
        return answer(
            "deployment",
            "",
            "the pods run as another service account than the one that is meant to be trusted",
        );
    }
    if let Some(near) = nearest.map(|at| &credentials[at])
        && near.issuer == presented.issuer
    {
        if near.subject.as_deref() == Some(&presented.subject) {
            return answer("update", &near.name, "an identity takes one credential per issuer and subject");
        }
        if belongs_to_nobody(snapshot, near, &namespace) {
            return answer(
                "update",
                &near.name,
                "its issuer is this cluster's, and its subject belongs to no service account",
            );
        }
    }
    if credentials.len() >= CREDENTIAL_LIMIT {
        return answer("limit", "", "the identity has as many credentials as an identity can have");
    }
    answer(
        "create",
        &free_name(&wanted_name, &snapshot.setting("azure.cluster"), credentials),
        "the credentials that exist may serve another cluster or service account",
    )
}

/// Whether a credential's subject is surely no existing service account's.
fn belongs_to_nobody(snapshot: &Snapshot, credential: &FederatedCredential, namespace: &str) -> bool {
    let accounts = snapshot.get(&GATEWAY_SERVICE_ACCOUNTS);
    let (Some(accounts), Some(subject)) = (accounts.value(), credential.subject.as_deref()) else {
        return false;
    };
    match account_of(subject) {
        // The API server knows no such name, in whatever letter case it is written there.
        Some((its_namespace, account)) if its_namespace.trim() == namespace => {
            !accounts.iter().any(|known| known == account)
        }
        // Another namespace was not looked at; its account may exist.
        Some((its_namespace, _)) => {
            its_namespace.eq_ignore_ascii_case(namespace) && its_namespace != namespace
        }
        None => true,
    }
}

fn free_name(wanted: &str, cluster: &str, credentials: &[FederatedCredential]) -> String {
    let taken = |name: &str| credentials.iter().any(|credential| credential.name.eq_ignore_ascii_case(name));
    if !taken(wanted) {
        return wanted.to_owned();
    }
    let with_cluster = format!("{wanted}-{cluster}");
    if !taken(&with_cluster) {
        return with_cluster;
    }
    (2..=credentials.len() + 2)
        .map(|n| format!("{with_cluster}-{n}"))
        .find(|name| !taken(name))
        .unwrap_or(with_cluster)
}

#[cfg(test)]
mod tests {
    use super::claims_match;

    #[test]
    fn expressions_are_read_as_entra_reads_them() {
        let subject = "system:serviceaccount:mazevault:mazevault-gateway-sa";
        for (expression, takes) in [
            ("claims['sub'] matches 'system:serviceaccount:mazevault:*'", Some(true)),
            ("claims['sub'] matches 'system:serviceaccount:*:mazevault-gateway-s?'", Some(true)),
            ("claims['sub'] matches 'system:serviceaccount:other:*'", Some(false)),
            ("claims['sub'] eq 'system:serviceaccount:mazevault:mazevault-gateway-sa'", Some(true)),
            ("claims['sub'] matches 'system:*' and claims['sub'] matches '*-sa'", Some(true)),
            ("claims['sub'] matches 'system:*' and claims['job_workflow_ref'] matches 'x'", None),
            ("something else", None),
        ] {
            assert_eq!(claims_match(expression, subject), takes, "{expression}");
        }
    }
}

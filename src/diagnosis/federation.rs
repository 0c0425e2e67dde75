//! Federation field by field: what the deployment wants, what its pods present, and what the identity trusts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fact::{
    CLUSTER_RESOURCE, FEDERATION_NEAREST, FEDERATION_PRESENTED, FederatedCredential, IDENTITY_CREDENTIALS,
    Snapshot,
};

/// A value that a credential trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    /// The credential.
    pub credential: String,
    /// The value, or the expression that stands for it.
    pub value: String,
    /// Whether it is the credential that comes nearest to what the pods present.
    pub nearest: bool,
}

/// One field of a token and of the credentials that should trust it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// `issuer`, `subject` or `audience`.
    pub name: String,
    /// What the deployment wants; none where that is not known.
    pub wanted: Option<String>,
    /// What the pods present; none where that is not known.
    pub presented: Option<String>,
    /// What each credential trusts.
    pub trusted: Vec<Trusted>,
}

/// The three fields; none where neither pods nor credentials are known.
pub(super) fn compare(snapshot: &Snapshot) -> Vec<Field> {
    let presented = snapshot.get(&FEDERATION_PRESENTED).value().cloned();
    let credentials = snapshot.get(&IDENTITY_CREDENTIALS).value().cloned();
    if presented.is_none() && credentials.is_none() {
        return Vec::new();
    }
    let nearest = snapshot.get(&FEDERATION_NEAREST).value().map(|nearest| nearest.name.clone());
    let issuer = snapshot.get(&CLUSTER_RESOURCE).value().and_then(|cluster| cluster.issuer_url.clone());
    let set = |name: &str| Some(snapshot.setting(name)).filter(|value| !value.is_empty());
    let subject = set("kubernetes.namespace")
        .zip(set("kubernetes.service_account"))
        .map(|(namespace, account)| format!("system:serviceaccount:{namespace}:{account}"));
    let credentials = credentials.unwrap_or_default();
    let field = |name: &str,
                 wanted: Option<String>,
                 presented: Option<String>,
                 value: &dyn Fn(&FederatedCredential) -> String| Field {
        name: name.to_owned(),
        wanted,
        presented,
        trusted: credentials
            .iter()
            .map(|credential| Trusted {
                credential: credential.name.clone(),
                value: value(credential),
                nearest: nearest.as_ref() == Some(&credential.name),
            })
            .collect(),
    };
    let has = |part: fn(&crate::fact::Presented) -> &String| presented.as_ref().map(|it| part(it).clone());
    vec![
        field("issuer", issuer, has(|it| &it.issuer), &|it| it.issuer.clone()),
        field("subject", subject, has(|it| &it.subject), &|it| {
            it.subject.clone().or(it.expression.clone()).unwrap_or_default()
        }),
        field("audience", set("azure.audience"), has(|it| &it.audience), &|it| it.audiences.join(", ")),
    ]
}

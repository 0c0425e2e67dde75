//! Finding a deployment that is not configured by name: from the cluster that a kubeconfig names, the Azure login and
//! the Docker engine. What is found is taken over a default, never over what somebody configured; where more than
//! one thing fits, none is taken.

use serde_json::Value;

use super::Target;
use crate::client::variables::{self, Maps, Variables};
use crate::client::{Allowed, Arm, Docker, Kubernetes, calls, field};
use crate::fact::Outcome;

/// Calls that discovery makes.
pub const DISCOVERY: &[Allowed] = &[
    calls::DEPLOYMENTS_EVERYWHERE,
    calls::DEPLOYMENTS,
    calls::ACCOUNTS,
    calls::CONFIG_MAP,
    calls::SECRET_CLASSES,
    calls::CLUSTER_DISCOVERY,
    calls::SUBSCRIPTIONS,
    calls::CLUSTERS,
    calls::IDENTITIES,
    calls::CONTAINERS,
];

const SUBSCRIPTION_API: &str = "2022-12-01";
const CLUSTER_API: &str = "2024-09-01";
const IDENTITY_API: &str = "2023-01-31";
/// Subscriptions that are looked through where none is configured.
const MOST_SUBSCRIPTIONS: usize = 20;
/// Variable that tells gateway from Primary, and the repository that both are built from.
const MODE: &str = "MAZEVAULT_MODE";
const BACKEND_IMAGE: &str = "mazevault-backend";
const CLIENT_ID: &str = "/metadata/annotations/azure.workload.identity~1client-id";

/// What discovery may ask.
pub struct Surroundings<'a> {
    /// Resource Manager.
    pub arm: &'a Arm,
    /// The cluster's API, where a kubeconfig leads to one.
    pub kubernetes: Option<&'a Kubernetes>,
    /// The Docker engine.
    pub docker: &'a Docker,
}

/// A setting that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Dotted name.
    pub setting: &'static str,
    /// Its value.
    pub value: Value,
    /// How it was found, a few words.
    pub how: String,
}

fn found(setting: &'static str, value: impl Into<Value>, how: impl Into<String>) -> Found {
    Found { setting, value: value.into(), how: how.into() }
}

/// Looks for what is not configured. What cannot be asked is left as it is.
pub async fn discover(target: &Target, around: &Surroundings<'_>) -> Vec<Found> {
    // What Azure lists is asked for meanwhile: which of it fits, the cluster says.
    let (in_cluster, project, listed) = futures::join!(
        in_cluster(target, around),
        compose_project(target, around),
        listed_in_azure(target, around)
    );
    let mut all = in_cluster.found;
    all.extend(project);
    if let Some(listed) = listed {
        all.extend(in_azure(target, around, &in_cluster.links, listed).await);
    }
    all
}

/// What leads from the cluster to Azure.
#[derive(Default)]
struct Links {
    issuer: Option<String>,
    server: Option<String>,
    client_id: Option<String>,
}

#[derive(Default)]
struct InCluster {
    found: Vec<Found>,
    links: Links,
}

async fn in_cluster(target: &Target, around: &Surroundings<'_>) -> InCluster {
    let Some(kubernetes) = around.kubernetes else { return InCluster::default() };
    let mut all = InCluster::default();
    let (deployment, document) =
        futures::join!(deployment(target, kubernetes), kubernetes.get("/.well-known/openid-configuration"));
    all.links.issuer = document.value().and_then(|document| field::text(document, "/issuer"));
    all.links.server = Some(kubernetes.server().to_owned());
    let Some(deployment) = deployment else { return all };
    let namespace = field::text(&deployment, "/metadata/namespace").unwrap_or_default();
    let name = field::text(&deployment, "/metadata/name").unwrap_or_default();
    let how = format!("deployment {namespace}/{name}");
    let ask = async |path: String| kubernetes.get(&path).await;
    let maps = variables::config_maps(&namespace, &deployment, ask).await;
    all.found.extend(workload(target, &deployment, &maps, (&namespace, &name), &how));

    let spec = deployment.pointer("/spec/template/spec").unwrap_or(&Value::Null);
    let account = field::text(spec, "/serviceAccountName").unwrap_or_else(|| "default".into());
    let mounted: Vec<String> = field::list(spec, "/volumes")
        .iter()
        .filter_map(|volume| field::text(volume, "/csi/volumeAttributes/secretProviderClass"))
        .collect();
    let accounts = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
    let classes = format!("/apis/secrets-store.csi.x-k8s.io/v1/namespaces/{namespace}/secretproviderclasses");
    let (accounts, classes) = futures::join!(kubernetes.list(&accounts), kubernetes.list(&classes));
    let annotated = accounts
        .value()
        .and_then(|items| {
            items.iter().find(|it| field::text(it, "/metadata/name").as_ref() == Some(&account))
        })
        .and_then(|it| field::text(it, CLIENT_ID));
    let class = classes.value().and_then(|items| {
        items.iter().find(|it| field::text(it, "/metadata/name").is_some_and(|name| mounted.contains(&name)))
    });
    if let Some(class) = class {
        let parameter = |name: &str| field::text(class, &format!("/spec/parameters/{name}"));
        let from = format!("class {}", field::text(class, "/metadata/name").unwrap_or_default());
        if let Some(tenant) = parameter("tenantID").or_else(|| parameter("tenantId")) {
            all.found.push(found("azure.tenant", tenant, &from));
        }
        if let Some(vault) = parameter("keyvaultName") {
            all.found.push(found("azure.vault", vault, &from));
        }
        all.links.client_id = annotated.or_else(|| parameter("clientID"));
    } else {
        all.links.client_id = annotated;
    }
    all
}

/// The gateway's Deployment: the configured one, the runbook's, or the only one that looks like a gateway.
async fn deployment(target: &Target, kubernetes: &Kubernetes) -> Option<Value> {
    let namespace = target.text("kubernetes.namespace");
    let name = target.text("kubernetes.deployment");
    let here = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
    let everywhere = kubernetes.list("/apis/apps/v1/deployments").await;
    let items = match everywhere.outcome {
        Outcome::Known(items) if target.is_open("kubernetes.namespace") => items,
        // One namespace may be readable where all together are not.
        Outcome::Known(_) | Outcome::Absent | Outcome::Unknown(_) => {
            match kubernetes.list(&here).await.outcome {
                Outcome::Known(items) => items,
                Outcome::Absent | Outcome::Unknown(_) => return None,
            }
        }
    };
    let at =
        |item: &&Value, pointer: &str, wanted: &str| field::text(item, pointer).as_deref() == Some(wanted);
    let by_name =
        items.iter().find(|it| at(it, "/metadata/namespace", &namespace) && at(it, "/metadata/name", &name));
    if let Some(item) = by_name {
        return Some(item.clone());
    }
    if !target.is_open("kubernetes.deployment") {
        return None;
    }
    let selector = target.text("kubernetes.selector");
    // What says so of itself comes first; where nothing does, the mode may stand in a config map.
    let says_so = |item: &Value| is_gateway(item, &selector);
    let looks_so: [&dyn Fn(&Value) -> bool; 2] = [&says_so, &runs_the_backend];
    looks_so.iter().find_map(|fits| {
        let mut candidates = items.iter().filter(|item| fits(item));
        match (candidates.next(), candidates.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    })
}

/// A Deployment of the vendor's image: in Azure that is the gateway.
fn runs_the_backend(item: &Value) -> bool {
    field::list(item, "/spec/template/spec/containers").iter().any(|container| {
        let image = field::text(container, "/image").unwrap_or_default();
        let repository = image.rsplit('/').next().unwrap_or_default();
        repository.split([':', '@']).next() == Some(BACKEND_IMAGE)
    })
}

/// A Deployment that says of itself that it is a gateway: by mode, or by the label of the runbook's pods.
fn is_gateway(item: &Value, selector: &str) -> bool {
    let by_mode = field::list(item, "/spec/template/spec/containers").iter().any(|container| {
        field::list(container, "/env").iter().any(|variable| {
            field::text(variable, "/name").as_deref() == Some(MODE)
                && field::text(variable, "/value").as_deref() == Some("gateway")
        })
    });
    let labels = field::map(item, "/spec/template/metadata/labels");
    let by_label = selector
        .split_once('=')
        .is_some_and(|(name, value)| labels.get(name).is_some_and(|it| it == value.trim_start_matches('=')));
    by_mode || by_label
}

fn workload(
    target: &Target,
    item: &Value,
    maps: &Maps,
    (namespace, name): (&str, &str),
    how: &str,
) -> Vec<Found> {
    let mut all = Vec::new();
    // Even where they are what the defaults say: those follow the environment, which may be found to be another one.
    all.push(found("kubernetes.namespace", namespace, how));
    all.push(found("kubernetes.deployment", name, how));
    let labels = field::map(item, "/spec/selector/matchLabels");
    let selector: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let selector = selector.join(",");
    if !selector.is_empty() {
        all.push(found("kubernetes.selector", selector, how));
    }
    let wanted = target.given("kubernetes.container");
    let told: Vec<(String, Variables)> = field::list(item, "/spec/template/spec/containers")
        .iter()
        .filter_map(|one| Some((field::text(one, "/name")?, variables::of(one, maps))))
        .collect();
    let by_mode =
        |(_, it): &&(String, Variables)| it.settings.get(MODE).is_some_and(|mode| mode == "gateway");
    let container = match &wanted {
        Some(wanted) => told.iter().find(|(name, _)| name == wanted),
        None => told.iter().find(by_mode).or(told.first()),
    };
    let Some((container, told)) = container else { return all };
    if wanted.is_none() {
        all.push(found("kubernetes.container", container.as_str(), how));
    }
    for (name, value) in told.settings.clone() {
        let from = format!("{name} of {how}");
        match name.as_str() {
            "GATEWAY_NAME" if value != target.text("gateway.name") => {
                all.push(found("gateway.name", value, from));
            }
            "MAZEVAULT_GATEWAY_ENVIRONMENT" if !value.eq_ignore_ascii_case(&target.text("environment")) => {
                all.push(found("environment", value.to_lowercase(), from));
            }
            "MAZEVAULT_GATEWAY_ROLE" if value == "dr-standby" => {
                all.push(found("gateway.role", value, from));
            }
            "PRIMARY_BACKEND_URL" if url::Url::parse(&value).is_ok_and(|it| it.has_host()) => {
                all.push(found("primary.url", value, from));
            }
            _ => {}
        }
    }
    all
}

/// What the subscriptions hold.
struct Listed {
    subscriptions: Vec<String>,
    clusters: Vec<Value>,
    identities: Vec<Value>,
    /// Whether every list of identities was answered.
    whole: bool,
}

async fn listed_in_azure(target: &Target, around: &Surroundings<'_>) -> Option<Listed> {
    let open = ["azure.cluster", "azure.resource_group", "azure.identity"];
    if !open.iter().any(|name| target.is_open(name)) && target.given("azure.subscription").is_some() {
        return None;
    }
    let subscriptions = match target.given("azure.subscription") {
        Some(id) => vec![id],
        None => visible(around.arm).await,
    };
    let ((clusters, _), (identities, whole)) = futures::join!(
        gather(around.arm, &subscriptions, "Microsoft.ContainerService/managedClusters", CLUSTER_API),
        gather(around.arm, &subscriptions, "Microsoft.ManagedIdentity/userAssignedIdentities", IDENTITY_API),
    );
    Some(Listed { subscriptions, clusters, identities, whole })
}

async fn in_azure(target: &Target, around: &Surroundings<'_>, links: &Links, listed: Listed) -> Vec<Found> {
    let wants_cluster = target.is_open("azure.cluster") || target.is_open("azure.resource_group");
    let wants_identity = target.is_open("azure.identity") && links.client_id.is_some();
    let Listed { subscriptions, clusters, mut identities, mut whole } = listed;
    let mut all = Vec::new();
    if wants_cluster && let Some((cluster, how)) = cluster(&clusters, links) {
        let id = field::text(cluster, "/id").unwrap_or_default();
        if let (Some(subscription), Some(group), Some(name)) = (
            field::id_part(&id, "subscriptions"),
            field::id_part(&id, "resourceGroups"),
            field::text(cluster, "/name"),
        ) {
            all.push(found("azure.subscription", subscription, how));
            all.push(found("azure.resource_group", group, how));
            all.push(found("azure.cluster", name, how));
        }
    } else if target.given("azure.subscription").is_none()
        && let [only] = subscriptions.as_slice()
    {
        all.push(found("azure.subscription", only.clone(), "the only one that this login sees"));
    }
    if !wants_identity {
        return all;
    }
    let client_id = links.client_id.clone().unwrap_or_default();
    let has_it = |item: &Value| {
        field::text(item, "/properties/clientId").is_some_and(|it| it.eq_ignore_ascii_case(&client_id))
    };
    if !identities.iter().any(has_it) && target.given("azure.subscription").is_some() {
        // The identity may lie in another subscription than the cluster.
        let others: Vec<String> =
            visible(around.arm).await.into_iter().filter(|id| !subscriptions.contains(id)).collect();
        let before = whole;
        (identities, whole) =
            gather(around.arm, &others, "Microsoft.ManagedIdentity/userAssignedIdentities", IDENTITY_API)
                .await;
        whole &= before;
    }
    if let Some(identity) = identities.iter().find(|item| has_it(item)) {
        all.extend(identity_settings(target, identity, &all));
    } else if whole && !subscriptions.is_empty() {
        // The runbook's name stands for an identity that was looked for by its client id, and is not there.
        let how = format!("no identity has the client id {client_id}");
        all.push(found("azure.identity", target.text("azure.identity"), how));
    }
    all
}

fn identity_settings(target: &Target, identity: &Value, before: &[Found]) -> Vec<Found> {
    let how = "its client id";
    let setting = |name: &str| {
        let now = before.iter().find(|it| it.setting == name).and_then(|it| it.value.as_str());
        now.map_or_else(|| target.text(name), str::to_owned)
    };
    let id = field::text(identity, "/id").unwrap_or_default();
    let mut all = Vec::new();
    if let Some(name) = field::text(identity, "/name")
        && name != target.text("azure.identity")
    {
        all.push(found("azure.identity", name, how));
    }
    if let Some(group) = field::id_part(&id, "resourceGroups")
        && !group.eq_ignore_ascii_case(&setting("azure.resource_group"))
    {
        all.push(found("azure.identity_resource_group", group, how));
    }
    if let Some(subscription) = field::id_part(&id, "subscriptions")
        && !subscription.eq_ignore_ascii_case(&setting("azure.subscription"))
    {
        all.push(found("azure.identity_subscription", subscription, how));
    }
    all
}

async fn visible(arm: &Arm) -> Vec<String> {
    let listed = arm.list("/subscriptions", SUBSCRIPTION_API, None).await;
    let items = listed.value().map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| field::text(item, "/subscriptionId")).take(MOST_SUBSCRIPTIONS).collect()
}

/// Everything of a kind, and whether every subscription could be looked in.
async fn gather(arm: &Arm, subscriptions: &[String], kind: &str, api: &str) -> (Vec<Value>, bool) {
    let asked = subscriptions.iter().map(|id| {
        let path = format!("/subscriptions/{id}/providers/{kind}");
        async move { arm.list(&path, api, None).await }
    });
    let answers = futures::future::join_all(asked).await;
    let whole = answers.iter().all(|answer| answer.value().is_some());
    (answers.into_iter().filter_map(|answer| answer.value().cloned()).flatten().collect(), whole)
}

/// The cluster whose issuer the API server publishes, else whose name the kubeconfig points at.
fn cluster<'a>(clusters: &'a [Value], links: &Links) -> Option<(&'a Value, &'static str)> {
    let host = links.server.as_deref().and_then(|server| {
        url::Url::parse(server).ok().and_then(|url| url.host_str().map(str::to_lowercase))
    });
    let by_issuer = |item: &&Value| {
        let issuer = field::text(item, "/properties/oidcIssuerProfile/issuerUrl");
        issuer.is_some() && issuer == links.issuer
    };
    let by_name = |item: &&Value| {
        ["/properties/fqdn", "/properties/privateFQDN"].iter().any(|pointer| {
            field::text(item, pointer).map(|name| name.to_lowercase()) == host && host.is_some()
        })
    };
    let issuer = clusters.iter().find(by_issuer).map(|it| (it, "its issuer"));
    issuer.or_else(|| clusters.iter().find(by_name).map(|it| (it, "the API server's name")))
}

/// The Compose project that has the Primary's backend, where the default one has not and exactly one other has.
async fn compose_project(target: &Target, around: &Surroundings<'_>) -> Vec<Found> {
    if !target.is_open("primary.compose_project") {
        return Vec::new();
    }
    let backend = target.text("primary.backend_service");
    let composed = around.docker.composed().await;
    let mut projects: Vec<String> = composed
        .value()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .filter(|it| {
            it.image.contains("mazevault")
                && (it.service == backend || it.image.contains("mazevault-backend"))
        })
        .map(|it| it.project.clone())
        .collect();
    projects.sort();
    projects.dedup();
    match projects.as_slice() {
        [only] if *only != target.text("primary.compose_project") => {
            vec![found("primary.compose_project", only.clone(), "its containers' labels")]
        }
        _ => Vec::new(),
    }
}

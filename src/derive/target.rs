//! Whether what was reached is the deployment that was asked for.

use url::Url;

use super::{Derived, Lack, need, put};
use crate::fact::{
    CLUSTER_API, CLUSTER_RESOURCE, Cluster, ClusterApi, Disagreement, GATEWAY_DEPLOYMENT, Outcome,
    PRIMARY_PROJECTS, RUN_DISAGREEMENTS, RUN_LOGIN, Reason, SUBSCRIPTION_RESOURCE, Snapshot,
};

/// End of the names of AKS API servers.
const AKS: &str = ".azmk8s.io";

pub(super) fn derive(snapshot: &mut Snapshot) {
    let found = disagreements(snapshot);
    put(
        snapshot,
        &RUN_DISAGREEMENTS,
        &[CLUSTER_RESOURCE.name(), CLUSTER_API.name(), SUBSCRIPTION_RESOURCE.name(), RUN_LOGIN.name()],
        found,
    );
}

/// Where a setting comes from, when somebody configured it.
fn configured(snapshot: &Snapshot, name: &str) -> Option<String> {
    let setting = snapshot.target.get(name)?;
    let chosen = setting.origin != "default" && !setting.origin.starts_with("found:");
    let value = snapshot.setting(name);
    (chosen && !value.is_empty()).then_some(value)
}

fn disagreements(snapshot: &Snapshot) -> Derived<Vec<Disagreement>> {
    let mut found = Vec::new();
    let compared = cluster(snapshot, &mut found);
    tenant(snapshot, &mut found);
    environment(snapshot, &mut found);
    project(snapshot, &mut found);
    // What disagrees is sure; that all of it agrees is not while the cluster could not be compared.
    if found.is_empty() { compared.map(|()| found) } else { Ok(found) }
}

fn cluster(snapshot: &Snapshot, found: &mut Vec<Disagreement>) -> Derived<()> {
    let cluster = match need(snapshot, &CLUSTER_RESOURCE) {
        Ok(cluster) => cluster,
        // A cluster that is not there is another finding's matter.
        Err(Lack::Absent(_)) => return Ok(()),
        Err(unknown) => return Err(unknown),
    };
    let api = match need(snapshot, &CLUSTER_API) {
        Ok(api) => api,
        Err(Lack::Absent(_)) => return Ok(()),
        Err(unknown) => return Err(unknown),
    };
    compare(&cluster, &api, found)
}

fn compare(cluster: &Cluster, api: &ClusterApi, found: &mut Vec<Disagreement>) -> Derived<()> {
    if let (Some(theirs), Some(asked)) = (&api.issuer, &cluster.issuer_url) {
        if theirs != asked {
            found.push(Disagreement {
                what: "issuer".into(),
                asked: format!("{asked} ({})", cluster.name),
                reached: format!("{theirs} (API server {})", api.server),
            });
        }
        return Ok(());
    }
    let host = Url::parse(&api.server).ok().and_then(|url| url.host_str().map(str::to_lowercase));
    let (Some(host), Some(name)) = (host, cluster.fqdn.as_ref().map(|it| it.to_lowercase())) else {
        return Ok(());
    };
    if host == name {
        return Ok(());
    }
    if host.ends_with(AKS) {
        found.push(Disagreement {
            what: "API server".into(),
            asked: format!("{name} ({})", cluster.name),
            reached: host,
        });
        return Ok(());
    }
    // A tunnel or a proxy stands between, and the document that would tell may not be read.
    let option = "get of /.well-known/openid-configuration, or the API server by its own name".into();
    Err(Lack::Unknown(CLUSTER_API.name(), Reason::NotAsked { option }))
}

fn tenant(snapshot: &Snapshot, found: &mut Vec<Disagreement>) {
    let Some(asked) = configured(snapshot, "azure.tenant") else { return };
    let login = snapshot.get(&RUN_LOGIN).value().and_then(|login| login.tenant.clone());
    let subscription = snapshot.get(&SUBSCRIPTION_RESOURCE).value().map(|it| it.tenant_id.clone());
    for (whose, reached) in [("this login", login), ("the subscription", subscription)] {
        if let Some(reached) = reached
            && !reached.is_empty()
            && !reached.eq_ignore_ascii_case(&asked)
        {
            found.push(Disagreement {
                what: "tenant".into(),
                asked: asked.clone(),
                reached: format!("{reached} ({whose})"),
            });
        }
    }
}

fn environment(snapshot: &Snapshot, found: &mut Vec<Disagreement>) {
    let Some(asked) = configured(snapshot, "environment") else { return };
    let Outcome::Known(deployment) = snapshot.get(&GATEWAY_DEPLOYMENT).outcome else { return };
    let Ok(container) = super::workload::container(snapshot, &deployment) else { return };
    if let Some(serves) = container.settings.get("MAZEVAULT_GATEWAY_ENVIRONMENT")
        && !serves.trim().eq_ignore_ascii_case(&asked)
    {
        found.push(Disagreement {
            what: "environment".into(),
            asked,
            reached: format!("{serves} (deployment {})", deployment.name),
        });
    }
}

fn project(snapshot: &Snapshot, found: &mut Vec<Disagreement>) {
    let Some(asked) = configured(snapshot, "primary.compose_project") else { return };
    let Outcome::Known(projects) = snapshot.get(&PRIMARY_PROJECTS).outcome else { return };
    if !projects.is_empty() && !projects.contains(&asked) {
        found.push(Disagreement { what: "Compose project".into(), asked, reached: projects.join(", ") });
    }
}

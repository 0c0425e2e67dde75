//! Starting every server of a world, and what the tool is told to reach them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::certificate::Authority;
use super::database::GATEWAY_DATABASE;
use super::serve::{Servers, failed};
use super::{LabError, World, arm, database, dns, docker, entra, imds, kubernetes, primary, registry};

/// A staged deployment. Dropping it stops the servers and removes its folder.
pub struct Lab {
    world: Arc<World>,
    servers: Servers,
    folder: TempDir,
    settings: BTreeMap<String, Value>,
    facts: Vec<(String, String)>,
}

/// Starts every server of a world.
pub async fn stage(world: World) -> Result<Lab, LabError> {
    let world = Arc::new(world);
    let folder = tempfile::Builder::new().prefix("mzv-doctor-lab").tempdir().map_err(failed)?;
    let mut servers = Servers { delay: Duration::from_millis(world.latency_ms), ..Servers::default() };
    let here = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let azure_authority = Authority::new("MazeVault lab, Azure")?;
    let primary_authority = Authority::new("MazeVault lab, Primary")?;
    let cluster_authority = Authority::new("MazeVault lab, cluster")?;

    let azure_tls = azure_authority.server(&here, None)?;
    let w = || Arc::clone(&world);
    let arm = servers.tcp(Arc::new(arm::Arm(w())), Some(Arc::clone(&azure_tls))).await?;
    let graph = servers.tcp(Arc::new(arm::Graph(w())), Some(Arc::clone(&azure_tls))).await?;
    let entra = servers.tcp(Arc::new(entra::Entra::new(w())), Some(azure_tls)).await?;
    let issuer_host = issuer_host(&world);
    let issuer_tls = azure_authority.server(std::slice::from_ref(&issuer_host), None)?;
    let issuer = servers.tcp(Arc::new(entra::ClusterIssuer(w())), Some(issuer_tls)).await?;
    let registry_host = world.registry.host.clone();
    let registry_tls = azure_authority.server(std::slice::from_ref(&registry_host), None)?;
    let registry = servers.tcp(Arc::new(registry::Registry(w())), Some(registry_tls)).await?;
    let imds = servers.tcp(Arc::new(imds::Imds(w())), None).await?;
    let cluster_tls = cluster_authority.server(&here, None)?;
    let cluster = servers.tcp(Arc::new(kubernetes::Kubernetes(w())), Some(cluster_tls)).await?;
    let primary_tls = primary_authority.server(&world.primary.names, Some(validity(&world)?))?;
    let primary = servers.tcp(Arc::new(primary::Primary(w(), AtomicU32::new(0))), Some(primary_tls)).await?;
    let socket = folder.path().join("docker.sock");
    if world.fault("docker") != Some("unreachable") {
        servers.unix(Arc::new(docker::Docker(w())), &socket)?;
    }
    let database = database::serve(&mut servers.tasks, w()).await?;
    let names = dns::serve(&mut servers.tasks, w()).await?;

    let write = |name: &str, text: &str| -> Result<String, LabError> {
        let path = folder.path().join(name);
        std::fs::write(&path, text).map_err(failed)?;
        Ok(path.display().to_string())
    };
    let of_primary = if world.primary.trusted { primary_authority.pem.as_str() } else { "" };
    let authorities = write("ca.pem", &format!("{}{of_primary}", azure_authority.pem))?;
    let cluster_ca = write("cluster-ca.pem", &cluster_authority.pem)?;
    let kubeconfig = write("kubeconfig", &kubeconfig(&world, &format!("https://{cluster}"), &cluster_ca))?;
    let database_url = format!("postgres://mazevault@{database}/mazevault?sslmode=disable");
    let gateway_url = format!("postgres://mazevault@{database}/{GATEWAY_DATABASE}?sslmode=disable");
    let host = format!("{}:{}", world.primary.host, world.primary.port);
    let docker = socket.display().to_string();
    let mut settings: BTreeMap<String, Value> = [
        ("run.vantage", json!("operator")),
        ("azure.cloud", json!("custom")),
        ("azure.endpoints.arm", json!(format!("https://{arm}"))),
        ("azure.endpoints.graph", json!(format!("https://{graph}"))),
        ("azure.endpoints.entra", json!(format!("https://{entra}"))),
        ("azure.login", json!("service-principal")),
        ("azure.tenant", json!(world.azure.tenant)),
        ("azure.subscription", json!(world.azure.subscriptions.keys().next())),
        ("azure.client_id", json!(world.azure.login.client_id)),
        ("azure.client_secret_file", json!(write("client-secret", &world.azure.login.client_secret)?)),
        ("imds.endpoint", json!(format!("http://{imds}"))),
        ("kubernetes.kubeconfig", json!(kubeconfig)),
        ("kubernetes.context", json!("lab")),
        ("primary.url", json!(format!("https://{host}"))),
        ("primary.token_file", json!(write("primary-token", &world.primary.token)?)),
        ("docker.socket", json!(docker)),
        ("database.gateway_url_file", json!(write("gateway-database-url", &gateway_url)?)),
        ("network.ca_file", json!(authorities)),
        ("network.dns_server", json!(names.to_string())),
        ("network.proxy", json!("off")),
        (
            "network.connect_to",
            json!({
                host.clone(): primary.to_string(),
                "127.0.0.1:5432": database.to_string(),
                format!("{issuer_host}:443"): issuer.to_string(),
                format!("{registry_host}:443"): registry.to_string(),
            }),
        ),
        ("obo.users", json!(world.azure.users.keys().collect::<Vec<_>>())),
        ("obo.subscriptions", json!(world.azure.subscriptions.keys().collect::<Vec<_>>())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let (setting, text) = database_access(&world, &database_url);
    settings.insert(setting.to_owned(), json!(write("database-access", text)?));
    settings.extend(world.settings.clone());

    let file = write("mzv-doctor.yaml", &nested(&settings).to_string())?;
    let facts = [
        ("MZV_DOCTOR_CONFIG", file),
        ("SSL_CERT_FILE", authorities.clone()),
        ("KUBECONFIG", settings_text(&settings, "kubernetes.kubeconfig")),
        ("DOCKER_HOST", format!("unix://{docker}")),
        ("LAB_ARM", format!("https://{arm}")),
        ("LAB_GRAPH", format!("https://{graph}")),
        ("LAB_ENTRA", format!("https://{entra}")),
        ("LAB_IMDS", format!("http://{imds}")),
        ("LAB_PRIMARY", format!("https://{host}")),
        ("LAB_PRIMARY_CONNECT_TO", format!("{host}:{primary}")),
        ("LAB_DNS", names.to_string()),
        ("LAB_DATABASE_URL", database_url),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    Ok(Lab { world, servers, folder, settings, facts })
}

/// Settings as their file writes them, which JSON is a form of.
fn nested(settings: &BTreeMap<String, Value>) -> Value {
    let mut all = json!({});
    for (name, value) in settings {
        let mut place = &mut all;
        for part in name.split('.') {
            place = &mut place[part];
        }
        *place = value.clone();
    }
    all
}

/// How the run is told of the Primary's database: by a URL, or by a password for the address of its container.
fn database_access<'a>(world: &World, url: &'a str) -> (&'static str, &'a str) {
    if world.database.by_container {
        ("database.password_file", "known-to-the-lab-only")
    } else {
        ("database.url_file", url)
    }
}

fn settings_text(settings: &BTreeMap<String, Value>, name: &str) -> String {
    settings.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Host of the cluster's issuer, from the cluster resource.
fn issuer_host(world: &World) -> String {
    let url = world.azure.resources.values().find_map(|resource| {
        resource.pointer("/properties/oidcIssuerProfile/issuerUrl").and_then(Value::as_str)
    });
    url.and_then(|text| url::Url::parse(text).ok())
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| "issuer.invalid".into())
}

fn validity(world: &World) -> Result<(jiff::Timestamp, jiff::Timestamp), LabError> {
    let read = |text: &str| {
        text.parse::<jiff::Timestamp>()
            .map_err(|error| LabError::Start(format!("the certificate's day {text}: {error}")))
    };
    Ok((read(&world.primary.not_before)?, read(&world.primary.not_after)?))
}

fn kubeconfig(world: &World, server: &str, authority: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "lab",
        "clusters": [{"name": "lab", "cluster": {"server": server, "certificate-authority": authority}}],
        "users": [{"name": "lab", "user": {"token": world.kubernetes.token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab", "namespace": "mazevault"}}],
    })
    .to_string()
}

impl Lab {
    /// Settings with which the tool reaches the lab, by dotted name.
    pub fn settings(&self) -> BTreeMap<String, Value> {
        self.settings.clone()
    }

    /// Variables with which any other client reaches it.
    pub fn variables(&self) -> &[(String, String)] {
        &self.facts
    }

    /// Where its files lie.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The simulated deployment.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Calls that a doctor must never make: anything but reads and the token exchange.
    pub fn unexpected(&self) -> Vec<String> {
        self.servers.unexpected.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

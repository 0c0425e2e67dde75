//! Every setting there is: name, kind, default and what it means.

use std::time::Duration;

use serde_json::Value;

use super::Cloud;

/// What a setting's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// An address `IP:PORT`.
    Address,
    /// An `https` (or, for the metadata service, `http`) URL.
    Url,
    /// A path.
    Path,
    /// A regular expression.
    Pattern,
    /// A list of texts; in a variable, separated by commas.
    List,
    /// `host:port` to `IP:PORT`; in a variable, `host:port=IP:PORT` separated by commas.
    Map,
    /// A whole number.
    Number,
    /// A length of time: `90s`, `5m`, `1h`.
    Duration,
    /// On or off.
    Flag,
    /// A name that is one segment of a path.
    Segment,
    /// A GUID.
    Guid,
}

/// One setting before anything is read.
#[derive(Clone, Copy, Debug)]
pub struct SettingSpec {
    /// Dotted name.
    pub name: &'static str,
    /// Kind of value.
    pub kind: Kind,
    /// The runbook's name, or what holds where nothing is set. `{environment}` is filled in.
    pub default: Option<&'static str>,
    /// What it means.
    pub doc: &'static str,
    /// Whether the chain from the gateway to its vault or to the Primary's database cannot be examined without it.
    pub chain: bool,
}

impl SettingSpec {
    /// The environment variable of the setting.
    pub fn variable(&self) -> String {
        format!("MZV_DOCTOR_{}", self.name.replace('.', "_").to_uppercase())
    }
}

const fn is(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> SettingSpec {
    SettingSpec { name, kind, default: Some(default), doc, chain: false }
}
const fn open(name: &'static str, kind: Kind, doc: &'static str) -> SettingSpec {
    SettingSpec { name, kind, default: None, doc, chain: false }
}
const fn chain(name: &'static str, kind: Kind, doc: &'static str) -> SettingSpec {
    SettingSpec { name, kind, default: None, doc, chain: true }
}

const CLOUDS: &[&str] = &["public", "us-government", "china", "custom"];
const LOGINS: &[&str] =
    &["auto", "azure-cli", "workload-identity", "managed-identity", "service-principal", "pipelines"];

const ROLES: &[&str] = &["primary", "dr-standby"];
/// What the runbook's section 8 has registered once in a subscription.
const PROVIDERS: &str = "Microsoft.ContainerService,Microsoft.KeyVault,Microsoft.DBforPostgreSQL,Microsoft.Cache,\
                         Microsoft.ContainerRegistry,Microsoft.ManagedIdentity";

const VANTAGES: &[&str] = &["auto", "operator", "docker", "azure-vm", "pod", "ci"];

const TABLE: &[SettingSpec] = &[
    is("environment", Kind::Segment, "npr", "Environment under examination; part of the default names"),
    is(
        "azure.cloud",
        Kind::Choice(CLOUDS),
        "public",
        "Azure cloud; custom takes its endpoints from azure.endpoints",
    ),
    open("azure.endpoints.arm", Kind::Url, "Azure Resource Manager"),
    open("azure.endpoints.graph", Kind::Url, "Microsoft Graph"),
    open("azure.endpoints.entra", Kind::Url, "Entra's login authority"),
    open("azure.audience", Kind::Text, "Audience that a federated credential has to trust"),
    chain("azure.tenant", Kind::Segment, "Tenant id"),
    chain("azure.subscription", Kind::Guid, "Subscription id of the cluster and the identity"),
    is(
        "azure.resource_group",
        Kind::Segment,
        "rg-mazevault-{environment}",
        "Resource group of the cluster and the identity",
    ),
    is("azure.cluster", Kind::Segment, "aks-mazevault-{environment}", "AKS cluster"),
    is(
        "azure.identity",
        Kind::Segment,
        "id-mazevault-{environment}-gwc",
        "User-assigned managed identity of the gateway",
    ),
    open(
        "azure.identity_resource_group",
        Kind::Segment,
        "Resource group of the identity, where it is not the cluster's",
    ),
    open(
        "azure.identity_subscription",
        Kind::Guid,
        "Subscription of the identity, where it is not the cluster's",
    ),
    open(
        "azure.vault",
        Kind::Segment,
        "Vault that feeds the gateway; the one that its secret class names where not set",
    ),
    open("azure.registry_suffix", Kind::Text, "End of the cloud's registry names"),
    is("azure.providers", Kind::List, PROVIDERS, "Resource providers that have to be registered"),
    is("azure.credential", Kind::Text, "fic-mazevault-gateway-sa", "Federated credential of that identity"),
    is("azure.login", Kind::Choice(LOGINS), "auto", "How to log in to Azure"),
    chain("azure.client_id", Kind::Guid, "Client id for logins that need one"),
    chain(
        "azure.client_secret_file",
        Kind::Path,
        "File with the client secret (or MZV_DOCTOR_AZURE_CLIENT_SECRET)",
    ),
    open(
        "azure.token_file",
        Kind::Path,
        "Federated token file for workload identity (or AZURE_FEDERATED_TOKEN_FILE)",
    ),
    chain("kubernetes.kubeconfig", Kind::Path, "kubeconfig (or KUBECONFIG, or ~/.kube/config)"),
    open("kubernetes.context", Kind::Text, "Context in that kubeconfig; its current context where not set"),
    is("kubernetes.namespace", Kind::Segment, "mazevault", "Namespace of the gateway"),
    is(
        "kubernetes.deployment",
        Kind::Segment,
        "mazevault-gateway-{environment}",
        "Deployment of the gateway",
    ),
    is("kubernetes.selector", Kind::Text, "app=mazevault-gateway", "Label selector of the gateway's pods"),
    is(
        "kubernetes.service_account",
        Kind::Text,
        "mazevault-gateway-sa",
        "Service account the gateway is meant to run as",
    ),
    open("kubernetes.container", Kind::Text, "Container of the gateway in its pod; the first where not set"),
    is(
        "kubernetes.csi_namespace",
        Kind::Text,
        "kube-system",
        "Namespace of the Secrets Store CSI driver's pods",
    ),
    open(
        "kubernetes.secret_keys",
        Kind::List,
        "Keys that the gateway's secrets must hold beside those that its Deployment refers to",
    ),
    is("gateway.role", Kind::Choice(ROLES), "primary", "Role of the gateway: primary, or dr-standby"),
    is(
        "gateway.name",
        Kind::Text,
        "azure-gateway-gwc-01",
        "Name under which the gateway is registered at the Primary",
    ),
    chain("primary.url", Kind::Url, "Primary's API, as its gateway reaches it (https://HOST:8443)"),
    open(
        "primary.token_file",
        Kind::Path,
        "File with a token that may read gateway health (or MZV_DOCTOR_PRIMARY_TOKEN)",
    ),
    is("primary.compose_project", Kind::Text, "mazevault", "Compose project of the Primary"),
    is("primary.backend_service", Kind::Text, "backend", "Compose service of the Primary's backend"),
    is("primary.database_service", Kind::Text, "postgres", "Compose service of the Primary's database"),
    is("primary.health_path", Kind::Text, "/api/v1/health", "Path of the Primary's health endpoint"),
    is(
        "primary.gateways_path",
        Kind::Text,
        "/api/v1/admin/gateway-health",
        "Path of the Primary's gateway health",
    ),
    is(
        "primary.sign_in_path",
        Kind::Text,
        "/api/v1/auth/sso/entra/login",
        "Path that sends a browser to Entra",
    ),
    is("primary.licence_path", Kind::Text, "/api/v1/health/system", "Path that tells the Primary's licence"),
    open(
        "entra.client_id",
        Kind::Text,
        "Client id of the app registration for sign-in; read off the Primary where not set",
    ),
    open("entra.redirect_uri", Kind::Url, "Redirect URI that has to be registered; any host where not set"),
    is(
        "entra.callback_path",
        Kind::Text,
        "/api/v1/auth/sso/entra/callback",
        "Path of the redirect URI that has to be registered",
    ),
    is(
        "entra.wrong_callback_path",
        Kind::Text,
        "/auth/entra/callback",
        "Path of a redirect URI that never works",
    ),
    open("provisioning.principal", Kind::Text, "Object id of the principal that provisions the deployment"),
    is("docker.socket", Kind::Path, "/var/run/docker.sock", "Docker Engine socket of the Primary's host"),
    SettingSpec {
        name: "database.url_file",
        kind: Kind::Path,
        default: None,
        doc: "File with the URL of the Primary's database (or MZV_DOCTOR_DATABASE_URL)",
        chain: true,
    },
    open(
        "database.password_file",
        Kind::Path,
        "File with the database password, where no URL is given (or MZV_DOCTOR_DATABASE_PASSWORD)",
    ),
    is("database.user", Kind::Text, "mazevault", "Database user, where no URL is given"),
    is("database.name", Kind::Text, "mazevault", "Database name, where no URL is given"),
    open(
        "database.gateway_url_file",
        Kind::Path,
        "File with the URL of the gateway's database (or MZV_DOCTOR_DATABASE_GATEWAY_URL)",
    ),
    is("database.schema", Kind::Text, "public", "Schema of MazeVault's tables"),
    is("database.migrations_table", Kind::Text, "schema_migrations", "Bookkeeping table of the migrations"),
    is("database.gateways_table", Kind::Text, "gateways", "Table of gateway records"),
    is(
        "database.write_queues_table",
        Kind::Text,
        "gateway_write_queues",
        "Table that migration 000111 creates",
    ),
    open("database.expected_version", Kind::Number, "Migration version that the Primary's release expects"),
    open(
        "database.gateway_expected_version",
        Kind::Number,
        "Migration version that the gateway's release expects",
    ),
    is(
        "tasks.pattern",
        Kind::Pattern,
        r"(?i)/[\w./-]*gateways?[\w./-]*tasks?\b|\btasks?[ _-]poll|\bpoll\w*[ _-](?:gateway[ _-])?tasks?\b",
        "What a log line about polling the tasks endpoint looks like",
    ),
    open("obo.users", Kind::List, "Object ids of users on whose behalf subscriptions are discovered"),
    open("obo.subscriptions", Kind::List, "Subscription ids that those users should discover"),
    open("obo.vaults", Kind::List, "Names of project vaults that those users read secrets of"),
    is("imds.endpoint", Kind::Url, "http://169.254.169.254", "Instance metadata service"),
    open("network.ca_file", Kind::Path, "Further certificate authorities to trust, PEM (--ca-file)"),
    open("network.dns_server", Kind::Address, "Name server to ask instead of the system's"),
    open("network.connect_to", Kind::Map, "Addresses to connect to instead of what a name resolves to"),
    is(
        "network.proxy",
        Kind::Choice(&["environment", "off"]),
        "environment",
        "Proxies: from HTTPS_PROXY and NO_PROXY, or none",
    ),
    is("run.vantage", Kind::Choice(VANTAGES), "auto", "Where the run is made from; found out where auto"),
    is("run.timeout", Kind::Duration, "60s", "Deadline of the whole run"),
    is("run.request_timeout", Kind::Duration, "10s", "Deadline of one request"),
    is(
        "run.secret_keys",
        Kind::Flag,
        "false",
        "Whether Kubernetes secrets are read, for names of their keys (--secret-keys)",
    ),
    is(
        "run.exchange_token",
        Kind::Flag,
        "false",
        "Whether a token of the gateway's service account is exchanged at Entra (--exchange-token)",
    ),
    is("run.discover", Kind::Flag, "true", "Whether what is not configured is looked for"),
    is("run.log_lines", Kind::Number, "2000", "Newest lines to read of each log"),
    is("run.log_bytes", Kind::Number, "6291456", "Newest bytes to read of all logs together"),
];

/// Every setting.
pub fn table() -> &'static [SettingSpec] {
    TABLE
}

/// Longest time that a setting takes.
const LONGEST: Duration = Duration::from_hours(24);

/// Hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `90s`, `5m`, `1h`, `250ms`; whole numbers only, a day at most.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    let length = match &text[digits..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    };
    length.filter(|length| *length <= LONGEST)
}

impl Kind {
    /// A value written as one text, as variables hold it.
    pub fn from_text(self, text: &str) -> Value {
        match self {
            Self::List => text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect(),
            // What is no pair is kept as it is, so that the check refuses it.
            Self::Map => text
                .split(',')
                .map(|pair| pair.split_once('=').map(|(name, at)| (name.trim().to_owned(), at.trim().into())))
                .collect::<Option<serde_json::Map<String, Value>>>()
                .map_or_else(|| text.into(), Value::Object),
            Self::Number => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
            Self::Flag => text.parse::<bool>().map_or_else(|_| text.into(), Value::from),
            _ => text.into(),
        }
    }

    /// The value where it fits the kind; else the value as text, and what the kind takes.
    pub(super) fn check(self, value: Value) -> Result<Value, (String, &'static str)> {
        let text = value.as_str().unwrap_or_default().to_owned();
        let fits = match self {
            Self::Text | Self::Path => !text.trim().is_empty(),
            Self::Segment => {
                !text.is_empty()
                    && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')'))
            }
            Self::Guid => is_guid(&text),
            Self::Choice(words) => words.contains(&text.as_str()),
            Self::Address => text.parse::<std::net::SocketAddr>().is_ok(),
            Self::Url => url::Url::parse(&text).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.password().is_none()
            }),
            Self::Pattern => regex::Regex::new(&text).is_ok(),
            Self::List => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Self::Map => value.as_object().is_some_and(|map| {
                map.values()
                    .all(|at| at.as_str().is_some_and(|at| at.parse::<std::net::SocketAddr>().is_ok()))
            }),
            Self::Number => value.as_i64().is_some_and(|number| number >= 0),
            Self::Flag => value.is_boolean(),
            Self::Duration => parse_duration(&text).is_some_and(|length| !length.is_zero()),
        };
        if fits {
            Ok(value)
        } else {
            Err((value.as_str().map_or_else(|| value.to_string(), str::to_owned), self.takes()))
        }
    }

    fn takes(self) -> &'static str {
        match self {
            Self::Text => "a text that is not empty",
            Self::Segment => "a name of letters, digits, dashes, dots and underscores",
            Self::Guid => "a GUID such as 55555555-5555-4555-8555-555555555555",
            Self::Path => "a path that is not empty",
            Self::Choice(words) if words == CLOUDS => Cloud::NAMES,
            Self::Choice(words) if words == LOGINS => {
                "auto, azure-cli, workload-identity, managed-identity, service-principal or pipelines"
            }
            Self::Choice(words) if words == VANTAGES => "auto, operator, docker, azure-vm, pod or ci",
            Self::Choice(words) if words == ROLES => "primary or dr-standby",
            Self::Choice(_) => "environment or off",
            Self::Address => "an address such as 10.0.0.10:53",
            Self::Url => "a URL such as https://mazevault.example.com:8443, without a user",
            Self::Pattern => "a regular expression",
            Self::List => "a list of texts",
            Self::Map => "a map such as mazevault.example.com:8443 to 10.0.0.10:8443",
            Self::Number => "a whole number that is not negative",
            Self::Flag => "true or false",
            Self::Duration => "a length of time such as 90s or 5m, a day at most",
        }
    }
}

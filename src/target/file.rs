//! The settings file, read strictly: an unknown key is an error that names its line.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::TargetError;

/// Read from the working folder where no other file is named.
pub const SETTINGS_FILE: &str = "mzv-doctor.yaml";

type Text = Option<Spanned<String>>;
type List = Option<Spanned<Vec<String>>>;
type Number = Option<Spanned<i64>>;
type Flag = Option<Spanned<bool>>;
type Map = Option<Spanned<BTreeMap<String, String>>>;

/// One section of the file: its keys become settings named `section.key`.
trait Section {
    fn entries(self, prefix: &str, into: &mut Vec<(String, Value, u64)>);
}

macro_rules! section {
    ($name:ident { $($key:ident: $kind:ty),* $(,)? } $(sections { $($inner:ident: $part:ty),* $(,)? })?) => {
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct $name { $($key: $kind,)* $($($inner: Option<$part>,)*)? }

        impl Section for $name {
            fn entries(self, prefix: &str, into: &mut Vec<(String, Value, u64)>) {
                $(if let Some(given) = self.$key {
                    let line = given.referenced.line();
                    into.push((format!("{prefix}{}", stringify!($key)), given.value.into_value(), line));
                })*
                $($(if let Some(part) = self.$inner {
                    part.entries(&format!("{prefix}{}.", stringify!($inner)), into);
                })*)?
            }
        }
    };
}

/// A value of the file as a setting's value.
trait IntoValue {
    fn into_value(self) -> Value;
}
impl IntoValue for String {
    fn into_value(self) -> Value {
        Value::String(self)
    }
}
impl IntoValue for i64 {
    fn into_value(self) -> Value {
        self.into()
    }
}
impl IntoValue for bool {
    fn into_value(self) -> Value {
        self.into()
    }
}
impl IntoValue for Vec<String> {
    fn into_value(self) -> Value {
        self.into()
    }
}
impl IntoValue for BTreeMap<String, String> {
    fn into_value(self) -> Value {
        Value::Object(self.into_iter().map(|(key, value)| (key, value.into())).collect())
    }
}

section!(Endpoints { arm: Text, graph: Text, entra: Text });
section!(Azure {
    cloud: Text, audience: Text, tenant: Text, subscription: Text, resource_group: Text, cluster: Text,
    identity: Text, identity_resource_group: Text, identity_subscription: Text, vault: Text,
    registry_suffix: Text, providers: List, credential: Text, login: Text, client_id: Text, client_secret_file: Text,
    token_file: Text,
} sections { endpoints: Endpoints });
section!(Kubernetes {
    kubeconfig: Text,
    context: Text,
    namespace: Text,
    deployment: Text,
    selector: Text,
    service_account: Text,
    container: Text,
    csi_namespace: Text,
    secret_keys: List,
});
section!(Gateway { name: Text, role: Text });
section!(Entra { client_id: Text, redirect_uri: Text, callback_path: Text, wrong_callback_path: Text });
section!(Provisioning { principal: Text });
section!(PrimaryApi {
    url: Text,
    token_file: Text,
    compose_project: Text,
    backend_service: Text,
    database_service: Text,
    health_path: Text,
    gateways_path: Text,
    sign_in_path: Text,
    licence_path: Text,
});
section!(Docker { socket: Text });
section!(Database {
    url_file: Text,
    password_file: Text,
    user: Text,
    name: Text,
    gateway_url_file: Text,
    schema: Text,
    migrations_table: Text,
    gateways_table: Text,
    write_queues_table: Text,
    expected_version: Number,
    gateway_expected_version: Number,
});
section!(Tasks { pattern: Text });
section!(Obo { users: List, subscriptions: List, vaults: List });
section!(Imds { endpoint: Text });
section!(NetworkPart { ca_file: Text, dns_server: Text, connect_to: Map, proxy: Text });
section!(Run {
    vantage: Text,
    timeout: Text,
    request_timeout: Text,
    log_lines: Number,
    log_bytes: Number,
    secret_keys: Flag,
    exchange_token: Flag,
    discover: Flag,
});
section!(File { environment: Text } sections {
    azure: Azure, kubernetes: Kubernetes, gateway: Gateway, primary: PrimaryApi, entra: Entra,
    provisioning: Provisioning, docker: Docker,
    database: Database, tasks: Tasks, obo: Obo, imds: Imds, network: NetworkPart, run: Run,
});

/// Every setting of the file with its origin.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Value, String)>, TargetError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|cause| TargetError::Unreadable { file: file.clone(), cause: cause.to_string() })?;
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Vec::new());
    }
    let parsed: File = serde_saphyr::from_str(&text)
        .map_err(|error| TargetError::Invalid { file: file.clone(), problem: one_line(&error) })?;
    let mut entries = Vec::new();
    parsed.entries("", &mut entries);
    Ok(entries.into_iter().map(|(name, value, line)| (name, value, format!("file {file}:{line}"))).collect())
}

/// Line, column and problem without the parser's drawing of the place.
fn one_line(error: &serde_saphyr::Error) -> String {
    let place = error.location().map(|at| format!("line {}, column {}: ", at.line(), at.column()));
    let text = error.without_snippet().to_string();
    format!("{}{}", place.unwrap_or_default(), text.lines().next().unwrap_or("not valid YAML"))
}

//! Which deployment is meant, and how it is reached.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

/// What to examine.
#[derive(Args)]
pub(in crate::cli) struct Examine {
    /// Examine a scenario of the lab instead of a real deployment
    #[arg(long, value_name = "SCENARIO")]
    pub(in crate::cli) lab: Option<String>,
    /// Judge what an earlier run recorded (a bundle, or check -o snapshot=FILE) instead of asking; of a folder, every
    /// bundle in it
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) bundle: Option<PathBuf>,
    /// Folder of rule files to lay over the embedded ones
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) rules: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) target: TargetArguments,
}

/// Which deployment. Secrets are given by environment or file only.
#[derive(Args, Default)]
pub(in crate::cli) struct TargetArguments {
    /// Settings file; where not given that of `MZV_DOCTOR_CONFIG`, or mzv-doctor.yaml in the working folder
    #[arg(long, value_name = "FILE", help_heading = "Target")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Environment under examination
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    environment: Option<String>,
    /// Subscription id
    #[arg(long, value_name = "ID", help_heading = "Target")]
    subscription: Option<String>,
    /// Resource group of the cluster and the identity
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    resource_group: Option<String>,
    /// Tenant id
    #[arg(long, value_name = "ID", help_heading = "Target")]
    tenant: Option<String>,
    /// Namespace of the gateway
    #[arg(short, long, value_name = "NAME", help_heading = "Target")]
    namespace: Option<String>,
    /// Context in the kubeconfig
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    context: Option<String>,
    /// kubeconfig file
    #[arg(long, value_name = "FILE", help_heading = "Target")]
    pub(in crate::cli) kubeconfig: Option<PathBuf>,
    /// Primary's API, as its gateway reaches it
    #[arg(long, value_name = "URL", help_heading = "Target")]
    primary_url: Option<String>,
    /// Further certificate authorities to trust, PEM
    #[arg(long, value_name = "FILE", help_heading = "Target")]
    pub(in crate::cli) ca_file: Option<PathBuf>,
    /// Read the gateway's Kubernetes secrets, for names of keys and length classes only
    #[arg(long, help_heading = "Asked for by name")]
    secret_keys: bool,
    /// Exchange tokens of the gateway's service account at Entra; it leaves sign-in records
    #[arg(long, help_heading = "Asked for by name")]
    exchange_token: bool,
    /// Deadline of the whole run, such as 90s or 5m
    #[arg(long, value_name = "TIME", help_heading = "Target")]
    timeout: Option<String>,
    /// Deadline of one request
    #[arg(long, value_name = "TIME", help_heading = "Target")]
    request_timeout: Option<String>,
}

/// The variable that names the settings file where no flag does.
pub(in crate::cli) const CONFIG_VARIABLE: &str = "MZV_DOCTOR_CONFIG";

impl TargetArguments {
    /// The settings file that was named.
    pub(in crate::cli) fn settings_file(&self) -> Option<PathBuf> {
        let by_variable = || std::env::var_os(CONFIG_VARIABLE).filter(|name| !name.is_empty());
        self.config.clone().or_else(|| by_variable().map(PathBuf::from))
    }

    /// Settings that were given, each with its flag.
    pub(in crate::cli) fn flags(&self) -> Vec<(&'static str, &'static str, Value)> {
        let text = |value: &Option<String>| value.clone().map(Value::String);
        let path = |value: &Option<PathBuf>| value.as_ref().map(|it| Value::String(it.display().to_string()));
        [
            ("environment", "--environment", text(&self.environment)),
            ("azure.subscription", "--subscription", text(&self.subscription)),
            ("azure.resource_group", "--resource-group", text(&self.resource_group)),
            ("azure.tenant", "--tenant", text(&self.tenant)),
            ("kubernetes.namespace", "--namespace", text(&self.namespace)),
            ("kubernetes.context", "--context", text(&self.context)),
            ("kubernetes.kubeconfig", "--kubeconfig", path(&self.kubeconfig)),
            ("primary.url", "--primary-url", text(&self.primary_url)),
            ("network.ca_file", "--ca-file", path(&self.ca_file)),
            ("run.secret_keys", "--secret-keys", self.secret_keys.then_some(Value::Bool(true))),
            ("run.exchange_token", "--exchange-token", self.exchange_token.then_some(Value::Bool(true))),
            ("run.timeout", "--timeout", text(&self.timeout)),
            ("run.request_timeout", "--request-timeout", text(&self.request_timeout)),
        ]
        .into_iter()
        .filter_map(|(name, flag, value)| Some((name, flag, value?)))
        .collect()
    }
}

impl Examine {
    /// Arguments that lead to the same deployment again.
    pub(in crate::cli) fn again(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut add = |name: &str, value: String| all.extend([name.to_owned(), value]);
        if let Some(lab) = &self.lab {
            add("--lab", lab.clone());
        }
        if let Some(config) = &self.target.config {
            add("--config", config.display().to_string());
        }
        for (setting, flag, value) in self.target.flags() {
            match value {
                Value::Bool(_) => all.push(flag.to_owned()),
                Value::String(text) if !setting.starts_with("run.") => all.extend([flag.to_owned(), text]),
                _ => {}
            }
        }
        all
    }
}

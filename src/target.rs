//! Which deployment is examined: every setting with its value and where that comes from.
//!
//! Layers, weakest first: the runbook's defaults, `mzv-doctor.yaml`, `MZV_DOCTOR_*`, flags, and what a lab
//! stages. Secrets come from the environment or from files and are never kept among the settings.

mod cloud;
mod discovery;
mod file;
mod table;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::client::{Limits, Network, Secret};
use crate::fact::Setting;

pub use cloud::Cloud;
pub use discovery::{DISCOVERY, Found, Surroundings, discover};
pub use file::SETTINGS_FILE;
pub use table::{Kind, SettingSpec, parse_duration, table};

/// A setting that cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The settings file cannot be read.
    #[error("{file}: cannot be read: {cause}")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's words.
        cause: String,
    },
    /// The settings file is not what it should be.
    #[error("{file}: {problem}")]
    Invalid {
        /// The file.
        file: String,
        /// Line, column and what is wrong.
        problem: String,
    },
    /// A value that its setting does not take.
    #[error("{origin}: {name} is {value:?}, and takes {takes}")]
    Value {
        /// Where the value comes from.
        origin: String,
        /// The setting.
        name: String,
        /// The value.
        value: String,
        /// What it takes.
        takes: String,
    },
    /// A name that is no setting.
    #[error("{origin}: there is no setting {name}; `mzv-doctor config show` lists them")]
    Unknown {
        /// Where the name comes from.
        origin: String,
        /// The name.
        name: String,
    },
    /// A secret's file cannot be read.
    #[error("{name}: the file {file} cannot be read: {cause}")]
    Secret {
        /// The setting that names the file.
        name: String,
        /// The file.
        file: String,
        /// The system's words.
        cause: String,
    },
}

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Target {
    settings: BTreeMap<String, Setting>,
}

impl Target {
    /// Layers defaults, a settings file, the environment and flags.
    ///
    /// `file` is read when given; without it `mzv-doctor.yaml` in the working folder is read where it exists.
    pub fn resolve(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = (&'static str, &'static str, Value)>,
    ) -> Result<Self, TargetError> {
        let mut target = Self::defaults();
        let implied = Path::new(SETTINGS_FILE);
        if let Some(path) = file.or_else(|| implied.is_file().then_some(implied)) {
            for (name, value, origin) in file::read(path)? {
                target.set(&name, value, &origin)?;
            }
        }
        let variables: BTreeMap<String, String> = environment.into_iter().collect();
        let mut known: Vec<String> = table().iter().map(table::SettingSpec::variable).collect();
        known.extend(known.clone().iter().filter_map(|name| name.strip_suffix("_FILE").map(str::to_owned)));
        if let Some(name) = variables.keys().find(|name| !known.contains(name)) {
            return Err(TargetError::Unknown { origin: "environment".into(), name: name.clone() });
        }
        for spec in table() {
            let variable = spec.variable();
            if let Some(text) = variables.get(&variable).filter(|text| !text.is_empty()) {
                let origin = format!("environment {variable}");
                target.set(spec.name, spec.kind.from_text(text), &origin)?;
            }
        }
        for (name, flag, value) in flags {
            target.set(name, value, &format!("flag {flag}"))?;
        }
        target.fill_in();
        Ok(target)
    }

    fn defaults() -> Self {
        let setting = |spec: &SettingSpec| Setting {
            value: spec.default.map_or(Value::Null, |text| spec.kind.from_text(text)),
            origin: "default".into(),
        };
        Self { settings: table().iter().map(|spec| (spec.name.to_owned(), setting(spec))).collect() }
    }

    /// Defaults with settings as a lab stages them: nothing of the operator's own configuration is read.
    pub fn staged(settings: BTreeMap<String, Value>, origin: &str) -> Result<Self, TargetError> {
        let mut target = Self::defaults();
        for (name, value) in settings {
            target.set(&name, value, origin)?;
        }
        target.fill_in();
        Ok(target)
    }

    fn set(&mut self, name: &str, value: Value, origin: &str) -> Result<(), TargetError> {
        let spec = table()
            .iter()
            .find(|spec| spec.name == name)
            .ok_or_else(|| TargetError::Unknown { origin: origin.into(), name: name.into() })?;
        let value = spec.kind.check(value).map_err(|(value, takes)| TargetError::Value {
            origin: origin.into(),
            name: name.into(),
            // A URL may carry a password.
            value: if value.contains('@') { "…@…".into() } else { value },
            takes: takes.into(),
        })?;
        self.settings.insert(name.into(), Setting { value, origin: origin.into() });
        Ok(())
    }

    /// Takes what was found over what is a default, or not set; what was configured stays.
    /// What no setting could be (a hostile name in a cluster's object) is left out.
    pub fn adopt(&mut self, found: Vec<Found>) {
        for found in found {
            if self.is_open(found.setting) {
                let origin = format!("found: {}", found.how);
                let _left_out = self.set(found.setting, found.value, &origin);
            }
        }
        self.fill_in();
    }

    /// Whether a setting was not configured, so that discovery may say what it is.
    pub fn is_open(&self, name: &str) -> bool {
        self.settings.get(name).is_none_or(|setting| setting.origin == "default")
    }

    /// Whether a setting is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.settings.get(name).and_then(|setting| setting.value.as_bool()).unwrap_or(false)
    }

    /// Fills in what follows from other settings: names that contain the environment, the cloud's endpoints.
    fn fill_in(&mut self) {
        let environment = self.text("environment").to_lowercase();
        let cloud = Cloud::from_name(&self.text("azure.cloud"));
        for spec in table() {
            let Some(setting) = self.settings.get_mut(spec.name) else { continue };
            if setting.origin != "default" {
                continue;
            }
            if let Some(text) = spec.default
                && text.contains("{environment}")
            {
                setting.value = Value::String(text.replace("{environment}", &environment));
            } else if setting.value.is_null()
                && let Some(value) = cloud.default_of(spec.name)
            {
                setting.value = Value::String(value.into());
            }
        }
    }

    /// Every setting, by dotted name.
    pub fn settings(&self) -> &BTreeMap<String, Setting> {
        &self.settings
    }

    /// A setting as text; empty where it is not set.
    pub fn text(&self, name: &str) -> String {
        match self.settings.get(name).map(|setting| &setting.value) {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        }
    }

    /// A setting as text, where it is set and not empty.
    pub fn given(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// A setting that is a list.
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.settings.get(name).map(|setting| &setting.value) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// A setting that is a whole number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.settings.get(name).and_then(|setting| setting.value.as_i64())
    }

    /// A setting that is a length of time.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        self.given(name).and_then(|text| table::parse_duration(&text))
    }

    /// A setting that is a path; a leading `~/` is the home folder.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let text = self.given(name)?;
        Some(match (text.strip_prefix("~/"), std::env::home_dir()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        })
    }

    /// A secret: from its variable, else from the file that its setting names; none where neither is given.
    ///
    /// `name` is the setting that names the file and ends in `_file`; the variable is the same without that.
    pub fn secret(&self, name: &str) -> Result<Option<Secret>, TargetError> {
        let from_lab = self.settings.get(name).is_some_and(|setting| setting.origin == "lab");
        let variable =
            format!("MZV_DOCTOR_{}", name.trim_end_matches("_file").replace('.', "_").to_uppercase());
        if !from_lab
            && let Ok(value) = std::env::var(&variable)
            && !value.is_empty()
        {
            return Ok(Some(Secret::new(value)));
        }
        let Some(file) = self.path(name) else { return Ok(None) };
        match std::fs::read_to_string(&file) {
            Ok(text) => Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))),
            Err(cause) => Err(TargetError::Secret {
                name: name.into(),
                file: file.display().to_string(),
                cause: cause.to_string(),
            }),
        }
    }

    /// How the network is reached.
    pub fn network(&self) -> Network {
        let connect_to = match self.settings.get("network.connect_to").map(|setting| &setting.value) {
            Some(Value::Object(map)) => map
                .iter()
                .filter_map(|(name, address)| Some((name.clone(), address.as_str()?.parse().ok()?)))
                .collect(),
            _ => BTreeMap::new(),
        };
        Network {
            ca_file: self.path("network.ca_file"),
            dns_server: self.given("network.dns_server").and_then(|text| text.parse::<SocketAddr>().ok()),
            connect_to,
            use_proxy: self.text("network.proxy") != "off",
        }
    }

    /// How long and how much a run may take.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        if let Some(request) = self.duration("run.request_timeout") {
            limits.request = request;
        }
        if let Some(run) = self.duration("run.timeout") {
            limits.run = run;
        }
        limits
    }
}

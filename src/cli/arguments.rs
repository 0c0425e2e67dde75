//! What can be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::Value;

use crate::diagnosis::{Confidence, Severity};
use crate::report::{Format, ScanFormat};

/// Finds what is broken in a `MazeVault` hybrid deployment, names it, proves it and prints the fix.
///
/// Nothing is ever changed: every call is a read. Exit status: 0 fine, 1 findings, 2 usage or configuration,
/// 3 something required could not be examined, 4 still settling when the time to wait was over, 70 defect of the
/// program, 130 interrupted.
#[derive(Parser)]
#[command(name = "mzv-doctor", version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Examine a deployment and name what is broken
    Check(Box<Check>),
    /// Examine again after a fix, and report on one name (and what explains it) only
    Verify(Box<Verify>),
    /// Show why a name came to what it did: every clause of its rule, what it read, and what decided
    Why(Box<Why>),
    /// Print the commands that mend what was found, in order, each marked as reading or changing; nothing is run
    Fix(Box<Fix>),
    /// Show what changed between two recorded runs
    Diff(Diff),
    /// A run as one file for a ticket, without secrets; what is in such a file
    #[command(subcommand)]
    Bundle(Bundle),
    /// Report on a bundle in any format, without judging its exit status
    Report(Box<Report>),
    /// Find named errors in text: files, folders, archives, standard input, or the deployment's own logs
    Scan(Box<Scan>),
    /// Say what a code, a name or a pasted message means, and what mends it; offline
    Explain(Explain),
    /// List everything that a run would touch, without touching any of it
    Plan(Box<Plan>),
    /// Print the smallest rights that a run needs, ready to apply, and what stays open without each
    Permissions(Box<Permissions>),
    /// A simulated deployment on loopback
    #[command(subcommand)]
    Lab(Lab),
    /// Settings
    #[command(subcommand)]
    Config(Box<Config>),
    /// The rule table
    #[command(subcommand)]
    Rules(Rules),
    /// Print a shell completion script
    Completion {
        /// Shell
        shell: clap_complete::Shell,
    },
}

#[derive(Subcommand)]
pub(super) enum Bundle {
    /// Examine a deployment and write everything that was learned to one file
    Create(Box<Create>),
    /// List what is in a bundle, or print one file of it
    Show(Show),
    /// Write a bundle again, with what this release takes for a secret taken out
    Redact(Redact),
}

#[derive(Args)]
pub(super) struct Create {
    /// Where to; mzv-doctor-ENVIRONMENT-TIME.tar.zst in the working folder where not given
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Put pseudonyms for ids and names of accounts, the same one everywhere
    #[arg(long)]
    pub(super) pseudonyms: bool,
    /// Leave out the log of a place, such as pod/NAME/CONTAINER; may be repeated
    #[arg(long, value_name = "PLACE")]
    pub(super) without: Vec<String>,
    /// Say how much it would come to, and write nothing
    #[arg(long)]
    pub(super) estimate: bool,
    /// Examine a scenario of the lab instead of a real deployment
    #[arg(long, value_name = "SCENARIO")]
    pub(super) lab: Option<String>,
    /// Folder of rule files to lay over the embedded ones
    #[arg(long, value_name = "DIR")]
    pub(super) rules: Option<PathBuf>,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

#[derive(Args)]
pub(super) struct Show {
    /// The bundle
    pub(super) file: PathBuf,
    /// A file in it to print, such as text.ndjson
    pub(super) member: Option<String>,
}

#[derive(Args)]
pub(super) struct Redact {
    /// The bundle
    pub(super) file: PathBuf,
    /// Where to
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Put pseudonyms for ids and names of accounts, the same one everywhere
    #[arg(long)]
    pub(super) pseudonyms: bool,
    /// Leave out the log of a place, such as pod/NAME/CONTAINER; may be repeated
    #[arg(long, value_name = "PLACE")]
    pub(super) without: Vec<String>,
}

#[derive(Args)]
pub(super) struct Report {
    /// The bundle
    pub(super) file: PathBuf,
    /// Report as FORMAT to standard output, or as FORMAT=FILE; may be repeated. The formats are those of check
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = parse_output)]
    pub(super) output: Vec<Output>,
    /// Folder of rule files to lay over the embedded ones
    #[arg(long, value_name = "DIR")]
    pub(super) rules: Option<PathBuf>,
    /// List what is fine and show full texts
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Colours
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) color: Color,
}

#[derive(Args)]
pub(super) struct Plan {
    /// Only what this probe touches; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) probe: Vec<String>,
    /// Print as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

#[derive(Args)]
pub(super) struct Permissions {
    /// One part only, ready to be applied
    #[arg(value_enum)]
    pub(super) part: Option<Part>,
    /// Only for what this probe needs; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) probe: Vec<String>,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Roles and bindings for `kubectl apply --filename -`
    Kubernetes,
    /// A custom role for `az role definition create --role-definition @FILE`
    Azure,
    /// Grants for `psql`
    Sql,
    /// What stays open without which right
    Names,
}

#[derive(Args)]
pub(super) struct Verify {
    /// The named error
    pub(super) name: String,
    #[command(flatten)]
    pub(super) check: Check,
}

#[derive(Subcommand)]
pub(super) enum Lab {
    /// List the scenarios
    List,
    /// Stage a scenario until interrupted, and print how to reach it
    Serve {
        /// Scenario, as `lab list` names it
        scenario: String,
        /// Let every answer take this much longer, such as 100ms
        #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "0s")]
        latency: Duration,
    },
}

#[derive(Subcommand)]
pub(super) enum Config {
    /// Print every setting with its value and where that comes from
    Show {
        #[command(flatten)]
        target: TargetArguments,
    },
    /// Look for the deployment, and write what was found as a commented settings file
    Init {
        /// Where to; a dash is standard output. A file that is there already is left alone
        #[arg(default_value = "mzv-doctor.yaml")]
        file: PathBuf,
        /// Look at a scenario of the lab instead
        #[arg(long, value_name = "SCENARIO")]
        lab: Option<String>,
        #[command(flatten)]
        target: TargetArguments,
    },
}

#[derive(Subcommand)]
pub(super) enum Rules {
    /// List the rules
    List {
        /// Folder of rule files to lay over the embedded ones
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
    },
    /// Print the index of the rules as Markdown
    Index,
    /// Judge the examples that stand in the rule files
    Test {
        /// Names; all where none is given
        names: Vec<String>,
        /// Folder of rule files to lay over the embedded ones
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
    },
    /// Print the JSON Schema of a rule file
    Schema,
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Scan {
    /// Files, folders, archives (gzip, Zstandard, tar), or a dash for standard input, which is read where nothing is named
    pub(super) sources: Vec<PathBuf>,
    /// Read the gateway's pods: their logs, those of their previous containers, and their events
    #[arg(long)]
    pub(super) gateway: bool,
    /// Read the logs of the Primary's containers
    #[arg(long)]
    pub(super) primary: bool,
    /// With --gateway or --primary: read those of a scenario of the lab instead of a real deployment
    #[arg(long, value_name = "SCENARIO")]
    pub(super) lab: Option<String>,
    /// Leave out what is older: a time (2026-11-23T14:00:00Z) or how long ago (90s, 15m, 2h, 3d). What carries no time is kept
    #[arg(long, value_name = "TIME|AGO")]
    pub(super) since: Option<String>,
    /// Go on reading as text is added, and show each occurrence at once; ends with the interrupt key. Archives are not unpacked
    #[arg(short, long)]
    pub(super) follow: bool,
    /// Report as FORMAT (terminal, json, ndjson) to standard output, or as FORMAT=FILE; may be repeated
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = parse_scan_output)]
    pub(super) output: Vec<ScanOutput>,
    /// Fail on findings of this severity or worse
    #[arg(long, value_enum, default_value = "error")]
    pub(super) fail_on: FailOn,
    /// Folder of rule files to lay over the embedded ones
    #[arg(long, value_name = "DIR")]
    pub(super) rules: Option<PathBuf>,
    /// Show full texts and every place
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Colours
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) color: Color,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

#[derive(Args)]
pub(super) struct Explain {
    /// A code (AADSTS700213, 700213), a name or part of one, or a whole message
    pub(super) what: Vec<String>,
    /// List all names
    #[arg(long)]
    pub(super) list: bool,
    /// With --list: only those of an area
    #[arg(long, value_name = "AREA", requires = "list")]
    pub(super) area: Option<String>,
    /// Print as this
    #[arg(short, long, value_enum, default_value = "terminal")]
    pub(super) output: ExplainFormat,
    /// Colours
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) color: Color,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExplainFormat {
    Terminal,
    Markdown,
    Json,
}

/// What to examine.
#[derive(Args)]
pub(super) struct Examine {
    /// Examine a scenario of the lab instead of a real deployment
    #[arg(long, value_name = "SCENARIO")]
    pub(super) lab: Option<String>,
    /// Judge what an earlier run recorded (a bundle, or check -o snapshot=FILE) instead of asking; of a folder, every
    /// bundle in it
    #[arg(long, value_name = "FILE")]
    pub(super) bundle: Option<PathBuf>,
    /// Folder of rule files to lay over the embedded ones
    #[arg(long, value_name = "DIR")]
    pub(super) rules: Option<PathBuf>,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

#[derive(Args)]
pub(super) struct Why {
    /// The named error
    pub(super) name: String,
    /// Print as this
    #[arg(short, long, value_enum, default_value = "terminal")]
    pub(super) output: WhyFormat,
    /// Show values whole
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Colours
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) color: Color,
    #[command(flatten)]
    pub(super) examine: Examine,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum WhyFormat {
    Terminal,
    Json,
}

#[derive(Args)]
pub(super) struct Fix {
    /// The named error; everything that was found where none is given
    pub(super) name: Option<String>,
    /// Print as this; sh and powershell are scripts that stop at the first failure
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) output: FixFormat,
    /// Colours
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) color: Color,
    #[command(flatten)]
    pub(super) examine: Examine,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FixFormat {
    Text,
    Sh,
    Powershell,
    Json,
}

#[derive(Args)]
pub(super) struct Diff {
    /// The earlier run, as recorded
    pub(super) before: PathBuf,
    /// The later run, as recorded
    pub(super) after: PathBuf,
    /// Print as this
    #[arg(short, long, value_enum, default_value = "terminal")]
    pub(super) output: DiffFormat,
    /// Folder of rule files to lay over the embedded ones
    #[arg(long, value_name = "DIR")]
    pub(super) rules: Option<PathBuf>,
    /// Show values whole
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Colours
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) color: Color,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DiffFormat {
    Terminal,
    Json,
}

/// What to examine, and how to report.
#[derive(Args)]
pub(super) struct Check {
    /// Report as FORMAT to standard output, or as FORMAT=FILE; may be repeated. terminal, short (a chat message), json,
    /// ndjson (a line for each event while it runs), markdown, junit, sarif, github (annotations and step summary),
    /// azure-pipelines (logging commands and summary), openmetrics, svg (the links as a picture), html (a page with everything), snapshot (what was
    /// learned, which --bundle reads again), bundle (the same for a ticket)
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = parse_output)]
    pub(super) output: Vec<Output>,
    /// Fail on findings of this severity or worse
    #[arg(long, value_enum, default_value = "error")]
    pub(super) fail_on: FailOn,
    /// Names that have to be conclusive, whatever they lack
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = parse_name)]
    pub(super) require: Vec<String>,
    /// Only findings of this confidence or more fail the run; what is less sure keeps it from being called healthy
    #[arg(long, value_enum, default_value = "possible")]
    pub(super) min_confidence: Sureness,
    /// Of what applies, how much has to be decided for a success, in percent
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent, default_value = "0")]
    pub(super) min_coverage: u8,
    /// File of findings that somebody answers for: name, subject, reason, owner, last day
    #[arg(long, value_name = "FILE")]
    pub(super) suppressions: Option<PathBuf>,
    /// Earlier report (-o json=FILE): what it holds fails no run
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Wait as long as this for what still spreads, such as 90s or 5m; only what can still change is asked again
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) wait: Option<Duration>,
    /// List what is fine and show full texts
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Colours
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) color: Color,
    #[command(flatten)]
    pub(super) examine: Examine,
}

/// Which deployment. Secrets are given by environment or file only.
#[derive(Args, Default)]
pub(super) struct TargetArguments {
    /// Settings file; where not given that of `MZV_DOCTOR_CONFIG`, or mzv-doctor.yaml in the working folder
    #[arg(long, value_name = "FILE", help_heading = "Target")]
    pub(super) config: Option<PathBuf>,
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
    pub(super) kubeconfig: Option<PathBuf>,
    /// Primary's API, as its gateway reaches it
    #[arg(long, value_name = "URL", help_heading = "Target")]
    primary_url: Option<String>,
    /// Further certificate authorities to trust, PEM
    #[arg(long, value_name = "FILE", help_heading = "Target")]
    pub(super) ca_file: Option<PathBuf>,
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
pub(super) const CONFIG_VARIABLE: &str = "MZV_DOCTOR_CONFIG";

impl TargetArguments {
    /// The settings file that was named.
    pub(super) fn settings_file(&self) -> Option<PathBuf> {
        let by_variable = || std::env::var_os(CONFIG_VARIABLE).filter(|name| !name.is_empty());
        self.config.clone().or_else(|| by_variable().map(PathBuf::from))
    }

    /// Settings that were given, each with its flag.
    pub(super) fn flags(&self) -> Vec<(&'static str, &'static str, Value)> {
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
    pub(super) fn again(&self) -> Vec<String> {
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

/// Where a report goes.
#[derive(Clone)]
pub(super) struct Output {
    pub(super) format: Written,
    pub(super) file: Option<PathBuf>,
}

/// What a run writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// The diagnosis, in a format.
    Diagnosis(Format),
    /// What was learned.
    Snapshot,
    /// The same with all that goes with it, for a ticket.
    Bundle,
    /// The diagnosis with everything behind it, as a page.
    Html,
    /// Events, as they happen.
    Events,
}

fn parse_output(text: &str) -> Result<Output, String> {
    let mut all: Vec<(&str, Written)> =
        Format::ALL.iter().map(|(name, format)| (*name, Written::Diagnosis(*format))).collect();
    all.extend([
        ("html", Written::Html),
        ("snapshot", Written::Snapshot),
        ("bundle", Written::Bundle),
        ("ndjson", Written::Events),
    ]);
    let (format, file) = format_and_file(text, &all)?;
    if format == Written::Bundle && file.is_none() {
        return Err("a bundle needs a file, as in bundle=ticket.tar.zst".into());
    }
    Ok(Output { format, file })
}

fn parse_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() { Err("a name is missing".into()) } else { Ok(name.to_owned()) }
}

fn parse_percent(text: &str) -> Result<u8, String> {
    let number = text.trim_end_matches('%').parse().ok().filter(|percent| *percent <= 100);
    number.ok_or_else(|| "give a whole number from 0 to 100".to_owned())
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    crate::target::parse_duration(text).ok_or_else(|| "give a time such as 90s, 5m or 1h".to_owned())
}

/// Where the report of a scan goes.
#[derive(Clone)]
pub(super) struct ScanOutput {
    pub(super) format: ScanFormat,
    pub(super) file: Option<PathBuf>,
}

fn parse_scan_output(text: &str) -> Result<ScanOutput, String> {
    let (format, file) = format_and_file(text, ScanFormat::ALL)?;
    Ok(ScanOutput { format, file })
}

fn format_and_file<T: Copy>(text: &str, all: &[(&str, T)]) -> Result<(T, Option<PathBuf>), String> {
    let (name, file) = match text.split_once('=') {
        Some((_, "")) => return Err("a file name is missing behind =".into()),
        Some((name, file)) => (name, Some(PathBuf::from(file))),
        None => (text, None),
    };
    if let Some((_, format)) = all.iter().find(|(known, _)| *known == name) {
        Ok((*format, file))
    } else {
        let known: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        Err(format!("there is no format {name}; there are {}", known.join(", ")))
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum FailOn {
    Error,
    Warning,
}

impl FailOn {
    pub(super) fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Sureness {
    Possible,
    Likely,
    Certain,
}

impl Sureness {
    pub(super) fn confidence(self) -> Confidence {
        match self {
            Self::Possible => Confidence::Possible,
            Self::Likely => Confidence::Likely,
            Self::Certain => Confidence::Certain,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

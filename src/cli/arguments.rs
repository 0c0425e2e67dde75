//! What can be said on the command line.

mod output;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::diagnosis::{Confidence, Severity};

use output::{parse_duration, parse_name, parse_output, parse_percent, parse_scan_output};

pub(super) use output::{Output, ScanOutput, Written};
pub(super) use target::{CONFIG_VARIABLE, Examine, TargetArguments};

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

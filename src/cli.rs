//! The command line: one file a verb. The only place that prints, reads the clock and ends the process.

mod accepted;
mod archive;
mod arguments;
mod bundle;
mod check;
mod config;
mod diff;
mod events;
mod examination;
mod explain;
mod fix;
mod interrupt;
mod laboratory;
mod output;
mod permissions;
mod plan;
mod progress;
mod record;
mod reports;
mod rules;
mod scan;
mod stream;
mod why;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Verb};

use crate::gate::exit;

/// Why a verb did not come to a result of its own.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Target(#[from] crate::target::TargetError),
    #[error(transparent)]
    Clients(#[from] crate::probe::ClientsError),
    #[error(transparent)]
    Rules(#[from] crate::rule::RuleError),
    #[error(transparent)]
    Lab(#[from] crate::lab::LabError),
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Bundle(#[from] crate::bundle::WriteError),
    #[error("{file}: cannot be written: {cause}")]
    Output { file: String, cause: std::io::Error },
}

/// Runs the program. A defect of its own ends in one line and exit status 70.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
        output::complain(&format!("this is a defect of mzv-doctor{place}; please report it"));
    }));
    let ended = std::panic::catch_unwind(run);
    ExitCode::from(ended.unwrap_or(exit::DEFECT))
}

fn run() -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers; anything else is a mistake on the command line.
            let code = if error.use_stderr() { exit::USAGE } else { exit::FINE };
            if error.use_stderr() {
                output::note_lines(&error.render().to_string());
            } else {
                let _printed = error.print();
            }
            return code;
        }
    };
    crate::client::install_crypto();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&error.to_string());
            return exit::DEFECT;
        }
    };
    let ended = runtime.block_on(dispatch(arguments));
    // A lookup or a plugin that still hangs is left behind.
    runtime.shutdown_background();
    match ended {
        Ok(code) => code,
        Err(failure) => {
            output::complain(&failure.to_string());
            exit::USAGE
        }
    }
}

async fn dispatch(arguments: Arguments) -> Result<u8, Failure> {
    match arguments.verb {
        Verb::Check(check) => Box::pin(check::check(&check, None)).await,
        Verb::Verify(verify) => Box::pin(check::check(&verify.check, Some(&verify.name))).await,
        Verb::Why(wanted) => why::why(&wanted).await,
        Verb::Fix(wanted) => fix::fix(&wanted).await,
        Verb::Diff(wanted) => diff::diff(&wanted),
        Verb::Bundle(verb) => Box::pin(bundle::bundle(verb)).await,
        Verb::Report(wanted) => check::report(*wanted).await,
        Verb::Scan(wanted) => scan::scan(&wanted).await,
        Verb::Explain(wanted) => explain::explain(&wanted),
        Verb::Lab(verb) => laboratory::lab(verb).await,
        Verb::Plan(plan) => plan::plan(&plan),
        Verb::Permissions(wanted) => permissions::permissions(&wanted),
        Verb::Config(verb) => config::config(*verb).await,
        Verb::Rules(verb) => rules::rules(verb),
        Verb::Completion { shell } => {
            let mut command = Arguments::command();
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "mzv-doctor", &mut script);
            output::put(&String::from_utf8_lossy(&script))?;
            Ok(exit::FINE)
        }
    }
}

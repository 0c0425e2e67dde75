//! `config`: what is in force, and why; and a settings file made of what was found.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use comfy_table::{ContentArrangement, Table, TableStyle};
use serde_json::Value;

use super::arguments::{Config, TargetArguments};
use super::{Failure, check, output};
use crate::gate::exit;
use crate::probe::Clients;
use crate::target::{Target, table};

pub(super) async fn config(verb: Config) -> Result<u8, Failure> {
    match verb {
        Config::Show { target } => show(&target),
        Config::Init { file, lab, target } => init(&file, lab.as_deref(), &target).await,
    }
}

fn show(target: &TargetArguments) -> Result<u8, Failure> {
    let resolved = Target::resolve(target.settings_file().as_deref(), output::variables(), target.flags())?;
    let mut rows = Table::new();
    rows.load_style(TableStyle::new());
    rows.force_no_tty();
    // A value may be longer than any screen: it stands last, and nothing is broken.
    rows.set_content_arrangement(ContentArrangement::Disabled);
    rows.set_header(["SETTING", "ORIGIN", "VALUE"]);
    for spec in table() {
        let Some(setting) = resolved.settings().get(spec.name) else { continue };
        let value = match &setting.value {
            Value::Null => "(not set)".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        rows.add_row([spec.name.to_owned(), setting.origin.clone(), value]);
    }
    let lines: Vec<String> = rows.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
    output::put(&(lines.join("\n") + "\n"))?;
    Ok(exit::FINE)
}

async fn init(file: &Path, lab: Option<&str>, arguments: &TargetArguments) -> Result<u8, Failure> {
    let to_screen = file == Path::new("-");
    if !to_screen && file.exists() {
        return Err(Failure::Usage(format!("{} is there already; name another file", file.display())));
    }
    let (target, _lab) = check::target(lab, arguments).await?;
    let vantage = check::vantage(&target);
    let mut clients = Clients::new(target, vantage)?;
    clients.discover().await?;
    let text = as_file(&clients.target);
    if to_screen {
        output::put(&text)?;
    } else {
        output::write(file, &text)?;
        output::note(&format!(
            "{} is written; settings that are commented out have their defaults",
            file.display()
        ));
    }
    Ok(exit::FINE)
}

/// A settings file: what was configured or found as it is, everything else commented out, each with what it means.
fn as_file(target: &Target) -> String {
    let mut sections: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for spec in table() {
        let (section, key) = spec.name.rsplit_once('.').unwrap_or(("", spec.name));
        if !order.contains(&section) {
            order.push(section);
        }
        let Some(setting) = target.settings().get(spec.name) else { continue };
        let indent = "  ".repeat(if section.is_empty() { 0 } else { section.split('.').count() });
        let chosen = setting.origin != "default" && setting.origin != "lab";
        let how = if chosen { format!(" ({})", setting.origin) } else { String::new() };
        let value = match &setting.value {
            Value::Null => String::new(),
            // JSON is YAML.
            other => other.to_string(),
        };
        let off = if chosen { "" } else { "# " };
        sections.entry(section).or_default().push(format!(
            "{indent}# {}{how}\n{indent}{off}{key}:{}{value}",
            spec.doc,
            if value.is_empty() { "" } else { " " }
        ));
    }
    let mut text = String::from(
        "# Settings of mzv-doctor. What is commented out has the value shown, or none.\n\
         # Secrets do not belong here: name a file, or set the variable of the same name.\n",
    );
    for section in order {
        let lines = sections.get(section).cloned().unwrap_or_default();
        let mut depth = 0;
        for part in section.split('.').filter(|part| !part.is_empty()) {
            let nested = depth > 0;
            // An inner section stands below its outer one, which is written already.
            if !nested && section.contains('.') {
                depth += 1;
                continue;
            }
            // Writing to a string does not fail.
            let _written = writeln!(text, "{}{part}:", "  ".repeat(depth));
            depth += 1;
        }
        for line in lines {
            let _written = writeln!(text, "{line}");
        }
    }
    text
}

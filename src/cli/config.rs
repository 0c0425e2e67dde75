//! `config`: what is in force, and why.

use comfy_table::{ContentArrangement, Table, TableStyle};
use serde_json::Value;

use super::arguments::Config;
use super::{Failure, output};
use crate::gate::exit;
use crate::target::{Target, table};

pub(super) fn config(verb: Config) -> Result<u8, Failure> {
    let Config::Show { target } = verb;
    let resolved = Target::resolve(target.config.as_deref(), output::variables(), target.flags())?;
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

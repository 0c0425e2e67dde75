//! Reads the rule files once, so that no start of the program has to.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use prepare::{Entry, Shared, expressions};

// What is not used here is used in the program.
#[allow(dead_code, reason = "shared with the program, which uses the rest")]
#[path = "src/rule/literal.rs"]
mod literal;
#[allow(dead_code, reason = "shared with the program, which uses the rest")]
#[path = "src/rule/prepare.rs"]
mod prepare;
#[path = "src/rule/wording.rs"]
mod wording;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=build.rs");
    for file in ["literal", "prepare", "wording"] {
        println!("cargo::rerun-if-changed=src/rule/{file}.rs");
    }
    let mut prepared = prepare::Prepared { entries: Vec::new(), shared: Shared::default() };
    let mut rules = BTreeMap::new();
    for area in std::fs::read_dir("rules")? {
        let area = area?.path();
        if area.is_dir() {
            for file in std::fs::read_dir(&area)? {
                let file = file?.path();
                if file.extension().is_some_and(|ending| ending == "yaml") {
                    let entry = read(&file, entry)?;
                    rules.insert(entry.id.clone(), read(&file, whole)?);
                    prepared.entries.push(entry);
                }
            }
        } else if area.file_name().is_some_and(|name| name == "text.yaml") {
            prepared.shared = read(&area, shared)?;
        }
    }
    prepared.entries.sort_by(|one, other| one.id.cmp(&other.id));
    let folder = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&folder).join("prepared.json"), serde_json::to_vec(&prepared)?)?;
    std::fs::write(Path::new(&folder).join("rules.json"), serde_json::to_vec(&rules)?)?;
    Ok(())
}

fn read<T>(file: &Path, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(file)?;
    parse(&text).map_err(|problem| format!("{}: {problem}", file.display()).into())
}

/// Reads a rule file without its examples, which judge nothing, as what is read faster.
fn whole(text: &str) -> Result<Value, String> {
    let mut rule: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    if let Some(examples) = rule.get_mut("examples") {
        *examples = Value::Array(Vec::new());
    }
    Ok(rule)
}

#[derive(Deserialize)]
struct SymptomFile {
    #[serde(rename = "in", default)]
    sources: Vec<String>,
    entra: Option<u64>,
    pattern: Option<String>,
    unless: Option<String>,
}

#[derive(Deserialize)]
struct RuleFile {
    id: String,
    #[serde(default)]
    also: Vec<String>,
    title: String,
    area: String,
    severity: String,
    #[serde(default)]
    text_only: bool,
    #[serde(default)]
    recovered_by: Vec<String>,
    #[serde(default)]
    symptoms: Vec<SymptomFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedFile {
    mentions: Vec<String>,
    within: Vec<String>,
    logged: String,
    denied: String,
    recoveries: BTreeMap<String, Vec<String>>,
}

/// Reads what a search needs of a rule file.
fn entry(text: &str) -> Result<Entry, String> {
    let file: RuleFile = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let mut symptoms = Vec::new();
    for one in &file.symptoms {
        symptoms.extend(expressions(&one.sources, one.entra, one.pattern.as_deref(), one.unless.as_deref())?);
    }
    Ok(Entry {
        id: file.id,
        also: file.also,
        title: file.title,
        area: file.area,
        severity: file.severity,
        text_only: file.text_only,
        recovered_by: file.recovered_by,
        symptoms,
    })
}

/// Reads what holds for every rule.
fn shared(text: &str) -> Result<Shared, String> {
    let file: SharedFile = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let mut recoveries = BTreeMap::new();
    for (name, patterns) in file.recoveries {
        let mut all = Vec::new();
        for pattern in &patterns {
            all.extend(expressions(&[], None, Some(pattern), Some(&file.denied))?);
        }
        recoveries.insert(name, all);
    }
    Ok(Shared { mentions: file.mentions, within: file.within, logged: file.logged, recoveries })
}

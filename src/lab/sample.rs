//! Samples: the healthy deployment, and per scenario only what differs from it.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use jiff::{SignedDuration, Timestamp};
use regex::{Captures, Regex};
use serde::Deserialize;
use serde_json::Value;

use super::{LabError, World};

static SAMPLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/samples");

/// The scenario that all others differ from.
const HEALTHY: &str = "healthy";

/// A scenario by name.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Folder name.
    pub name: String,
    /// One line.
    pub title: String,
}

/// A finding that a scenario has to come to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The name.
    pub id: String,
    /// The names that explain it.
    #[serde(default)]
    pub caused_by: Vec<String>,
}

/// What examining a scenario has to come to, no more and no less.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Exit status.
    pub exit: u8,
    /// Findings.
    pub findings: Vec<Expected>,
    /// The cause that stands on top; the worst of the findings where the scenario does not say.
    #[serde(default)]
    pub top: Option<String>,
    /// Names that stay open; `None` where the scenario does not list them one by one.
    #[serde(default)]
    pub inconclusive: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleFile {
    title: String,
    expect: Expectation,
    /// Scenarios whose changes come before this one's own, one after the other.
    #[serde(default)]
    of: Vec<String>,
    #[serde(default)]
    change: Value,
}

/// Every scenario, by name.
pub fn scenarios() -> Result<Vec<Scenario>, LabError> {
    let mut found = Vec::new();
    for folder in SAMPLES.dirs() {
        let name = folder.path().display().to_string();
        let title = sample(&name)?.title;
        found.push(Scenario { name, title });
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// What a scenario has to come to.
pub fn expectation(name: &str) -> Result<Expectation, LabError> {
    Ok(sample(name)?.expect)
}

/// A scenario's world, as of now.
pub fn load(name: &str, now: Timestamp) -> Result<World, LabError> {
    changed(name, now, &Value::Null)
}

/// A scenario's world with a further change, a JSON merge patch (RFC 7396).
pub fn changed(name: &str, now: Timestamp, further: &Value) -> Result<World, LabError> {
    combined(&[name], now, further)
}

/// The world in which several scenarios are so at once, each changing what those before it left, with a further change.
pub fn combined(names: &[&str], now: Timestamp, further: &Value) -> Result<World, LabError> {
    let healthy = read(&format!("{HEALTHY}/world.yaml"))?;
    let mut world: Value = parse(&format!("{HEALTHY}/world.yaml"), &dated(&healthy, now))?;
    let mut layers = Vec::new();
    for name in names {
        let sample = sample(name)?;
        // One level: what a scenario consists of consists of nothing else.
        for part in &sample.of {
            layers.push((part.clone(), self::sample(part)?.change));
        }
        layers.push(((*name).to_owned(), sample.change));
    }
    for (name, change) in &layers {
        let change: Value = parse(&format!("{name}/sample.yaml"), &dated(&change.to_string(), now))?;
        if !change.is_null() {
            json_patch::merge(&mut world, &change);
        }
    }
    if !further.is_null() {
        json_patch::merge(&mut world, further);
    }
    let mut world: World = serde_json::from_value(world).map_err(|error| LabError::Sample {
        file: format!("{}/sample.yaml", names.join("+")),
        problem: error.to_string(),
    })?;
    let layers: Vec<&str> = layers.iter().map(|(name, _)| name.as_str()).collect();
    for logs in [&mut world.kubernetes.logs, &mut world.docker.logs] {
        fill_logs(&layers, now, logs)?;
    }
    Ok(world)
}

/// Replaces file names by the logs that they name: the last layer's that has it, else the healthy deployment's.
fn fill_logs(layers: &[&str], now: Timestamp, logs: &mut BTreeMap<String, String>) -> Result<(), LabError> {
    for file in logs.values_mut() {
        let own = layers.iter().rev().map(|layer| format!("{layer}/logs/{file}"));
        let held = own.into_iter().find(|path| SAMPLES.get_file(path).is_some());
        let path = held.unwrap_or_else(|| format!("{HEALTHY}/logs/{file}"));
        *file = repeated(&read(&path)?, now).map_err(|problem| LabError::Sample { file: path, problem })?;
    }
    Ok(())
}

fn sample(name: &str) -> Result<SampleFile, LabError> {
    let file = format!("{name}/sample.yaml");
    if SAMPLES.get_file(&file).is_none() {
        return Err(LabError::NoScenario { name: name.to_owned() });
    }
    parse(&file, &read(&file)?)
}

fn read(file: &str) -> Result<String, LabError> {
    let refuse = |problem: &str| LabError::Sample { file: file.to_owned(), problem: problem.to_owned() };
    let found = SAMPLES.get_file(file).ok_or_else(|| refuse("is not there"))?;
    found.contents_utf8().map(str::to_owned).ok_or_else(|| refuse("is not UTF-8"))
}

fn parse<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, LabError> {
    serde_saphyr::from_str(text).map_err(|error| LabError::Sample {
        file: file.to_owned(),
        problem: error.without_snippet().to_string().lines().next().unwrap_or("not valid YAML").to_owned(),
    })
}

/// Seconds of `30s`, `5m`, `2h`, `10d`.
fn seconds(number: &str, unit: &str) -> i64 {
    let one = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 86_400,
    };
    number.parse::<i64>().unwrap_or(0) * one
}

/// `{{now-30s}}` and `{{now+10d}}` as times.
fn dated(text: &str, now: Timestamp) -> String {
    let Ok(mark) = Regex::new(r"\{\{now(?:([+-])(\d+)([smhd]))?\}\}") else { return text.to_owned() };
    mark.replace_all(text, |found: &Captures<'_>| {
        let by = match (found.get(2), found.get(3)) {
            (Some(number), Some(unit)) => seconds(number.as_str(), unit.as_str()),
            _ => 0,
        };
        let by = if found.get(1).is_some_and(|sign| sign.as_str() == "-") { -by } else { by };
        let at = now.checked_add(SignedDuration::from_secs(by)).unwrap_or(now);
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    })
    .into_owned()
}

/// Lines that begin with `@repeat N every Ns ending Ns ago:` stand for many, with `{{t}}` for each one's time.
fn repeated(text: &str, now: Timestamp) -> Result<String, String> {
    let form = Regex::new(r"^@repeat (\d+) every (\d+)([smhd]) ending (\d+)([smhd]) ago: (.*)$")
        .map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    for line in text.lines() {
        let Some(found) = form.captures(line) else {
            if line.starts_with('@') {
                return Err(format!("cannot read {line}"));
            }
            lines.push(dated(line, now));
            continue;
        };
        let count: i64 = found[1].parse().unwrap_or(0);
        let every = seconds(&found[2], &found[3]);
        let last = seconds(&found[4], &found[5]);
        for number in (0..count).rev() {
            let at = now.checked_sub(SignedDuration::from_secs(last + number * every)).unwrap_or(now);
            let time = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            lines.push(found[6].replace("{{t}}", &time));
        }
    }
    Ok(lines.join("\n") + "\n")
}

//! The rule files: those of the program, and those of a folder laid over them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::RuleError;
use super::file::RuleFile;

/// What holds for the symptoms of every rule.
const SHARED: &str = "text.yaml";

/// What the names of embedded files begin with, as they are shown.
pub(super) const EMBEDDED_IN: &str = "embedded rules/";

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// Rule files by id: what they are called, and their text.
pub(super) type Files = BTreeMap<String, (String, String)>;

/// The embedded files, with those of a folder laid over them by id.
pub(super) fn files(overlay: Option<&Path>) -> Result<Files, RuleError> {
    let mut files: BTreeMap<String, (String, String)> = BTreeMap::new();
    // Beside the areas lie the shared file and the index.
    for (path, text) in embedded(&EMBEDDED).into_iter().filter(|(path, _)| path.contains('/')) {
        insert(&mut files, format!("{EMBEDDED_IN}{path}"), &path, text)?;
    }
    if let Some(folder) = overlay {
        let mut laid = BTreeMap::new();
        for (path, text) in on_disk(folder)? {
            insert(&mut laid, folder.join(&path).display().to_string(), &path, text)?;
        }
        if laid.is_empty() {
            return Err(RuleError {
                file: folder.display().to_string(),
                line: 0,
                problem: "holds no AREA/ID.yaml".into(),
            });
        }
        files.extend(laid);
    }
    Ok(files)
}

/// The embedded rules without their examples, by id, as the build script wrote them: valid.
static READY: LazyLock<BTreeMap<&'static str, &'static RawValue>> = LazyLock::new(|| {
    serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/rules.json"))).unwrap_or_default()
});

/// An embedded rule without its examples.
pub(super) fn ready(id: &str) -> Option<Result<RuleFile, RuleError>> {
    let refuse = |error: serde_json::Error| RuleError {
        file: format!("{EMBEDDED_IN}{id}"),
        line: 1,
        problem: error.to_string(),
    };
    READY.get(id).map(|rule| serde_json::from_str(rule.get()).map_err(refuse))
}

/// A mark of each rule that differs where the rule does: the beginning of the SHA-256 of its text.
pub fn marks(overlay: Option<&Path>) -> Result<BTreeMap<String, String>, RuleError> {
    let mark = |text: &str| hex::encode(&Sha256::digest(text)[..6]);
    Ok(files(overlay)?.into_iter().map(|(id, (_, text))| (id, mark(&text))).collect())
}

fn embedded(folder: &Dir<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in folder.files() {
        let path = file.path().display().to_string();
        found.push((path, String::from_utf8_lossy(file.contents()).into_owned()));
    }
    for inner in folder.dirs() {
        found.extend(embedded(inner));
    }
    found
}

fn on_disk(folder: &Path) -> Result<Vec<(String, String)>, RuleError> {
    let refuse = |path: &Path, error: std::io::Error| RuleError {
        file: path.display().to_string(),
        line: 0,
        problem: error.to_string(),
    };
    let mut found = Vec::new();
    for area in std::fs::read_dir(folder).map_err(|error| refuse(folder, error))? {
        let area = area.map_err(|error| refuse(folder, error))?.path();
        if !area.is_dir() {
            if area.ends_with(SHARED) {
                let problem =
                    format!("{SHARED} holds for the embedded rules and cannot be laid over: take it out");
                return Err(RuleError { file: area.display().to_string(), line: 1, problem });
            }
            if area.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
                return Err(RuleError {
                    file: area.display().to_string(),
                    line: 1,
                    problem: "a rule file lies in the folder of its area".into(),
                });
            }
            continue;
        }
        for file in std::fs::read_dir(&area).map_err(|error| refuse(&area, error))? {
            let file = file.map_err(|error| refuse(&area, error))?.path();
            let text = std::fs::read_to_string(&file).map_err(|error| refuse(&file, error))?;
            let path = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
            found.push((path, text));
        }
    }
    found.sort();
    Ok(found)
}

fn insert(
    files: &mut BTreeMap<String, (String, String)>,
    shown: String,
    path: &str,
    text: String,
) -> Result<(), RuleError> {
    let refuse = |problem: String| RuleError { file: shown.clone(), line: 1, problem };
    let id = path
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_suffix(".yaml"))
        .ok_or_else(|| refuse("a rule file is named ID.yaml".into()))?;
    if path.split('/').count() != 2 {
        return Err(refuse("a rule file lies in the folder of its area".into()));
    }
    if let Some((other, _)) = files.get(id) {
        return Err(refuse(format!("the id {id} is taken by {other}")));
    }
    files.insert(id.to_owned(), (shown, text));
    Ok(())
}

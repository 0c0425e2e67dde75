//! Imports go down the floors only.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Module to what it may import.
fn floors() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("fact", &[][..]),
        ("client", &["fact"]),
        ("redact", &["fact"]),
        ("bundle", &["fact", "redact"]),
        ("derive", &["fact"]),
        ("rule", &["fact"]),
        ("lab", &["fact"]),
        ("target", &["fact", "client"]),
        ("diagnosis", &["fact", "derive", "rule"]),
        ("probe", &["fact", "client", "redact", "target"]),
        ("text", &["fact"]),
        ("scan", &["fact", "redact", "rule", "text", "diagnosis"]),
        ("gate", &["fact", "diagnosis", "scan"]),
        ("report", &["fact", "diagnosis", "scan"]),
        (
            "cli",
            &[
                "fact",
                "client",
                "redact",
                "bundle",
                "derive",
                "rule",
                "lab",
                "target",
                "diagnosis",
                "probe",
                "gate",
                "report",
                "text",
                "scan",
            ],
        ),
    ])
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn imports_go_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let floors = floors();
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = Vec::new();
    let mut edges = 0;
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let first = inside.iter().next().unwrap().to_string_lossy();
        let module = first.trim_end_matches(".rs").to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        let allowed = floors.get(module.as_str()).unwrap_or_else(|| panic!("{module} stands on no floor"));
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            for part in line.split("crate::").skip(1) {
                let target: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                edges += 1;
                if target != module && !allowed.contains(&target.as_str()) {
                    wrong.push(format!("src/{}:{number}: {module} imports {target}", inside.display()));
                }
            }
        }
    }
    assert!(edges > 0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

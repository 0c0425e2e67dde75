//! How well texts are recognised: recall and precision over labelled ones, where such are to be had. A file has a JSON
//! object a line, with `id`, `text` and `expect`, the names that the text shows.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mzv_doctor::fact::TextSource;
use mzv_doctor::rule::{Scanner, scanner};
use mzv_doctor::scan::{Reading, Seen};
use mzv_doctor::text::Clock;
use serde_json::Value;

/// Names that the texts are labelled with.
fn judged(folder: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(folder.join("domain/named-errors.md")).unwrap();
    let part = text.split("\n# Part 2").next().unwrap();
    part.lines().filter_map(|line| Some(line.strip_prefix("- ")?.split_once(':')?.0.to_owned())).collect()
}

fn shown(scanner: &Scanner, text: &str) -> BTreeSet<String> {
    let now = "2026-11-23T14:02:11Z".parse().unwrap();
    let reading =
        Reading { scanner, source: TextSource::Text, clock: Clock { now }, since: None, eager: false };
    let mut seen = Seen::default();
    reading.read(&mut text.as_bytes(), &mut seen, &mut |_| {}).unwrap();
    seen.tallies.keys().map(|&rule| scanner.rules()[rule].clone()).collect()
}

#[derive(Default)]
struct Score {
    right: usize,
    missed: usize,
    wrong: usize,
}

#[test]
fn published_texts_are_recognised() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let mut files: Vec<PathBuf> = vec![shared.join("corpus/symptoms.jsonl")];
    if let Some(more) = std::env::var_os("MZV_DOCTOR_TEST_CORPUS") {
        files.extend(std::env::split_paths(&more));
    }
    files.retain(|file| file.is_file());
    if files.is_empty() {
        println!("no labelled texts are here");
        return;
    }
    let names = judged(&shared);
    let scanner = scanner();
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    let mut notes = Vec::new();
    for line in files.iter().flat_map(|file| {
        std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    }) {
        let entry: Value = serde_json::from_str(&line).unwrap();
        let strings = entry["expect"].as_array().unwrap().iter();
        let expected: BTreeSet<String> = strings.map(|name| name.as_str().unwrap().to_owned()).collect();
        let mut got = shown(&scanner, entry["text"].as_str().unwrap());
        got.retain(|name| names.contains(name));
        for name in expected.union(&got) {
            let score = scores.entry(name.clone()).or_default();
            match (expected.contains(name), got.contains(name)) {
                (true, true) => score.right += 1,
                (true, false) => score.missed += 1,
                _ => score.wrong += 1,
            }
        }
        if expected != got {
            let missed: Vec<_> = expected.difference(&got).collect();
            let wrong: Vec<_> = got.difference(&expected).collect();
            notes.push(format!("{}: missed {missed:?}, wrong {wrong:?}", entry["id"]));
        }
    }
    let sum = |part: fn(&Score) -> usize| scores.values().map(part).sum::<usize>();
    let (right, missed, wrong) = (sum(|it| it.right), sum(|it| it.missed), sum(|it| it.wrong));
    println!("{right} recognised, {missed} missed, {wrong} wrongly recognised");
    for note in &notes {
        println!("{note}");
    }
    #[expect(clippy::cast_precision_loss, reason = "a few hundred texts")]
    let (recall, precision) = (right as f64 / (right + missed) as f64, right as f64 / (right + wrong) as f64);
    println!("recall {recall:.4}, precision {precision:.4}");
    assert!(recall >= 0.98 && precision >= 0.99, "recall {recall:.4}, precision {precision:.4}");
}

//! The table: every rule, the program's own and those of a folder.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::catalogue;
use super::files::{EMBEDDED_IN, embedded_rule, files};
use super::load::{RuleError, entry, line_of, read};
use super::prepare::Entry;
use super::symptom::Scanner;
use super::template;
use super::{Rule, Shape, shapes};
use crate::fact::FactSpec;

/// Every rule, by id.
pub struct RuleTable {
    /// The rules.
    pub rules: BTreeMap<String, Rule>,
    /// Their symptoms.
    pub scanner: Scanner,
    /// Types of all facts, by area and name.
    pub shapes: BTreeMap<String, BTreeMap<String, Shape>>,
}

/// Loads the embedded table, with the files of a folder laid over it by id.
///
/// `settings` are the dotted names that rules may read as `target.NAME`, each with whether it is a list.
pub fn load(
    vocabulary: &[FactSpec],
    settings: &[(&str, bool)],
    overlay: Option<&Path>,
) -> Result<RuleTable, RuleError> {
    whole(vocabulary, settings, overlay, |_, text| text.into())
}

/// The same without the examples of the program's own rules, which judge nothing and are half of what there is to read.
pub fn load_to_judge(
    vocabulary: &[FactSpec],
    settings: &[(&str, bool)],
    overlay: Option<&Path>,
) -> Result<RuleTable, RuleError> {
    whole(vocabulary, settings, overlay, |file, text| {
        if file.starts_with(EMBEDDED_IN) { without_examples(text).into() } else { text.into() }
    })
}

fn whole(
    vocabulary: &[FactSpec],
    settings: &[(&str, bool)],
    overlay: Option<&Path>,
    prepare: impl for<'a> Fn(&str, &'a str) -> Cow<'a, str>,
) -> Result<RuleTable, RuleError> {
    let mut table = Growing::new(vocabulary, settings, overlay.is_some());
    let files = files(overlay)?;
    for (id, (file, text)) in &files {
        table.read(id, file, &prepare(file, text))?;
    }
    check_causes(&table.rules, &files)?;
    Ok(table.finish())
}

/// A rule file without what stands under its key `examples`.
fn without_examples(text: &str) -> String {
    let mut within = false;
    let kept = text.lines().filter(|line| {
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            within = line.starts_with("examples:");
        }
        !within
    });
    kept.flat_map(|line| [line, "\n"]).chain(["examples: []\n"]).collect()
}

/// Loads some rules of the embedded table, `with_causes` also those that explain them, which is what it takes to order
/// findings. None at all costs nothing.
pub fn load_some(
    vocabulary: &[FactSpec],
    settings: &[(&str, bool)],
    names: impl IntoIterator<Item = String>,
    with_causes: bool,
) -> Result<RuleTable, RuleError> {
    let mut open: Vec<String> = names.into_iter().collect();
    if open.is_empty() {
        let scanner = catalogue::of(&[], catalogue::shared());
        return Ok(RuleTable { rules: BTreeMap::new(), scanner, shapes: BTreeMap::new() });
    }
    let mut table = Growing::new(vocabulary, settings, false);
    while let Some(id) = open.pop() {
        let file = catalogue::entry(&id).and_then(|entry| embedded_rule(&entry.area, &id));
        if let (false, Some((file, text))) = (table.rules.contains_key(&id), file) {
            let rule = table.read(&id, &file, &text)?;
            if with_causes {
                open.extend(rule.caused_by.iter().cloned());
            }
        }
    }
    Ok(table.finish())
}

/// A table to which rules are added.
struct Growing {
    shapes: BTreeMap<String, BTreeMap<String, Shape>>,
    target: Shape,
    examples: minijinja::Value,
    rules: BTreeMap<String, Rule>,
    entries: BTreeMap<String, Entry>,
}

impl Growing {
    /// `foreign` where files come that were never tried.
    fn new(vocabulary: &[FactSpec], settings: &[(&str, bool)], foreign: bool) -> Self {
        let shapes = shapes(vocabulary);
        let target = target_shape(settings);
        let examples = if foreign {
            let areas = shapes.iter().map(|(area, facts)| (area.as_str(), facts)).collect();
            template::examples(&areas, &target)
        } else {
            minijinja::Value::UNDEFINED
        };
        Self { shapes, target, examples, rules: BTreeMap::new(), entries: BTreeMap::new() }
    }

    fn read(&mut self, id: &str, file: &str, text: &str) -> Result<&Rule, RuleError> {
        let (rule, symptoms) = read(file, text, &self.shapes, &self.target, &self.examples)?;
        self.entries.insert(id.to_owned(), entry(&rule, symptoms));
        Ok(self.rules.entry(id.to_owned()).or_insert(rule))
    }

    fn finish(self) -> RuleTable {
        let entries: Vec<Entry> = self.entries.into_values().collect();
        RuleTable {
            rules: self.rules,
            scanner: catalogue::of(&entries, catalogue::shared()),
            shapes: self.shapes,
        }
    }
}

/// Settings as nested members.
fn target_shape(settings: &[(&str, bool)]) -> Shape {
    fn put(members: &mut BTreeMap<String, Shape>, parts: &[&str], leaf: Shape) {
        match parts {
            [] => {}
            [last] => {
                members.insert((*last).to_owned(), leaf);
            }
            [first, rest @ ..] => {
                let inner =
                    members.entry((*first).to_owned()).or_insert_with(|| Shape::Object(BTreeMap::new()));
                if let Shape::Object(inner) = inner {
                    put(inner, rest, leaf);
                }
            }
        }
    }
    let mut members = BTreeMap::new();
    for (name, is_list) in settings {
        let leaf = if *is_list { Shape::List(Box::new(Shape::Text)) } else { Shape::Text };
        put(&mut members, &name.split('.').collect::<Vec<_>>(), leaf);
    }
    Shape::Object(members)
}

fn check_causes(
    rules: &BTreeMap<String, Rule>,
    places: &BTreeMap<String, (String, String)>,
) -> Result<(), RuleError> {
    let refuse = |id: &str, problem: String| {
        let (file, text) = places.get(id).cloned().unwrap_or_default();
        Err(RuleError { file, line: line_of(&text, "caused_by"), problem })
    };
    for (id, rule) in rules {
        for cause in &rule.caused_by {
            if !rules.contains_key(cause) {
                return refuse(id, format!("caused_by: there is no rule {cause}"));
            }
        }
        let mut reached = BTreeSet::new();
        let mut open: Vec<&String> = rule.caused_by.iter().collect();
        while let Some(next) = open.pop() {
            if next == id {
                return refuse(id, "caused_by: the rule would explain itself".into());
            }
            if reached.insert(next.clone()) {
                open.extend(rules.get(next).into_iter().flat_map(|rule| &rule.caused_by));
            }
        }
    }
    Ok(())
}

//! The table: every rule, the program's own and those of a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::catalogue;
use super::file::RuleFile;
use super::files::{EMBEDDED_IN, files, ready};
use super::load::{RuleError, entry, line_of, parse, read};
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
    whole(vocabulary, settings, overlay, |_, _| None)
}

/// The same without the examples of the program's own rules, which judge nothing; those rules were read when the program
/// was built.
pub fn load_to_judge(
    vocabulary: &[FactSpec],
    settings: &[(&str, bool)],
    overlay: Option<&Path>,
) -> Result<RuleTable, RuleError> {
    whole(vocabulary, settings, overlay, |file, id| {
        file.starts_with(EMBEDDED_IN).then(|| ready(id)).flatten()
    })
}

fn whole(
    vocabulary: &[FactSpec],
    settings: &[(&str, bool)],
    overlay: Option<&Path>,
    ready: impl Fn(&str, &str) -> Option<Result<RuleFile, RuleError>>,
) -> Result<RuleTable, RuleError> {
    let mut table = Growing::new(vocabulary, settings, overlay.is_some());
    let files = files(overlay)?;
    for (id, (file, text)) in &files {
        match ready(file, id) {
            Some(written) => table.add(id, file, written?, "")?,
            None => table.add(id, file, parse(file, text)?, text)?,
        };
    }
    check_causes(&table.rules, &files)?;
    Ok(table.finish())
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
        let file = catalogue::entry(&id).map(|entry| format!("{EMBEDDED_IN}{}/{id}.yaml", entry.area));
        if let (false, Some(file), Some(written)) = (table.rules.contains_key(&id), file, ready(&id)) {
            let rule = table.add(&id, &file, written?, "")?;
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

    /// Adds a rule as it is written; `text` is where a mistake is looked for.
    fn add(&mut self, id: &str, file: &str, written: RuleFile, text: &str) -> Result<&Rule, RuleError> {
        let (rule, symptoms) = read(file, written, text, &self.shapes, &self.target, &self.examples)?;
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

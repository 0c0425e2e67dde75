//! The README's table of what is examined names every rule, and nothing that is none.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_rule_stands_in_the_table_of_what_is_examined() {
    let text = include_str!("../README.md");
    let (_, table) = text.split_once("## What is examined").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with('|'));
    let named: BTreeSet<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut rules = BTreeSet::new();
    for area in std::fs::read_dir(folder).unwrap() {
        for file in std::fs::read_dir(area.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            rules.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    assert!(!rules.is_empty());
    let rules: BTreeSet<&str> = rules.iter().map(String::as_str).collect();
    assert_eq!(named.difference(&rules).collect::<Vec<_>>(), Vec::<&&str>::new(), "no such rule");
    assert_eq!(rules.difference(&named).collect::<Vec<_>>(), Vec::<&&str>::new(), "not in the README");
}

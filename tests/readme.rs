//! The README's table of what is examined names every rule that examines something, and nothing else.

use std::collections::BTreeSet;

use mzv_doctor::rule::catalogue;

#[test]
fn every_rule_stands_in_the_table_of_what_is_examined() {
    let text = include_str!("../README.md");
    let (_, table) = text.split_once("## What is examined").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with('|'));
    let named: BTreeSet<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    let rules: BTreeSet<&str> =
        catalogue().iter().filter(|entry| !entry.text_only).map(|entry| entry.id.as_str()).collect();
    assert!(!rules.is_empty());
    assert_eq!(named.difference(&rules).collect::<Vec<_>>(), Vec::<&&str>::new(), "no such rule");
    assert_eq!(rules.difference(&named).collect::<Vec<_>>(), Vec::<&&str>::new(), "not in the README");
}

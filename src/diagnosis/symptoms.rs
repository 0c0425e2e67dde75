//! What the text of a snapshot shows of each rule, and what of it a retry has ended.

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::Snapshot;
use crate::rule::{Hit, Scanner, Search, is_retry};

pub(super) type Hits = BTreeMap<String, Vec<(usize, Hit)>>;

/// Symptoms of all text, each place in one piece, since messages wrap; and what of it a retry has ended.
pub(super) fn symptoms(snapshot: &Snapshot, scanner: &Scanner) -> (Hits, BTreeSet<(String, usize)>) {
    let (mut hits, mut over): (Hits, _) = (BTreeMap::new(), BTreeSet::new());
    let mut first = 0;
    for place in snapshot.text.chunk_by(|one, next| one.source == next.source && one.place == next.place) {
        let mut text = String::new();
        let mut begins = Vec::with_capacity(place.len());
        for evidence in place {
            begins.push(text.len());
            text.push_str(&evidence.text);
            text.push('\n');
        }
        let piece = |at: usize| begins.partition_point(|&begin| begin <= at).saturating_sub(1);
        let shown = Search::new(scanner, place[0].source).block(text.as_bytes(), text.len());
        for found in shown.found {
            let at = piece(found.line);
            let length = place[at].text.len();
            let span = (found.span.0 - begins[at], (found.span.1 - begins[at]).min(length));
            let of_rule = hits.entry(scanner.rules()[found.rule].clone()).or_default();
            match of_rule.last_mut() {
                // Another line of the same piece says the same.
                Some((last, hit)) if *last == first + at => {
                    for (name, value) in found.captures {
                        hit.captures.entry(name).or_insert(value);
                    }
                }
                _ => {
                    let rule = scanner.rules()[found.rule].clone();
                    of_rule.push((first + at, Hit { rule, span, captures: found.captures }));
                }
            }
        }
        for (rule, line) in shown.recovered {
            let again = piece(line);
            let rule = &scanner.rules()[rule];
            let of_rule = hits.get(rule).map_or(&[][..], Vec::as_slice);
            let before = of_rule.iter().filter(|(at, _)| (first..first + again).contains(at));
            let Some((last, _)) = before.clone().next_back() else { continue };
            let lines = (first + again - last) as u64;
            if is_retry(lines, snapshot.text[*last].at, place[again].at) {
                over.extend(before.map(|(at, _)| (rule.clone(), *at)));
            }
        }
        first += place.len();
    }
    (hits, over)
}

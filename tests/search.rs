//! The search finds what trying every expression on every line finds, however the text is cut into blocks.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::sync::LazyLock;

use mzv_doctor::fact::{TextSource, vocabulary};
use mzv_doctor::rule::{Scanner, Search, load, scanner};
use mzv_doctor::scan::{Reading, Seen};
use mzv_doctor::target::{Kind, table};
use mzv_doctor::text::{Blocks, Clock};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

static SCANNER: LazyLock<Scanner> = LazyLock::new(scanner);

/// Every text of every rule's examples: what fires, and what nearly does.
static LINES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let settings: Vec<_> = table().iter().map(|spec| (spec.name, spec.kind == Kind::List)).collect();
    let rules = load(&vocabulary(), &settings, None).unwrap();
    let examples = rules.rules.values().flat_map(|rule| &rule.examples);
    examples.flat_map(|example| &example.text).map(|text| text.line.clone()).collect()
});

/// A line, whole, cut off, wrapped, or in other letters.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let known = || (0..LINES.len()).prop_map(|number| LINES[number].clone().into_bytes());
    prop_oneof![
        4 => known(),
        2 => (known(), any::<prop::sample::Index>()).prop_map(|(line, at)| line[at.index(line.len().max(1))..].to_vec()),
        2 => (known(), 1_usize..9).prop_map(|(line, every)| {
            let mut spaces = 0;
            line.into_iter()
                .map(|byte| {
                    spaces += usize::from(byte == b' ');
                    if byte == b' ' && spaces % every == 0 { b'\n' } else { byte }
                })
                .collect()
        }),
        1 => known().prop_map(|line| line.to_ascii_uppercase()),
        1 => vec(select(vec!["certificate ", "AADSTS", "7002", "13", " denied", "\n", "EOF", ": ", "\"", "\u{e9}"]), 0..20)
            .prop_map(|parts| parts.concat().into_bytes()),
        1 => vec(any::<u8>(), 0..60),
    ]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(line(), 0..12).prop_map(|lines| lines.join(&b'\n'))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_filter_misses_nothing_and_adds_nothing(text in text()) {
        let mut search = Search::new(&SCANNER, TextSource::Text);
        let found = search.block(&text, text.len().max(1)).found;
        prop_assert_eq!(found, SCANNER.plainly(TextSource::Text, &text));
    }

    #[test]
    fn a_filter_tuned_to_other_text_finds_the_same(text in text(), before in text()) {
        let mut search = Search::new(&SCANNER, TextSource::Text);
        search.block(&before, before.len().max(1));
        let found = search.block(&text, text.len().max(1)).found;
        prop_assert_eq!(found, SCANNER.plainly(TextSource::Text, &text));
    }
}

/// A stream that comes in pieces.
struct Pieces<'a>(&'a [u8], usize);

impl std::io::Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.len().min(self.1).min(into.len());
        into[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn blocks_change_nothing() {
    // Longer than several blocks, with a symptom now and then, some of them across lines.
    let mut text = Vec::new();
    for number in 0..9000 {
        text.extend_from_slice(
            format!("2026-11-23T14:02:11Z line {number} of some log that says nothing\n").as_bytes(),
        );
        if number % 97 == 0 {
            text.extend_from_slice(
                b"AADSTS700016: Application with identifier\n'x' was not\nfound in the directory 'y'\n",
            );
        }
    }
    let mut plain: Vec<(u64, String)> = Vec::new();
    for found in SCANNER.plainly(TextSource::Text, &text) {
        let line = 1 + memchr::memchr_iter(b'\n', &text[..found.line]).count() as u64;
        plain.push((line, SCANNER.rules()[found.rule].clone()));
    }
    assert!(plain.len() > 90);
    for piece in [usize::MAX, 4096, 1013] {
        let mut search = Search::new(&SCANNER, TextSource::Text);
        let mut blocks = Blocks::new(Pieces(&text, piece), false);
        let mut got = Vec::new();
        while let Some(block) = blocks.next_block().unwrap() {
            for found in search.block(block.text, block.owned).found {
                let before = memchr::memchr_iter(b'\n', &block.text[..found.line]).count() as u64;
                got.push((block.line + before, SCANNER.rules()[found.rule].clone()));
            }
        }
        assert_eq!(got, plain, "in pieces of {piece}");
    }
    let clock = Clock { now: "2026-11-23T15:00:00Z".parse().unwrap() };
    let reading = Reading { scanner: &SCANNER, source: TextSource::Text, clock, since: None, eager: false };
    let mut seen = Seen::default();
    reading.read(&mut text.as_slice(), &mut seen, &mut |_| {}).unwrap();
    assert_eq!(seen.tallies.values().map(|tally| tally.count).sum::<u64>(), 93);
    assert_eq!(seen.lines, memchr::memchr_iter(b'\n', &text).count() as u64);
}

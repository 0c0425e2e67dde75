//! Bytes that nobody meant well: unpacking and unwrapping them ends within their limits. The same functions are the targets
//! in `fuzz/`.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use mzv_doctor::bundle::{self, Check, Contents, read_from};
use mzv_doctor::fact::{Snapshot, Vantage};
use mzv_doctor::redact::{Log, Values, redact_line};
use mzv_doctor::text::{Block, Clock, Limits, Problem, time_of, unpack, unwrap};
use proptest::collection::vec;
use proptest::prelude::*;

fn unpacked(bytes: &[u8]) -> (Vec<(String, usize)>, Vec<Problem>) {
    let limits = Limits { depth: 3, entries: 100, free: 1 << 20, ratio: 50 };
    let (mut texts, mut problems) = (Vec::new(), Vec::new());
    let mut visit = |name: &str, stream: &mut dyn Read| {
        let mut text = Vec::new();
        let ended = stream.read_to_end(&mut text).map(drop);
        texts.push((name.to_owned(), text.len()));
        ended
    };
    unpack("source", Box::new(bytes), limits, &mut visit, &mut problems);
    (texts, problems)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        out.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    out.into_inner().unwrap()
}

/// An archive of archives, damaged in some places.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let files = vec(("[a-z]{1,8}", vec(any::<u8>(), 0..600)), 0..6);
    (files, 0..4_u8, vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)).prop_map(
        |(files, layers, damage)| {
            let mut bytes = tar(&files);
            for layer in 0..layers {
                bytes = match layer % 3 {
                    0 => gzip(&bytes),
                    1 => zstd::encode_all(bytes.as_slice(), 1).unwrap(),
                    _ => tar(&[("inner".into(), bytes)]),
                };
            }
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        },
    )
}

/// Lines as loggers wrap them, cut anywhere.
fn wrapped() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(b"{\"log\":\"".to_vec()),
        Just(b"\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-23T14:02:11Z\"}\n".to_vec()),
        Just(b"\\u00".to_vec()),
        Just(b"\\ud83d\\ude00".to_vec()),
        Just(b"__CURSOR=x\n".to_vec()),
        Just(b"2026-11-23T14:02:11Z stderr P part\n".to_vec()),
        Just(b"\\u001b[31".to_vec()),
        Just(b"MESSAGE\n\x05\0\0\0\0\0\0\0".to_vec()),
        Just(b"MESSAGE=text\n\n".to_vec()),
        Just(b"\x1b[31".to_vec()),
        Just(b"\n  \"a\": \"b\\\\".to_vec()),
        vec(any::<u8>(), 0..30),
    ];
    vec(part, 0..30).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn unpacking_ends(bytes in damaged()) {
        let (texts, problems) = unpacked(&bytes);
        prop_assert!(texts.len() <= 100 * 3);
        for problem in problems {
            prop_assert!(!problem.what.contains('\n') && !problem.what.is_empty());
        }
    }

    #[test]
    fn unpacking_anything_ends(bytes in vec(any::<u8>(), 0..4000)) {
        unpacked(&bytes);
    }

    #[test]
    fn every_unwrapped_line_is_of_a_line_of_the_source(bytes in wrapped(), owned in any::<prop::sample::Index>()) {
        let owned = owned.index(bytes.len() + 1);
        let block = Block { text: &bytes, owned, line: 1, column: 0 };
        let unwrapped = unwrap(&block);
        prop_assert!(unwrapped.owned <= unwrapped.text.len().max(1));
        let lines = memchr::memchr_iter(b'\n', &bytes).count() as u64 + 1;
        let mut last = unwrapped.first();
        for at in 0..unwrapped.text.len() {
            if at == 0 || unwrapped.text[at - 1] == b'\n' {
                prop_assert!((1..=lines).contains(&unwrapped.number(at, at, &mut last)));
                prop_assert!(unwrapped.column(at) <= bytes.len() as u64 + 1);
            }
        }
        let clock = Clock { now: "2026-11-23T14:02:11Z".parse().unwrap() };
        let _time = time_of(&bytes, clock);
    }
}

#[test]
fn bombs_end_at_their_limit_and_are_told() {
    let bomb = gzip(&vec![0; 100 << 20]);
    let (texts, problems) = unpacked(&bomb);
    assert!(texts.iter().all(|(_, length)| *length < 8 << 20), "{texts:?}");
    assert!(problems[0].what.contains("archive bomb"), "{problems:?}");
    // Each layer grows by what is allowed; together they do not.
    let nested = gzip(&gzip(&vec![0; 100 << 20]));
    assert!(unpacked(&nested).1[0].what.contains("archive bomb"));
    let mut deep = b"text".to_vec();
    for _ in 0..8 {
        deep = gzip(&deep);
    }
    assert!(unpacked(&deep).1[0].what.contains("archives deep"), "{:?}", unpacked(&deep).1);
    let many: Vec<(String, Vec<u8>)> = (0..200).map(|number| (format!("{number}"), Vec::new())).collect();
    let (texts, problems) = unpacked(&tar(&many));
    assert_eq!(texts.len(), 100);
    assert!(problems[0].what.contains("more than 100 entries"));
}

/// A bundle, unpacked.
fn whole_bundle() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b");
    let contents = Contents {
        snapshot: Snapshot::new("2026-11-23T14:02:11Z".parse().unwrap(), Vantage::Operator),
        raw: Vec::new(),
        left_out: 0,
        log: &Log::new(),
        interrupted: false,
        pseudonyms: false,
        found: Vec::new(),
        rules: BTreeMap::new(),
    };
    bundle::write(&file, contents, &Values::default()).unwrap();
    zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap()
}

/// Parts of text that secrets are made of, and stand beside.
fn pieces() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("password".to_owned()),
        Just("\"token\"".to_owned()),
        Just("Authorization: Bearer ".to_owned()),
        Just("postgres://u:".to_owned()),
        Just("-----BEGIN PRIVATE KEY-----".to_owned()),
        Just("-----END PRIVATE KEY-----".to_owned()),
        Just("eyJhbGciOiJSUzI1NiJ9.".to_owned()),
        Just("sig=".to_owned()),
        Just("\\u0026".to_owned()),
        Just("%3D".to_owned()),
        Just("name\":\"X_KEY\",\"value\":\"".to_owned()),
        "[=:@/.,;&\"' \\\\{}<>%-]{1,3}",
        "[A-Za-z0-9+/]{1,40}",
        "[0-9a-f]{8,64}",
        "[a-z]{1,12}",
        "\\PC{0,6}",
    ];
    vec(word, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// A bundle that was damaged in transit, or made up, is read or refused; nothing else.
    #[test]
    fn a_damaged_bundle_is_read_or_refused(
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = whole_bundle();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        let packed = zstd::encode_all(bytes.as_slice(), 1).unwrap();
        for check in [Check::Strict, Check::Lenient] {
            if let Err(error) = read_from(Cursor::new(packed.clone()), check) {
                prop_assert!(error.to_string().lines().count() <= 1, "{error}");
            }
        }
    }

    /// What is recorded is looked through again wherever it goes: to look once has to be enough.
    #[test]
    fn to_take_secrets_out_twice_changes_nothing_more(text in pieces()) {
        let once = redact_line(&text).into_owned();
        prop_assert_eq!(redact_line(&once).into_owned(), once);
    }
}

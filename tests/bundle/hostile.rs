//! Bundles that somebody made to do harm: refused in one clear line, in bounded time and memory, and nothing is written.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{run, unpacked};

struct Entry {
    name: Vec<u8>,
    kind: tar::EntryType,
    link: &'static str,
    bytes: Vec<u8>,
    /// What its header says, where that is not how long it is.
    size: Option<u64>,
}

fn file(name: &str, bytes: &[u8]) -> Entry {
    Entry { name: name.into(), kind: tar::EntryType::Regular, link: "", bytes: bytes.to_owned(), size: None }
}

/// An archive of exactly these entries, whatever their names.
fn tarred(entries: &[Entry]) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..entry.name.len().min(100)]
            .copy_from_slice(&entry.name[..entry.name.len().min(100)]);
        header.set_entry_type(entry.kind);
        header.as_old_mut().linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
        header.set_size(entry.size.unwrap_or(entry.bytes.len() as u64));
        header.set_mode(0o644);
        header.set_cksum();
        all.extend_from_slice(header.as_bytes());
        all.extend_from_slice(&entry.bytes);
        all.resize(all.len().next_multiple_of(512), 0);
    }
    all.resize(all.len() + 1024, 0);
    all
}

fn packed(path: &Path, bytes: &[u8]) {
    std::fs::write(path, zstd::stream::encode_all(bytes, 3).unwrap()).unwrap();
}

/// A bundle's name, its unpacked bytes, and what is said of it.
type Case = (&'static str, Vec<u8>, &'static str);

/// Archives that hold what no bundle does.
fn strange_archives(manifest: &[u8]) -> Vec<Case> {
    let first = || file("manifest.json", manifest);
    let kind = |name: &str, kind, link| Entry { kind, link, ..file(name, b"") };
    let long = "a".repeat(5000);
    vec![
        ("traversal", tarred(&[first(), file("../../escaped", b"x")]), "which no bundle does"),
        ("absolute", tarred(&[first(), file("/tmp/escaped-by-bundle", b"x")]), "which no bundle does"),
        ("inside", tarred(&[first(), file("raw/../../escaped", b"x")]), "which no bundle does"),
        (
            "symlink",
            tarred(&[first(), kind("snapshot.json", tar::EntryType::Symlink, "/etc/passwd")]),
            "no plain file",
        ),
        (
            "hardlink",
            tarred(&[first(), kind("snapshot.json", tar::EntryType::Link, "/etc/passwd")]),
            "no plain file",
        ),
        ("device", tarred(&[first(), kind("text.ndjson", tar::EntryType::Char, "")]), "no plain file"),
        ("pipe", tarred(&[first(), kind("text.ndjson", tar::EntryType::Fifo, "")]), "no plain file"),
        ("folder", tarred(&[first(), kind("raw/", tar::EntryType::Directory, "")]), "no plain file"),
        (
            "long-name",
            tarred(&[
                first(),
                Entry { kind: tar::EntryType::GNULongName, ..file("././@LongLink", long.as_bytes()) },
            ]),
            "no plain file",
        ),
        (
            "extension",
            tarred(&[
                first(),
                Entry {
                    kind: tar::EntryType::XHeader,
                    ..file("PaxHeaders/x", b"30 size=99999999999999999999\n")
                },
            ]),
            "no plain file",
        ),
        (
            "twice",
            tarred(&[first(), file("snapshot.json", b"{}"), file("snapshot.json", b"{}")]),
            "snapshot.json",
        ),
        ("no-manifest", tarred(&[file("snapshot.json", b"{}")]), "where its manifest should be"),
        ("manifest-last", tarred(&[file("text.ndjson", b""), first()]), "where its manifest should be"),
        (
            "bytes-as-name",
            tarred(&[first(), Entry { name: vec![0xff, 0xfe, b'x'], ..file("", b"") }]),
            "which no bundle does",
        ),
        (
            "huge",
            tarred(&[first(), Entry { size: Some(1 << 40), ..file("text.ndjson", b"x") }]),
            "which no bundle does",
        ),
        ("cut", tarred(&[first(), Entry { size: Some(1 << 20), ..file("text.ndjson", b"x") }]), ""),
        ("not-json", tarred(&[file("manifest.json", b"\xff\xfe{")]), "manifest.json in it cannot be read"),
        (
            "not-utf8",
            tarred(&[first(), file("snapshot.json", b"{\"format\":1,\"tool_version\":\"\xc3\x28\"}")]),
            "snapshot.json in it cannot be read",
        ),
        (
            "deep",
            tarred(&[first(), file("snapshot.json", "[".repeat(100_000).as_bytes())]),
            "snapshot.json in it cannot be read",
        ),
        ("empty", Vec::new(), "no bundle"),
        ("no-archive", b"hello, this is no archive at all".repeat(100), "no bundle"),
    ]
}

/// Files of a bundle that hold what they should not.
fn strange_contents(good: &[(String, Vec<u8>)]) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let manifest = &good[0].1;
    let first = || file("manifest.json", manifest);
    for (name, format, said) in
        [("newer", 2, "has form 2 and was written by mzv-doctor 9.9.9"), ("older", 0, "has form 0")]
    {
        let text = json!({"bundle_format": format, "tool_version": "9.9.9", "anything": []}).to_string();
        cases.push((name, tarred(&[file("manifest.json", text.as_bytes())]), said));
    }
    // A manifest that lies about what is in the other files.
    let lying = String::from_utf8(manifest.clone()).unwrap().replace("\"size\": ", "\"size\": 1");
    let mut entries = vec![file("manifest.json", lying.as_bytes())];
    entries.extend(good[1..].iter().map(|(name, bytes)| file(name, bytes)));
    cases.push(("lying", tarred(&entries), "was altered"));
    // A line of text that never ends, and more files than there are.
    let mut entries = vec![first()];
    entries.push(file("text.ndjson", &vec![b'['; 20 << 20]));
    cases.push(("endless-line", tarred(&entries), "text.ndjson in it cannot be read"));
    let mut entries = vec![first()];
    entries.extend((0..2000).map(|number| file(&format!("raw/{number:04}.json"), b"{}")));
    cases.push(("many", tarred(&entries), "more than 1000 files"));
    cases
}

#[test]
fn a_hostile_bundle_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    assert_eq!(run(here, &["bundle", "create", "--lab", "healthy", "-o", "good"]).code, 0);
    let good = unpacked(&here.join("good"));
    let mut cases = strange_archives(&good[0].1);
    cases.extend(strange_contents(&good));
    for (name, bytes, said) in &cases {
        packed(&here.join(name), bytes);
        for arguments in [
            &["check", "--bundle", name][..],
            &["bundle", "show", name],
            &["bundle", "redact", name, "-o", "out"],
        ] {
            let began = Instant::now();
            let refused = run(here, arguments);
            assert_eq!(refused.code, 2, "{name}: {}", refused.err);
            assert!(
                refused.err.contains(said) && refused.err.lines().count() == 1,
                "{name}: {}",
                refused.err
            );
            assert!(refused.err.starts_with(&format!("mzv-doctor: {name}: ")), "{name}: {}", refused.err);
            assert!(refused.err.len() < 600 && began.elapsed() < Duration::from_secs(20), "{name}");
        }
    }
    assert!(!here.join("out").exists() && !here.join("escaped").exists());
    assert!(
        !here.parent().unwrap().join("escaped").exists() && !Path::new("/tmp/escaped-by-bundle").exists()
    );
}

/// A few kilobytes that would come to gigabytes.
#[test]
fn a_bomb_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    assert_eq!(run(here, &["bundle", "create", "--lab", "healthy", "-o", "good"]).code, 0);
    let manifest = unpacked(&here.join("good"))[0].1.clone();
    let into = std::fs::File::create(here.join("bomb")).unwrap();
    let mut packer = zstd::stream::write::Encoder::new(into, 1).unwrap();
    let head = tarred(&[
        file("manifest.json", &manifest),
        Entry { size: Some(200 << 20), ..file("snapshot.json", b"") },
    ]);
    packer.write_all(&head[..head.len() - 1024]).unwrap();
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..1500 {
        packer.write_all(&blanks).unwrap();
    }
    packer.finish().unwrap();
    assert!(std::fs::metadata(here.join("bomb")).unwrap().len() < 1 << 20);
    let refused = run(here, &["check", "--bundle", "bomb"]);
    assert!(refused.code == 2 && refused.err.lines().count() == 1, "{}", refused.err);
}

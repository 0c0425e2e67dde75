//! Bundles: what is recorded is what was seen, without secrets; what is not a bundle is refused.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

#[path = "bundle/canary.rs"]
mod canary;
#[path = "bundle/hostile.rs"]
mod hostile;
#[allow(dead_code, reason = "each test uses a part of it")]
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use mzv_doctor::bundle::{self, Check, Contents, WriteError};
use mzv_doctor::fact::{Snapshot, TextEvidence, TextSource, Vantage};
use mzv_doctor::lab::scenarios;
use mzv_doctor::redact::{Log, Values};
use mzv_doctor::rule::catalogue;
use program::{program, run};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The files of a bundle, read by nothing of this project.
fn unpacked(file: &Path) -> Vec<(String, Vec<u8>)> {
    let packed = std::fs::File::open(file).unwrap();
    let mut archive = tar::Archive::new(zstd::stream::read::Decoder::new(packed).unwrap());
    archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().display().to_string(), bytes)
        })
        .collect()
}

/// The same packed again.
fn packed(file: &Path, members: &[(String, Vec<u8>)]) {
    let into = std::fs::File::create(file).unwrap();
    let mut archive = tar::Builder::new(zstd::stream::write::Encoder::new(into, 1).unwrap());
    for (name, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
}

fn manifest(file: &Path) -> Value {
    serde_json::from_slice(&unpacked(file)[0].1).unwrap()
}

fn schema(name: &str) -> jsonschema::Validator {
    let path = format!("{}/schema/{name}", env!("CARGO_MANIFEST_DIR"));
    jsonschema::validator_for(&serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
        .unwrap()
}

fn empty(found: &[&str]) -> Contents<'static> {
    static NOTHING: Log = Log::new();
    let snapshot = Snapshot::new("2026-11-23T14:02:11Z".parse().unwrap(), Vantage::Operator);
    Contents {
        snapshot,
        raw: Vec::new(),
        left_out: 0,
        log: &NOTHING,
        interrupted: false,
        pseudonyms: false,
        found: found.iter().map(|name| (*name).to_owned()).collect(),
        rules: BTreeMap::new(),
    }
}

fn line(place: &str, text: &str) -> TextEvidence {
    TextEvidence {
        source: TextSource::GatewayLog,
        place: place.into(),
        line: 1,
        at: None,
        count: 1,
        text: text.into(),
    }
}

#[test]
fn a_bundle_says_what_it_holds_and_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let made = run(here, &["bundle", "create", "--lab", "permission-missing", "-o", "t.tar.zst"]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(made.out.contains("missing") && made.out.contains("denied"), "{}", made.out);
    let members = unpacked(&here.join("t.tar.zst"));
    let manifest: Value = serde_json::from_slice(&members[0].1).unwrap();
    let errors: Vec<String> =
        schema("bundle.v1.json").iter_errors(&manifest).map(|it| it.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(members[0].0, "manifest.json");
    for file in manifest["files"].as_array().unwrap() {
        let (_, bytes) = members.iter().find(|(name, _)| file["name"] == **name).unwrap();
        let digest = hex::encode(Sha256::digest(bytes));
        assert_eq!((&file["sha256"], &file["size"]), (&digest.into(), &bytes.len().into()));
    }
    assert!(manifest["gaps"].as_array().unwrap().iter().any(|gap| gap["reason"] == "denied"));
    let (_, snapshot) = members.iter().find(|(name, _)| name == "snapshot.json").unwrap();
    assert!(schema("snapshot.v1.json").is_valid(&serde_json::from_slice(snapshot).unwrap()));
    // A bundle is nobody else's business.
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(here.join("t.tar.zst")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let shown = run(here, &["bundle", "show", "t.tar.zst"]);
    assert_eq!(shown.code, 0);
    for part in ["snapshot.json", "text.ndjson", "lines of", "denied"] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    let one = run(here, &["bundle", "show", "t.tar.zst", "manifest.json"]);
    assert_eq!(serde_json::from_str::<Value>(&one.out).unwrap(), manifest);
    assert_eq!(run(here, &["bundle", "show", "t.tar.zst", "no.json"]).code, 2);
    // Whoever has no access gets every answer that the run could have given.
    let why = run(here, &["why", "AADSTS700213", "--bundle", "t.tar.zst"]);
    assert_eq!(why.code, 0, "{}", why.err);
    let same = run(here, &["diff", "t.tar.zst", "t.tar.zst"]);
    assert_eq!(same.code, 0, "{}", same.out);
    let report = run(here, &["report", "t.tar.zst", "-o", "short", "-o", "junit=j.xml"]);
    assert_eq!(report.code, 0);
    assert!(report.out.contains("exit 3") && here.join("j.xml").is_file());
}

#[test]
fn the_same_snapshot_is_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    assert_eq!(run(here, &["bundle", "create", "--lab", "subject-mismatch", "-o", "a"]).code, 0);
    for options in [&[][..], &["--pseudonyms"]] {
        for name in ["b", "c"] {
            let arguments = [&["bundle", "redact", "a", "-o", name], options].concat();
            let made = program(here, &arguments).env("SOURCE_DATE_EPOCH", "1700000000").output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        assert_eq!(std::fs::read(here.join("b")).unwrap(), std::fs::read(here.join("c")).unwrap());
    }
    let named = |file: &str| manifest(&here.join(file))["found"].clone();
    assert_eq!(named("a"), named("b"));
    assert!(manifest(&here.join("b"))["pseudonyms"].as_bool().unwrap());
    // The ids of the lab's tenant and subscription are nowhere in it.
    let before = unpacked(&here.join("a"));
    let text = |members: &[(String, Vec<u8>)]| {
        members.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect::<String>()
    };
    let snapshot: Value =
        serde_json::from_slice(&before.iter().find(|(name, _)| name == "snapshot.json").unwrap().1).unwrap();
    let after = text(&unpacked(&here.join("b")));
    for setting in ["azure.subscription", "azure.tenant"] {
        let id = snapshot["target"][setting]["value"].as_str().unwrap();
        assert!(text(&before).contains(id) && !after.contains(id), "{setting}");
    }
}

/// What somebody does to the files of a bundle.
type Change = fn(&mut Vec<(String, Vec<u8>)>);

#[test]
fn a_bundle_that_was_altered_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    assert_eq!(run(here, &["bundle", "create", "--lab", "subject-mismatch", "-o", "a"]).code, 0);
    let whole = unpacked(&here.join("a"));
    let changes: [(&str, Change, &str); 6] = [
        ("text", |all| all[2].1 = b"".to_vec(), "text.ndjson is not the one"),
        (
            "manifest",
            |all| {
                all[0].1 =
                    String::from_utf8_lossy(&all[0].1).replace("AADSTS700213", "AADSTS700214").into_bytes();
            },
            "manifest.json is not the one",
        ),
        ("less", |all| drop(all.remove(5)), "raw/0002.json is missing"),
        ("more", |all| all.insert(4, ("raw/0999.json".into(), b"{}".to_vec())), "raw/0999.json was added"),
        ("no-text", |all| drop(all.remove(2)), "there is no text.ndjson"),
        ("no-seal", |all| drop(all.pop()), "there is no manifest.sha256"),
    ];
    for (name, change, said) in changes {
        let mut members = whole.clone();
        change(&mut members);
        packed(&here.join(name), &members);
        let judged = run(here, &["check", "--bundle", name]);
        assert!(judged.code == 2 && judged.err.contains(said), "{name}: {}", judged.err);
        assert_eq!(judged.err.lines().count(), 1);
        assert_eq!(run(here, &["bundle", "show", name]).code, 2, "{name}");
    }
    // Behind its end there is nothing.
    for (name, more) in
        [("bytes", b"SECRET".to_vec()), ("frame", zstd::encode_all(&b"SECRET"[..], 1).unwrap())]
    {
        let mut bytes = std::fs::read(here.join("a")).unwrap();
        bytes.extend(more);
        std::fs::write(here.join(name), bytes).unwrap();
        assert_eq!(run(here, &["check", "--bundle", name]).code, 2, "{name}");
    }
    // Packed in another way it is still the same.
    packed(&here.join("same"), &whole);
    assert_eq!(run(here, &["check", "--bundle", "same", "-o", "short"]).code, 1);
}

/// Other rules than the writer's: what changes is told, with why.
#[test]
fn other_rules_say_what_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    assert_eq!(run(here, &["bundle", "create", "--lab", "subject-mismatch", "-o", "a"]).code, 0);
    let same = run(here, &["check", "--bundle", "a", "-o", "short"]);
    assert_eq!((same.code, same.err.as_str()), (1, ""));
    let area = catalogue().iter().find(|entry| entry.id == "AADSTS700213").unwrap().area.clone();
    let rules = here.join("rules").join(&area);
    std::fs::create_dir_all(&rules).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules").join(&area).join("AADSTS700213.yaml");
    let rule = std::fs::read_to_string(source).unwrap();
    std::fs::write(rules.join("AADSTS700213.yaml"), &rule).unwrap();
    let laid = run(here, &["check", "--bundle", "a", "-o", "short", "--rules", "rules"]);
    assert_eq!((laid.code, laid.err.as_str()), (1, ""));
    std::fs::write(rules.join("AADSTS700213.yaml"), rule.replace("title:", "# Another.\ntitle:")).unwrap();
    let changed = run(here, &["check", "--bundle", "a", "-o", "short", "--rules", "rules"]);
    assert!(
        changed.err.contains("judged by other rules") && changed.err.contains("the same names"),
        "{}",
        changed.err
    );
    // As if it came from a release that knew one name less and one more.
    let mut members = unpacked(&here.join("a"));
    let mut old: Value = serde_json::from_slice(&members[0].1).unwrap();
    old["rules"].as_object_mut().unwrap().remove("AADSTS700213");
    old["rules"]["was-known-once"] = "00".into();
    old["found"] = serde_json::json!(["was-known-once", "csi-mount-failed"]);
    members[0].1 = serde_json::to_vec(&old).unwrap();
    let last = members.len() - 1;
    members[last].1 = hex::encode(Sha256::digest(&members[0].1)).into();
    packed(&here.join("old"), &members);
    let told = run(here, &["check", "--bundle", "old", "-o", "short"]);
    for part in ["AADSTS700213 (its rule is new)", "was-known-once (its rule is gone)"] {
        assert!(told.err.contains(part), "{}", told.err);
    }
}

#[test]
fn what_the_second_look_finds_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b");
    for secret in [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqh",
        "password=Tr0ub4dor",
        "3q2hV9xKc0Pz7LwT1mRb4Ng8Yd6Qs5UeJf",
        "cGFzc3dvcmQ9VHIwdWI0ZG9y",
        "H4sIAAAAAAAAA0stLi5RKEmtKAEAxfcJ2QwAAAA=",
        "password%3DTr0ub4dor",
    ] {
        let mut contents = empty(&[]);
        contents.snapshot.text.push(line("pod/a/b", secret));
        let refused = bundle::write(&file, contents, &Values::default()).unwrap_err();
        let WriteError::Secret { hits, .. } = &refused else { panic!("{secret}: {refused}") };
        assert!(
            hits[0].member == "text.ndjson" && hits[0].place.starts_with("pod/a/b"),
            "{secret}: {refused}"
        );
        assert!(!refused.to_string().contains(secret));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{secret}");
    }
    // A value that the run came across, wherever it stands.
    let mut contents = empty(&[]);
    contents.snapshot.again.push("plain words only".into());
    let refused = bundle::write(&file, contents, &Values::new(["plain words"], &BTreeSet::default()));
    assert!(matches!(refused, Err(WriteError::Secret { .. })));
    let written = bundle::write(&file, empty(&["x"]), &Values::default()).unwrap();
    assert_eq!(written.found, ["x"]);
    assert!(bundle::read(&file, Check::Strict).is_ok());
}

/// A disk that is full, and a run that is interrupted, leave a whole bundle or none.
#[test]
fn there_is_a_whole_bundle_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let doctor = env!("CARGO_BIN_EXE_mzv-doctor");
    // Files may grow to 4 KiB only, and the signal that says so is not heard.
    let script =
        format!("ulimit -f 4; trap '' XFSZ; exec {doctor} bundle create --lab healthy -o full.tar.zst");
    let full = Command::new("bash").args(["-c", &script]).current_dir(here).output().unwrap();
    let said = String::from_utf8_lossy(&full.stderr);
    assert_eq!(full.status.code(), Some(2), "{said}");
    assert!(said.contains("full.tar.zst: cannot be written"), "{said}");
    assert_eq!(std::fs::read_dir(here).unwrap().count(), 0);

    // What is no file is not replaced by one.
    assert!(Command::new("mkfifo").arg(here.join("pipe")).status().unwrap().success());
    let pipe = run(here, &["bundle", "create", "--lab", "healthy", "-o", "pipe"]);
    assert!(pipe.code == 2 && pipe.err.contains("it is no plain file"), "{}", pipe.err);
    assert!(!here.join("pipe").is_file());

    let arguments = [
        "bundle",
        "create",
        "--lab",
        "with-silent-primary-and-refused-connections",
        "--request-timeout",
        "30s",
        "-o",
        "i",
    ];
    let child = program(here, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(5));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(130));
    let read = bundle::read(&here.join("i"), Check::Strict).unwrap();
    assert!(read.manifest.interrupted && !read.manifest.gaps.is_empty());
}

/// Many bundles at once: which names, in how many, since when.
#[test]
fn a_folder_of_bundles_is_one_overview() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::create_dir_all(here.join("all/deep")).unwrap();
    for (number, scenario) in
        ["healthy", "subject-mismatch", "subject-mismatch", "stale-gateways"].iter().enumerate()
    {
        let name = format!("all/deep/{number}.tar.zst");
        assert_eq!(run(here, &["bundle", "create", "--lab", scenario, "-o", &name]).code, 0);
    }
    std::fs::write(here.join("all/README.txt"), "about these").unwrap();
    let clean = run(here, &["check", "--bundle", "all", "-o", "terminal", "-o", "json=o.json"]);
    assert_eq!((clean.code, clean.err.as_str()), (1, ""), "{}", clean.out);
    assert!(
        clean.out.contains("4 runs: 2 with exit 0, 2 with exit 1; 1 file is no record of a run"),
        "{}",
        clean.out
    );
    let overview: Value =
        serde_json::from_str(&std::fs::read_to_string(here.join("o.json")).unwrap()).unwrap();
    assert!(schema("overview.v1.json").is_valid(&overview));
    let of =
        |id: &str| overview["found"].as_array().unwrap().iter().find(|it| it["id"] == id).unwrap().clone();
    assert_eq!((&of("AADSTS700213")["runs"], &of("AADSTS700213")["deployments"]), (&2.into(), &1.into()));
    assert!(of("AADSTS700213")["example"].as_str().unwrap().ends_with("all/deep/1.tar.zst"));
    assert_eq!(of("AADSTS700213")["since_version"], env!("CARGO_PKG_VERSION"));
    // A snapshot is a record as well; a link leads nowhere.
    assert_eq!(
        run(here, &["check", "--lab", "subject-mismatch", "-o", "snapshot=all/s.json", "-o", "short"]).code,
        1
    );
    std::os::unix::fs::symlink("/etc", here.join("all/link")).unwrap();
    let more = run(here, &["check", "--bundle", "all"]);
    assert!(more.out.contains("5 runs: 2 with exit 0, 3 with exit 1; 1 file is"), "{}", more.out);
    std::fs::remove_file(here.join("all/s.json")).unwrap();
    // What cannot be read is told, and is no success.
    for name in ["1", "2"] {
        std::fs::remove_file(here.join(format!("all/deep/{name}.tar.zst"))).unwrap();
    }
    assert_eq!(run(here, &["check", "--bundle", "all"]).code, 0);
    std::fs::write(here.join("all/cut.tar.zst"), [0x28, 0xB5, 0x2F, 0xFD, 1, 2]).unwrap();
    let cut = run(here, &["check", "--bundle", "all"]);
    assert!(cut.code == 3 && cut.out.contains("all/cut.tar.zst: is no bundle"), "{}", cut.out);
    std::fs::create_dir(here.join("empty")).unwrap();
    assert_eq!(run(here, &["check", "--bundle", "empty"]).code, 3);
    assert_eq!(run(here, &["check", "--bundle", "all", "-o", "junit=j"]).code, 2);
}

/// A scanner of secrets that is not this project's finds none in the bundle of any kind of scenario.
#[test]
fn a_scanner_that_is_not_ours_finds_nothing() {
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("outside");
    assert!(installed.join("installed").is_file(), "the scanner is missing: tests/run installs it");
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for scenario in scenarios().unwrap().iter().step_by(12) {
        let made =
            run(here, &["bundle", "create", "--lab", &scenario.name, "-o", "b", "--request-timeout", "5s"]);
        assert_eq!(made.code, 0, "{}: {}", scenario.name, made.err);
        for (name, bytes) in unpacked(&here.join("b")) {
            let file = here.join("all").join(&scenario.name).join(&name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
    }
    let scan = |folder: &str| -> Value {
        let done = Command::new(installed.join("bin/python"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/leaks.py"))
            .arg(here.join(folder))
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    };
    assert_eq!(scan("all"), serde_json::json!([]));
    // It finds one where there is one.
    std::fs::create_dir(here.join("bad")).unwrap();
    std::fs::write(
        here.join("bad/x.json"),
        r#"{"a": "AKIA2E0A8F3B244C9986", "b": "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"}"#,
    )
    .unwrap();
    assert_eq!(scan("bad").as_array().unwrap().len(), 2);
}

/// What a bundle says of itself is no log.
#[test]
fn a_bundle_is_searched_as_the_logs_that_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    assert_eq!(run(here, &["bundle", "create", "--lab", "healthy", "-o", "h.tar.zst"]).code, 0);
    let healthy = run(here, &["scan", "h.tar.zst"]);
    assert_eq!(healthy.code, 0, "{}", healthy.out);
    assert_eq!(run(here, &["bundle", "create", "--lab", "subject-mismatch", "-o", "s.tar.zst"]).code, 0);
    let found = run(here, &["scan", "s.tar.zst"]);
    assert!(found.code == 1 && found.out.contains("s.tar.zst!/event/pod/"), "{}", found.out);
    assert!(
        !found.out.contains("manifest.json") && !found.out.contains("bootstrap-token-expired"),
        "{}",
        found.out
    );
}

//! `scan` and `explain` as they are used: files, folders, archives, pipes, and whatever else is handed over.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

const REFUSED: &str = "dial tcp 10.0.0.4:5432: connect: connection refused";
const UNKNOWN_CLIENT: &str = "AADSTS700016: Application with identifier '22222222-2222-4222-8222-222222222222' was not found in the directory 'x'";

struct Run {
    code: i32,
    out: String,
    err: String,
}

fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> Run {
    let mut command = Command::cargo_bin("mzv-doctor").unwrap();
    command.env_clear().env("LANG", "C.UTF-8").env("PATH", "/usr/bin:/bin").current_dir(folder);
    let output = command.args(arguments).write_stdin(input).timeout(Duration::from_mins(1)).output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The document of a scan, which fits its schema.
fn document(folder: &Path, sources: &[&str], input: &[u8]) -> (i32, Value) {
    let run = run(folder, &[&["scan", "-o", "json"], sources].concat(), input);
    let document: Value =
        serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{} {}", run.out, run.err));
    let schema: Value = serde_json::from_str(include_str!("../schema/scan.v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(document["exit_code"], run.code);
    (run.code, document)
}

fn ids(rows: &Value) -> Vec<String> {
    rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        out.append_data(&mut header, name, *bytes).unwrap();
    }
    out.into_inner().unwrap()
}

#[test]
fn the_same_text_is_found_however_it_is_packed_and_wrapped() {
    let folder = tempfile::tempdir().unwrap();
    let plain = format!("2026-11-23T14:02:11Z starting\n2026-11-23T14:02:12Z {UNKNOWN_CLIENT}\n");
    let utf16 = |little: bool| -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(plain.encode_utf16());
        units.flat_map(|unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    let json = serde_json::json!({"level": "error", "msg": format!("first\n{UNKNOWN_CLIENT}")}).to_string();
    let docker: Vec<String> = plain
        .lines()
        .map(|line| {
            let log = format!("{line}\n");
            let record = serde_json::json!({"log": log, "stream": "stderr", "time": "2026-11-23T14:02:12Z"});
            format!("{record}\n")
        })
        .collect();
    let journal = format!(
        "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1795442532000000\nPRIORITY=3\nMESSAGE={UNKNOWN_CLIENT}\n\n"
    );
    let event = serde_json::to_string_pretty(&serde_json::json!({"items": [{"reason": "FailedMount", "message": format!("say \"{UNKNOWN_CLIENT}\"\nmore"), "count": 4}]})).unwrap();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("plain.log", plain.clone().into_bytes()),
        ("crlf.log", plain.replace('\n', "\r\n").into_bytes()),
        ("no-end.log", plain.trim_end().as_bytes().to_vec()),
        ("one.log.gz", gzip(plain.as_bytes())),
        ("members.log.gz", [gzip(b"first\n"), gzip(plain.as_bytes())].concat()),
        ("one.log.zst", zstd::encode_all(plain.as_bytes(), 3).unwrap()),
        ("two.tar", tar(&[("a/empty.log", b""), ("a/one.log", plain.as_bytes())])),
        ("two.tar.gz", gzip(&tar(&[("one.log", plain.as_bytes())]))),
        ("two.tar.zst", zstd::encode_all(tar(&[("one.log", plain.as_bytes())]).as_slice(), 3).unwrap()),
        ("inner.tar", tar(&[("deep.tar.gz", &gzip(&tar(&[("one.log.gz", &gzip(plain.as_bytes()))])))])),
        ("little.txt", utf16(true)),
        ("big.txt", utf16(false)),
        ("unmarked.txt", utf16(true)[2..].to_vec()),
        ("both.tar", [tar(&[("other.log", b"nothing")]), tar(&[("one.log", plain.as_bytes())])].concat()),
        ("json.log", format!("{json}\n").into_bytes()),
        ("docker-json.log", docker.concat().into_bytes()),
        ("journal.export", journal.into_bytes()),
        (
            "split.log",
            plain
                .replace("Application with", "Appli\n2026-11-23T14:02:12Z stderr F cation with")
                .replace("12Z AADSTS", "12Z stderr P AADSTS")
                .replace("11Z starting", "11Z stderr F starting")
                .into_bytes(),
        ),
        ("events.json", event.into_bytes()),
        (
            "colour.log",
            plain.replace("Application with", "\u{1b}[31mApplication\u{1b}[0m \u{1b}[1mwith").into_bytes(),
        ),
        ("bytes.log", [b"\xff\xfe\x00 \xc3\x28\n".as_slice(), plain.as_bytes()].concat()[2..].to_vec()),
        ("wrapped.log", plain.replace("was not found", "was\n    not found").into_bytes()),
        ("long.log", [vec![b'x'; 3 << 20], plain.as_bytes()[..].to_vec()].concat()),
    ];
    for (name, bytes) in cases {
        write(folder.path(), name, bytes);
        let (code, document) = document(folder.path(), &[name], b"");
        assert_eq!((code, ids(&document["findings"])), (1, vec!["AADSTS700016".to_owned()]), "{name}");
        assert_eq!(document["findings"][0]["count"], 1, "{name}");
        let captured = &document["findings"][0]["captured"][0];
        assert_eq!(captured["values"][0], "22222222-2222-4222-8222-222222222222", "{name}");
        assert!(document["unread"].as_array().unwrap().is_empty(), "{name}: {}", document["unread"]);
        let windows = document["read"]["windows"].as_array().unwrap().len();
        assert_eq!(windows, usize::from(name == "long.log"), "{name}");
    }
}

#[test]
fn where_when_and_how_often_are_told() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "logs/a.log",
        format!("2026-11-23T14:02:11Z {REFUSED}\nquiet\n2026-11-23T15:00:00Z {REFUSED}\n"),
    );
    write(folder.path(), "logs/b/c.log", format!("E1123 13:00:00.000000 1 main.go:1] {REFUSED}\n"));
    let (code, document) = document(folder.path(), &["logs"], b"");
    assert_eq!(code, 1);
    let finding = &document["findings"][0];
    assert_eq!(finding["id"], "net-connection-refused");
    assert_eq!(finding["count"], 3);
    assert!(finding["first"].as_str().unwrap().ends_with("-11-23T13:00:00Z"), "{}", finding["first"]);
    assert_eq!(finding["last"], "2026-11-23T15:00:00Z");
    let places: Vec<_> = finding["places"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["source"].as_str().unwrap(),
                it["line"].as_u64().unwrap(),
                it["column"].as_u64().unwrap(),
                it["count"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(places[0].0, "logs/a.log");
    assert_eq!((places[0].1, places[0].3), (1, 2));
    assert!(places[0].2 > 20);
    assert_eq!((places[1].0, places[1].3), ("logs/b/c.log", 1));
    assert_eq!(document["read"]["sources"], 2);
    assert_eq!(document["read"]["lines"], 4);
    // The same on the screen, with the decisive part marked.
    let screen = run(folder.path(), &["scan", "logs"], b"");
    assert_eq!(screen.code, 1);
    for words in ["net-connection-refused", "3 times, from", "logs/a.log:1:", "^^^^", "fix", "exit 1"] {
        assert!(screen.out.contains(words), "{words} is not in\n{}", screen.out);
    }
}

#[test]
fn only_what_is_newer_is_told_where_that_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "2026-11-23T14:02:11Z {REFUSED}\n2026-11-23T15:00:00Z {UNKNOWN_CLIENT}\nno time: sorry, too many clients already\n"
    );
    let (_, found) = document(folder.path(), &["--since", "2026-11-23T14:30:00Z"], text.as_bytes());
    let mut names = ids(&found["findings"]);
    names.sort();
    assert_eq!(names, ["AADSTS700016", "db-too-many-connections"]);
    assert_eq!(found["read"]["older"], 1);
    let (code, found) =
        document(folder.path(), &["--since", "1h"], format!("2020-01-01T00:00:00Z {REFUSED}\n").as_bytes());
    assert_eq!((code, ids(&found["findings"]).len()), (0, 0));
    for (since, count) in [("2026-11-23", 3), ("2026-11-24", 0), ("2026-11-23T14:30", 2), ("1h30m", 0)] {
        let (_, found) = document(folder.path(), &["--since", since], text.as_bytes());
        assert_eq!(ids(&found["findings"]).len(), count, "{since}");
    }
    for wrong in ["yesterday", "5", "-3h", "9999999999999999d", ""] {
        let run = run(folder.path(), &["scan", &format!("--since={wrong}")], b"x\n");
        assert_eq!(run.code, 2, "{wrong}");
        assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    }
}

#[test]
fn a_retry_that_succeeds_ends_a_finding_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    for (text, open, over) in [
        (format!("{REFUSED}, retrying\nattempt 2 succeeded\n"), 0, 1),
        (format!("attempt 2 succeeded\n{REFUSED}\n"), 1, 0),
        (format!("{REFUSED}\nattempt 2 succeeded\n{REFUSED}\n"), 1, 0),
        (format!("2026-11-23T14:00:00Z {REFUSED}\n2026-11-23T16:00:00Z attempt 2 succeeded\n"), 1, 0),
        (format!("{REFUSED}\n{}attempt 2 succeeded\n", "other work\n".repeat(300)), 1, 0),
        (format!("{UNKNOWN_CLIENT}\nattempt 2 succeeded\n"), 1, 0),
        (format!("{UNKNOWN_CLIENT}\nacquired token: false\n"), 1, 0),
        (format!("{UNKNOWN_CLIENT}\nuser bob successfully authenticated at portal\n"), 1, 0),
        (
            "password authentication failed for user \"x\"\ngiving up: not connected to database\n".into(),
            1,
            0,
        ),
        ("password authentication failed for user \"x\"\nconnected to database\n".into(), 0, 1),
        (format!("{UNKNOWN_CLIENT}\ntoken acquired\n"), 0, 1),
    ] {
        let (code, document) = document(folder.path(), &[], text.as_bytes());
        assert_eq!(
            (ids(&document["findings"]).len(), ids(&document["recovered"]).len()),
            (open, over),
            "{text}"
        );
        assert_eq!(code, i32::from(open > 0), "{text}");
    }
}

#[test]
fn what_only_looks_like_an_error_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let text = "request 7c700213-0000-4000-8000-000000000000 took 700213 us on port 50011\n\
        see https://learn.microsoft.com/troubleshoot/error-code-aadsts50011-reply-url-mismatch\n\
        - Fixed AADSTS50011 redirect URI mismatch error\n\
        10.0.0.1 - - [23/Nov/2026:14:02:11 +0000] \"GET /errors/AADSTS700213?x=AADSTS50011 HTTP/1.1\" 200 401\n\
        SELECT count(*) FROM errors WHERE code = 'AADSTS700213'\n\
        * SSL certificate verify ok.\n\
        NOTICE:  relation \"x\" already exists, skipping\n\
        no CrashLoopBackOff seen, 0 pods in CrashLoopBackOff\n\
        password authentication failed for user \"mazevault\": 0 times\n\
        if strings.Contains(err.Error(), \"connection refused\") {\n";
    let (code, document) = document(folder.path(), &[], text.as_bytes());
    assert_eq!((code, ids(&document["findings"])), (0, Vec::<String>::new()));
    assert_eq!(document["read"]["lines"], 10);
    let screen = run(folder.path(), &["scan"], text.as_bytes());
    assert!(screen.out.contains("known errors in 10 lines"), "{}", screen.out);
}

/// What a program has logged is an error, whatever else the line holds.
#[test]
fn a_logged_error_is_found_among_words_that_look_like_something_else() {
    let folder = tempfile::tempdir().unwrap();
    for line in [
        format!("resolved endpoint login.microsoftonline.com; {UNKNOWN_CLIENT}"),
        format!("10.0.0.1 - \"GET /healthz HTTP/1.1\" 200 | worker: {UNKNOWN_CLIENT}"),
        format!("2026-11-25T04:00:00Z ERROR uncaught (in catch (e)): {UNKNOWN_CLIENT}"),
        format!("2026-11-25T04:00:00Z gateway-grep ERROR: {UNKNOWN_CLIENT}"),
        format!("2026-11-25T04:00:00Z ERROR [worker] TODO id=3 {UNKNOWN_CLIENT}"),
        format!("Resolve token failed: {UNKNOWN_CLIENT}"),
        format!("Handled request 7 with error: {UNKNOWN_CLIENT}"),
        format!("time=x level=error msg=\"http.StatusUnauthorized {UNKNOWN_CLIENT}\";"),
    ] {
        let (code, document) = document(folder.path(), &[], line.as_bytes());
        assert_eq!((code, ids(&document["findings"])), (1, vec!["AADSTS700016".to_owned()]), "{line}");
    }
}

/// Every entry of a journal's export counts, wherever blocks begin.
#[test]
fn no_entry_of_a_journal_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let entries: Vec<String> = (0..20_000)
        .map(|number| format!("__CURSOR=s={number}\n__REALTIME_TIMESTAMP=1795442532000000\nPRIORITY=3\nMESSAGE={UNKNOWN_CLIENT}\n_PID=1\n_COMM=gateway\n\n"))
        .collect();
    let (_, found) = document(folder.path(), &[], entries.concat().as_bytes());
    assert_eq!(found["findings"][0]["count"], 20_000);
    // And what is no entry is read as it stands.
    let mixed = format!(
        "2026-11-23T14:02:11Z error {UNKNOWN_CLIENT}\n{}",
        entries[0].replace(UNKNOWN_CLIENT, "hello")
    );
    let (code, found) = document(folder.path(), &[], mixed.as_bytes());
    assert_eq!((code, ids(&found["findings"])), (1, vec!["AADSTS700016".to_owned()]));
}

#[test]
fn a_stream_tells_each_occurrence_and_ends_with_what_it_comes_to() {
    let folder = tempfile::tempdir().unwrap();
    let schema: Value = serde_json::from_str(include_str!("../schema/scan-line.v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let run = run(
        folder.path(),
        &["scan", "-o", "ndjson"],
        format!("{REFUSED}\n{REFUSED}\n\u{1b}[31m{UNKNOWN_CLIENT}\n").as_bytes(),
    );
    let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        assert!(validator.is_valid(line), "{line}");
    }
    let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["match", "match", "match", "summary"]);
    assert_eq!(lines[1]["line"], 2);
    assert_eq!(lines[3]["exit_code"], run.code);
    assert!(!run.out.contains('\u{1b}'));
}

#[test]
fn several_files_come_in_their_order_whatever_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..40 {
        let quiet = "nothing to see\n".repeat(if number % 7 == 0 { 20_000 } else { 3 });
        write(folder.path(), &format!("many/{number:02}.log"), format!("{quiet}{REFUSED}\n"));
    }
    let first = run(folder.path(), &["scan", "many", "-o", "json"], b"").out;
    for _ in 0..4 {
        assert_eq!(run(folder.path(), &["scan", "many", "-o", "json"], b"").out, first);
    }
    let document: Value = serde_json::from_str(&first).unwrap();
    let sources: Vec<&str> = document["findings"][0]["places"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["source"].as_str().unwrap())
        .collect();
    let mut sorted = sources.clone();
    sorted.sort_unstable();
    assert_eq!(sources, sorted);
    assert_eq!(sources.len(), 40);
}

#[test]
fn what_cannot_be_read_is_one_line_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let whole = gzip(format!("{REFUSED}\n").repeat(2000).as_bytes());
    write(folder.path(), "all/cut.gz", &whole[..whole.len() - 9]);
    write(folder.path(), "all/broken.zst", [0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3, 4, 5, 6, 7, 8]);
    write(folder.path(), "all/cut.tar", &tar(&[("x.log", REFUSED.as_bytes())])[..700]);
    // Cut between its entries: a header, a block of text, and no end.
    write(folder.path(), "all/half.tar", &tar(&[("x.log", b"fine"), ("y.log", b"fine")])[..1024]);
    write(folder.path(), "all/packed.zip", b"PK\x03\x04rest");
    write(folder.path(), "all/packed.xz", b"\xfd7zXZ\0rest");
    write(folder.path(), "all/good.log", UNKNOWN_CLIENT);
    write(folder.path(), "all/bomb.gz", gzip(&vec![b'x'; 400 << 20]));
    std::os::unix::fs::symlink("..", folder.path().join("all/loop")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("all/device")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("all/dangling")).unwrap();
    let (code, document) = document(folder.path(), &["all", "missing.log"], b"");
    assert_eq!(code, 1);
    assert!(ids(&document["findings"]).contains(&"AADSTS700016".to_owned()));
    let unread: Vec<String> = document["unread"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {}", row["source"].as_str().unwrap(), row["problem"].as_str().unwrap()))
        .collect();
    for (name, words) in [
        ("all/cut.gz", "ends too early"),
        ("all/broken.zst", ""),
        ("all/cut.tar", ""),
        ("all/half.tar", "may be cut off"),
        ("all/packed.zip", "zip"),
        ("all/packed.xz", "xz"),
        ("all/bomb.gz", "archive bomb"),
        ("all/loop", "link that leads back"),
        ("all/device", "is a device"),
        ("all/dangling", "does not exist"),
        ("missing.log", "does not exist"),
    ] {
        assert!(
            unread.iter().any(|row| row.starts_with(name) && row.contains(words) && !row.contains('\n')),
            "{name}: {unread:?}"
        );
    }
    // Without a finding, what could not be read decides.
    for (source, code) in [("all/packed.zip", 3), ("missing.log", 3), ("/dev/zero", 3)] {
        assert_eq!(run(folder.path(), &["scan", source], b"").code, code, "{source}");
    }
}

#[test]
fn what_has_two_names_is_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pods/one.log", REFUSED);
    std::os::unix::fs::symlink("one.log", folder.path().join("pods/other.log")).unwrap();
    let (_, document) = document(folder.path(), &["pods/one.log", "pods", "./pods/one.log"], b"");
    assert_eq!(document["findings"][0]["count"], 1);
    assert_eq!(document["read"]["sources"], 1);
}

#[test]
fn a_pipe_is_read_and_one_that_nobody_writes_does_not_hold_the_interrupt_up() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, REFUSED)
    });
    let (code, _) = document(folder.path(), &["pipe"], b"");
    assert_eq!(code, 1);
    writer.join().unwrap().unwrap();
    let output = std::process::Command::new("timeout")
        .args(["--signal=INT", "--kill-after=20", "1"])
        .arg(assert_cmd::cargo::cargo_bin("mzv-doctor"))
        .arg("scan")
        .arg(&pipe)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("exit 130"), "{output:?}");
}

#[test]
fn nothing_read_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    write(folder.path(), "empty.log", b"");
    for (sources, input) in [(vec![], b"".as_slice()), (vec!["empty"], b""), (vec!["empty.log"], b"")] {
        let run = run(folder.path(), &[vec!["scan"], sources].concat(), input);
        assert_eq!(run.code, 3, "{}", run.out);
        assert!(run.out.contains("nothing was read"), "{}", run.out);
    }
    for wrong in [
        vec!["-", "-"],
        vec!["--lab", "healthy"],
        vec!["--gateway", "--lab", "healthy", "--follow"],
        vec!["-o", "json", "-o", "terminal"],
        vec!["-o", "ndjson=x"],
        vec!["-o", "xml"],
    ] {
        let run = run(folder.path(), &[vec!["scan"], wrong.clone()].concat(), b"x\n");
        assert_eq!(run.code, 2, "{wrong:?} {}", run.out);
    }
}

#[test]
fn secrets_and_orders_in_text_go_no_further() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "##vso[task.setvariable]x ::set-output name=a::b \u{1b}]0;title\u{7} password=hunter2SECRET password: \"correct horse battery\" {UNKNOWN_CLIENT} token=abcdef123456\n"
    );
    for format in ["terminal", "json", "ndjson"] {
        let run = run(folder.path(), &["scan", "-o", format], text.as_bytes());
        assert_eq!(run.code, 1, "{format}");
        for never in ["hunter2SECRET", "correct horse", "abcdef123456", "##vso[", "\u{1b}", "\u{7}"] {
            assert!(!run.out.contains(never), "{format}: {never:?} in\n{}", run.out);
        }
        assert!(!run.out.lines().any(|line| line.trim_start().starts_with("::set-output")), "{format}");
    }
}

#[test]
fn a_followed_file_is_read_as_it_grows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.log");
    std::fs::write(&path, format!("{REFUSED}\n")).unwrap();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("mzv-doctor"))
        .args(["scan", "--follow", "-o", "ndjson"])
        .arg(&path)
        .env_clear()
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Whatever happens, it ends.
    let id = child.id().to_string();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(30));
        let _ended = std::process::Command::new("kill").args(["-KILL", &id]).status();
    });
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert!(lines.next().unwrap().unwrap().contains("net-connection-refused"));
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(format!("{UNKNOWN_CLIENT}\n").as_bytes())
        .unwrap();
    assert!(lines.next().unwrap().unwrap().contains("AADSTS700016"));
    // Rotated: another file under the same name.
    std::fs::rename(&path, folder.path().join("old.log")).unwrap();
    std::fs::write(&path, "sorry, too many clients already\n").unwrap();
    assert!(lines.next().unwrap().unwrap().contains("db-too-many-connections"));
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let last = lines.last().unwrap().unwrap();
    assert!(last.contains("\"summary\""), "{last}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_deployments_own_text_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (code, document) = document(folder.path(), &["--gateway", "--lab", "subject-mismatch"], b"");
    assert_eq!(code, 1);
    assert_eq!(ids(&document["findings"])[0], "AADSTS700213");
    let source = document["findings"][0]["places"][0]["source"].as_str().unwrap();
    assert!(source.starts_with("event/pod/"), "{source}");
    let (code, document) =
        self::document(folder.path(), &["--gateway", "--primary", "--lab", "healthy"], b"");
    assert_eq!((code, ids(&document["findings"])), (0, vec![]));
    assert!(document["read"]["lines"].as_u64().unwrap() > 80);
}

#[test]
fn explanations_are_found_by_code_name_part_and_message() {
    let folder = tempfile::tempdir().unwrap();
    for (asked, words) in [
        (vec!["AADSTS700213"], "AADSTS700213   "),
        (vec!["aadsts700213"], "AADSTS700213   "),
        (vec!["700213"], "AADSTS700213   "),
        (vec!["DelegationDoesNotExist"], "AADSTS65001   "),
        (vec!["x509:", "certificate", "signed", "by", "unknown", "authority"], "tls-unknown-authority   "),
        (vec!["keyvault", "firewall"], "keyvault-forbidden-firewall"),
    ] {
        let run = run(folder.path(), &[vec!["explain"], asked.clone()].concat(), b"");
        assert_eq!(run.code, 0, "{asked:?} {}", run.err);
        assert!(run.out.contains(words), "{asked:?}: {}", run.out);
    }
    let run_of = |asked: &[&str]| run(folder.path(), &[&["explain"], asked].concat(), b"");
    let unknown = run_of(&["AADSTS70O213"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("AADSTS700213"), "{}", unknown.err);
    assert_eq!(unknown.err.lines().count(), 1);
    assert_eq!(run_of(&[]).code, 2);
    let vault = run_of(&["--list", "--area", "vault"]);
    assert!(vault.out.lines().count() > 10 && vault.out.lines().all(|line| line.contains("   vault   ")));
    assert_eq!(run_of(&["--list", "--area", "nowhere"]).code, 2);
    let schema: Value = serde_json::from_str(include_str!("../schema/explain.v1.json")).unwrap();
    let all: Value = serde_json::from_str(&run_of(&["--list", "-o", "json"]).out).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&all));
    // Of what text shows, each says what is behind it and how to see that it is mended.
    for one in all.as_array().unwrap().iter().filter(|one| one["examined"] == false) {
        assert!(!one["causes"].as_array().unwrap().is_empty() && one["verify"] != "", "{}", one["id"]);
    }
}

/// The index of the rules says what the rules say.
#[test]
fn the_rule_index_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/README.md");
    let folder = tempfile::tempdir().unwrap();
    let fresh = run(folder.path(), &["rules", "index"], b"").out;
    if std::env::var_os("UPDATE_INDEX").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == fresh, "rules/README.md is stale: run UPDATE_INDEX=1 cargo test --test scan");
}

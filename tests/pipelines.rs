//! The pipeline files: what their steps say is run for real, with the runner's variables set, against the lab; and the
//! linters of those who run them find nothing.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A pipeline file with what a test takes from it.
struct Pipeline {
    name: &'static str,
    file: &'static str,
    install: fn(&Value) -> String,
    check: fn(&Value) -> String,
    /// Folder of the reports, under the folder that stands for the runner's.
    reports: &'static str,
    /// What its step leaves.
    leaves: &'static [&'static str],
}

const PIPELINES: &[Pipeline] = &[
    Pipeline {
        name: "github",
        file: "github.yml",
        install: |yaml| text(by(&yaml["jobs"]["check"]["steps"], "id", "install"), "/run"),
        check: |yaml| text(by(&yaml["jobs"]["check"]["steps"], "id", "check"), "/run"),
        reports: "work/doctor-reports",
        leaves: &["junit.xml", "findings.sarif", "report.json", "snapshot.json"],
    },
    Pipeline {
        name: "azure-pipelines",
        file: "azure-pipelines.yml",
        install: |yaml| text(by(&yaml["jobs"][0]["steps"], "displayName", "Install mzv-doctor"), "/bash"),
        check: |yaml| {
            text(by(&yaml["jobs"][0]["steps"], "displayName", "Check the deployment"), "/inputs/inlineScript")
        },
        reports: "agent/doctor-reports",
        leaves: &["junit.xml", "findings.sarif", "report.json", "snapshot.json"],
    },
    Pipeline {
        name: "gitlab",
        file: "gitlab-ci.yml",
        install: |yaml| joined(&yaml[".mzv-doctor-install"]["before_script"]),
        check: |yaml| joined(&yaml[".mzv-doctor"]["script"]),
        reports: "work/doctor-reports",
        leaves: &["junit.xml", "summary.md", "report.json", "snapshot.json"],
    },
];

fn by<'a>(steps: &'a Value, key: &str, wanted: &str) -> &'a Value {
    let steps = steps.as_array().unwrap();
    steps.iter().find(|step| step[key] == wanted).unwrap_or_else(|| panic!("there is no step {wanted}"))
}

fn text(step: &Value, pointer: &str) -> String {
    step.pointer(pointer).and_then(Value::as_str).unwrap().to_owned()
}

fn joined(lines: &Value) -> String {
    let lines = lines.as_array().unwrap().iter().map(|line| line.as_str().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

fn folder_of_files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/ci")
}

impl Pipeline {
    fn read(&self) -> Value {
        let text = std::fs::read_to_string(folder_of_files().join(self.file)).unwrap();
        serde_saphyr::from_str(&text).unwrap()
    }
}

/// A folder that stands for a runner's.
struct Runner(tempfile::TempDir);

impl Runner {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["work", "temp", "agent", "bin", "home"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a step as runners do.
    fn step(&self, script: &str, variables: &[(String, String)]) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        Command::new("bash")
            .args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script])
            .env_clear()
            .envs([("PATH", path.as_str()), ("LANG", "C.UTF-8")])
            .envs([
                ("HOME", self.path("home")),
                ("RUNNER_TEMP", self.path("temp")),
                ("GITHUB_PATH", self.path("github-path")),
                ("GITHUB_OUTPUT", self.path("github-output")),
                ("GITHUB_STEP_SUMMARY", self.path("summary.md")),
                ("AGENT_TEMPDIRECTORY", self.path("agent")),
                ("CI_PROJECT_DIR", self.path("work")),
            ])
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path("work"))
            .output()
            .unwrap()
    }
}

/// A scenario that is served until this is dropped.
struct Served(Child, Vec<(String, String)>);

impl Served {
    fn new(scenario: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mzv-doctor"))
            .args(["lab", "serve", scenario])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Its last word, on standard error, comes when everything is said.
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("is staged"), "{said}");
        let mut variables = Vec::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while let Some(Ok(line)) = lines.next() {
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            variables.push((name.to_owned(), value.trim_matches('\'').to_owned()));
            if name == "LAB_DATABASE_URL" {
                break;
            }
        }
        Self(child, variables)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _interrupted = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        let _ended = self.0.wait();
    }
}

fn shown(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_program_is_installed_only_where_it_is_the_one_that_was_meant() {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_mzv-doctor"));
    let summed = Command::new("sha256sum").arg(&binary).output().unwrap();
    let sum = String::from_utf8(summed.stdout).unwrap().split(' ').next().unwrap().to_owned();
    for pipeline in PIPELINES {
        let install = (pipeline.install)(&pipeline.read());
        for (sum, works) in [(sum.as_str(), true), (&"0".repeat(64), false), ("", false)] {
            let runner = Runner::new();
            let variables = [
                ("DOCTOR_URL".to_owned(), format!("file://{}", binary.display())),
                ("DOCTOR_SHA256".to_owned(), sum.to_owned()),
            ];
            let done = runner.step(&install, &variables);
            assert_eq!(done.status.success(), works, "{} {sum}: {}", pipeline.name, shown(&done));
            assert_eq!(shown(&done).contains("mzv-doctor 0."), works, "{}", pipeline.name);
        }
    }
}

#[test]
fn the_check_of_each_pipeline_ends_as_the_deployment_is_and_leaves_its_reports() {
    for (scenario, code) in
        [("healthy", 0), ("subject-mismatch", 1), ("federation-settling", 4), ("permission-missing", 3)]
    {
        let served = Served::new(scenario);
        for pipeline in PIPELINES {
            let runner = Runner::new();
            let link = runner.path("bin").join("mzv-doctor");
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mzv-doctor"), link).unwrap();
            // What an earlier run left is no report of this one.
            let reports = runner.path(pipeline.reports);
            std::fs::create_dir_all(&reports).unwrap();
            std::fs::write(reports.join("report.json"), "stale").unwrap();
            let mut variables = served.1.clone();
            variables.push(("DOCTOR_WAIT".into(), "1s".into()));
            let done = runner.step(&(pipeline.check)(&pipeline.read()), &variables);
            let name = pipeline.name;
            assert_eq!(done.status.code(), Some(code), "{name} {scenario}: {}", shown(&done));
            for file in pipeline.leaves {
                assert!(reports.join(file).is_file(), "{name} {scenario}: {file} is missing");
            }
            let read = |file: &str| std::fs::read_to_string(reports.join(file)).unwrap();
            let document: Value = serde_json::from_str(&read("report.json")).unwrap();
            assert_eq!(document["exit_code"], code, "{name} {scenario}");
            let tests = quick_junit::Report::deserialize_from_str(&read("junit.xml")).unwrap();
            assert_eq!(tests.failures > 0, code == 1, "{name} {scenario}");
            let out = String::from_utf8_lossy(&done.stdout);
            if scenario == "subject-mismatch" {
                assert!(out.contains("✗ AADSTS700213"), "{out}");
                assert_eq!(out.contains("\n::error title=AADSTS700213::"), name == "github", "{name}");
                let logged = out.contains("\n##vso[task.logissue type=error]AADSTS700213");
                assert_eq!(logged, name == "azure-pipelines", "{name}");
                if name == "github" {
                    let yaml = pipeline.read();
                    let choose = text(by(&yaml["jobs"]["check"]["steps"], "id", "choose"), "/run");
                    let done = runner.step(&choose, &variables);
                    assert!(done.status.success(), "{}", shown(&done));
                    let output = std::fs::read_to_string(runner.path("github-output")).unwrap();
                    assert_eq!(output, "send=true\n");
                    let chosen =
                        std::fs::read_to_string(runner.path("temp").join("code-scanning.sarif")).unwrap();
                    let chosen: Value = serde_json::from_str(&chosen).unwrap();
                    let results = chosen["runs"][0]["results"].as_array().unwrap();
                    let fails = document["findings"].as_array().unwrap().iter();
                    let fails = fails.filter(|finding| finding["severity"] != "notice").count();
                    assert!(fails > 0 && results.len() == fails);
                    for result in results {
                        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
                        assert_eq!((&result["kind"], uri), (&"fail".into(), &"mzv-doctor.yaml".into()));
                    }
                }
                let summary = runner.path("summary.md").is_file();
                assert_eq!(summary, name == "github", "{name}");
            }
        }
    }
}

#[test]
fn a_mistake_in_a_pipeline_is_status_two_and_leaves_no_old_report() {
    for pipeline in PIPELINES {
        let runner = Runner::new();
        let link = runner.path("bin").join("mzv-doctor");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mzv-doctor"), link).unwrap();
        let reports = runner.path(pipeline.reports);
        std::fs::create_dir_all(&reports).unwrap();
        std::fs::write(reports.join("report.json"), "stale").unwrap();
        let variables = [("DOCTOR_EXTRA".to_owned(), "--lab healthy --require no-such-rule".to_owned())];
        let done = runner.step(&(pipeline.check)(&pipeline.read()), &variables);
        assert_eq!(done.status.code(), Some(2), "{}: {}", pipeline.name, shown(&done));
        assert_eq!(std::fs::read_dir(&reports).unwrap().count(), 0, "{}", pipeline.name);
    }
}

/// The example names rules that exist, and subjects that the file's own checks take.
#[test]
fn the_example_of_known_findings_can_be_used() {
    let file = folder_of_files().join("suppressions.yaml");
    let done = Command::new(env!("CARGO_BIN_EXE_mzv-doctor"))
        .args(["check", "--lab", "healthy", "-o", "short", "--suppressions"])
        .arg(file)
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", shown(&done));
}

#[test]
fn linters_find_nothing() {
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("outside");
    assert!(installed.join("installed").is_file(), "linters are missing: tests/run installs them");
    let run = |arguments: &[&str]| {
        let done = Command::new(installed.join("bin").join(arguments[0]))
            .args(&arguments[1..])
            .env("PATH", format!("{}:/usr/bin:/bin", installed.join("bin").display()))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", shown(&done));
    };
    run(&["zizmor", "--offline", "--persona=auditor", "deploy/ci/github.yml"]);
    run(&["check-jsonschema", "--builtin-schema", "vendor.github-workflows", "deploy/ci/github.yml"]);
    run(&[
        "check-jsonschema",
        "--builtin-schema",
        "custom.github-workflows-require-timeout",
        "deploy/ci/github.yml",
    ]);
    run(&[
        "check-jsonschema",
        "--data-transform",
        "azure-pipelines",
        "--builtin-schema",
        "vendor.azure-pipelines",
        "deploy/ci/azure-pipelines.yml",
    ]);
    run(&[
        "check-jsonschema",
        "--data-transform",
        "gitlab-ci",
        "--builtin-schema",
        "vendor.gitlab-ci",
        "deploy/ci/gitlab-ci.yml",
    ]);
    run(&["check-jsonschema", "--schemafile", "schema/suppressions.v1.json", "deploy/ci/suppressions.yaml"]);
    run(&["yamllint", "--strict", "deploy/ci"]);
    let scripts = tempfile::tempdir().unwrap();
    for pipeline in PIPELINES {
        let yaml = pipeline.read();
        let mut steps = vec![("install", (pipeline.install)(&yaml)), ("check", (pipeline.check)(&yaml))];
        if pipeline.name == "github" {
            steps.push(("choose", text(by(&yaml["jobs"]["check"]["steps"], "id", "choose"), "/run")));
        }
        for (step, script) in steps {
            let path = scripts.path().join(format!("{}-{step}.sh", pipeline.name));
            std::fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            run(&["shellcheck", "--enable=all", "--exclude=SC2250", path.to_str().unwrap()]);
        }
    }
}

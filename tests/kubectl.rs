//! kubectl itself is satisfied with the lab's Kubernetes API.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::process::Command;

use jiff::Timestamp;
use mzv_doctor::client::install_crypto;
use mzv_doctor::lab::{Lab, load, stage};

async fn kubectl(lab: &Lab, arguments: &[&str]) -> String {
    let settings = lab.settings();
    let kubeconfig = settings["kubernetes.kubeconfig"].as_str().unwrap().to_owned();
    let home = lab.folder();
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let done = tokio::task::spawn_blocking(move || {
        Command::new("kubectl")
            .env("KUBECONFIG", kubeconfig)
            .env("HOME", home)
            .args(["--namespace", "mazevault", "--request-timeout", "20s"])
            .args(arguments)
            .output()
            .expect("kubectl is missing: tests/run installs it (Debian's package kubernetes-client)")
    })
    .await
    .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_looks_at_the_lab() {
    install_crypto();
    let lab = stage(load("subject-mismatch", Timestamp::now()).unwrap()).await.unwrap();
    let pods = kubectl(&lab, &["get", "pods"]).await;
    assert!(pods.contains("mazevault-gateway-npr-7d9f8b6c5-x2x4q"), "{pods}");
    let selected = kubectl(&lab, &["get", "pods", "-l", "app=another", "-o", "name"]).await;
    assert_eq!(selected, "");
    let account = kubectl(&lab, &["get", "sa", "mazevault-gateway-sa", "-o", "yaml"]).await;
    assert!(account.contains("azure.workload.identity/client-id: 33333333"), "{account}");
    let events = kubectl(&lab, &["get", "events", "-o", "json"]).await;
    assert!(events.contains("AADSTS700213"), "{events}");
    let classes = kubectl(&lab, &["get", "secretproviderclass"]).await;
    assert!(classes.contains("mazevault-gateway-secrets"), "{classes}");
    drop(lab);

    let lab = stage(load("healthy", Timestamp::now()).unwrap()).await.unwrap();
    let log = kubectl(&lab, &["logs", "deploy/mazevault-gateway-npr", "--tail", "5"]).await;
    assert_eq!(log.lines().count(), 5, "{log}");
    assert!(log.lines().all(|line| line.contains("task poll")), "{log}");
}

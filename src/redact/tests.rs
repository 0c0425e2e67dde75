//! What goes and what stays.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{Lines, Pseudonyms, Removed, Values, redact_line};

#[test]
fn secrets_go_and_what_the_diagnosis_needs_stays() {
    for (given, kept) in [
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [redacted]"),
        ("token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln ends", "token [redacted] ends"),
        (
            "postgres://mazevault:hunter2@db:5432/mazevault",
            "postgres://mazevault:[redacted]@db:5432/mazevault",
        ),
        ("postgres://mazevault:a,b/c@d@db:5432/x", "postgres://mazevault:[redacted]@db:5432/x"),
        ("https://gw:8443/x?to=a@b", "https://gw:8443/x?to=a@b"),
        (
            r#"{"client_secret":"s3cr3t~value","client_id":"c"}"#,
            r#"{"client_secret":"[redacted]","client_id":"c"}"#,
        ),
        (r#"{\"password\":\"hunter22\"}"#, r#"{\"password\":\"[redacted]\"}"#),
        ("MAZEVAULT_MASTER_KEY=abcd1234== set", "MAZEVAULT_MASTER_KEY=[redacted] set"),
        (
            "https://x.blob.core.windows.net/c?sv=1&sig=abc%2B",
            "https://x.blob.core.windows.net/c?sv=1&sig=[redacted]",
        ),
        ("token: expired", "token: expired"),
        ("failed to get token: AADSTS700213: No", "failed to get token: AADSTS700213: No"),
        ("the token expired", "the token expired"),
        ("login with password hunter2SECRET45 failed", "login with password [redacted] failed"),
        ("client secret is hunter2SECRET45", "client secret is [redacted]"),
        ("mysql --password hunter2SECRET -p hunter2SECRET", "mysql --password [redacted] -p [redacted]"),
        ("passphrase=correct-horse", "passphrase=[redacted]"),
        ("secret database-url not found", "secret database-url not found"),
        (
            "presented assertion subject 'system:serviceaccount:mazevault:mazevault-gateway-sa'",
            "presented assertion subject 'system:serviceaccount:mazevault:mazevault-gateway-sa'",
        ),
        ("\u{1b}[31mred\u{1b}[0m\u{7}", "red"),
        ("Cookie: a=b; session=c", "Cookie: [redacted]"),
        (r#"{"name":"DB_PASSWORD","value":"it is long"}"#, r#"{"name":"DB_PASSWORD","value":"[redacted]"}"#),
        ("- name: DB_PASSWORD value: hunter22", "- name: DB_PASSWORD value: [redacted]"),
        (r"a?sv=1\u0026sig=abcdefg", "a?sv=1&sig=[redacted]"),
        ("key 3q2hV9xKc0Pz7LwT1mRb4Ng8Yd6Qs5Ue here", "key [redacted] here"),
        ("ghp_abcdefghijklmnop1234", "[redacted]"),
        ("x cGFzc3dvcmQgaXMgaHVudGVyMg== y", "x [redacted] y"),
        ("password%3Dhunter2222222", "password%3D[redacted]"),
    ] {
        assert_eq!(redact_line(given), kept, "{given}");
        assert_eq!(redact_line(kept), kept, "{given}");
    }
}

/// What looks like a secret, and is a name that a diagnosis rests on.
#[test]
fn names_stay() {
    for text in [
        "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-mazevault-npr/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-mazevault-gateway-npr",
        "https://westeurope.oic.prod-aks.azure.com/11111111-1111-4111-8111-111111111111/22222222-2222-4222-8222-222222222222/",
        "system:serviceaccount:mazevault:mazevault-gateway-sa",
        "pod/mazevault-gateway-npr-7d9f8b6c5d-x2k4q/mazevault-gateway",
        "acrmazevault.azurecr.io/mazevault/gateway@sha256:0f3a1c5be1d2c4a6978877665544332211ffeeddccbbaa99887766554433221100",
        "CreateContainerConfigError: couldn't find key database-url in Secret mazevault/mazevault-gateway-secrets",
        "failed to acquire token: AADSTS700213: No matching federated identity record found for presented assertion subject",
        "Trace ID: 7c500011-0000-4000-8000-000000000000 Correlation ID: 44444444-4444-4444-8444-444444444400 Timestamp: 2026-11-23 14:02:11Z",
        "github.com/Azure/secrets-store-csi-driver-provider-azure/pkg/provider.(*mountConfig).getObjectContent",
        "Microsoft.Authorization/roleAssignments/write",
        "x509: certificate signed by unknown authority (possibly because of \"crypto/rsa: verification error\")",
        "containerd://0f3a1c5be1d2c4a6978877665544332211ffeeddccbbaa99887766554433221100",
        "traceparent trace 0af7651916cd43dd8448eb211c80319c",
        "DefaultAzureCredential: ManagedIdentityCredential authentication unavailable",
        "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net",
        "audience api://AzureADTokenExchange",
        "X-Gateway-Name: azure-gateway-gwc-01",
        "GET /api/v1/gateways/azure-gateway-gwc-01/tasks 401",
    ] {
        assert_eq!(redact_line(text), text);
    }
}

#[test]
fn a_private_key_goes_whole_however_its_lines_come() {
    let mut lines = Lines::default();
    let mut removed = Removed::new();
    let text = [
        "before",
        "-----BEGIN RSA PRIVATE KEY-----",
        "MIIEabc",
        "x=",
        "-----END RSA PRIVATE KEY-----",
        "after",
    ];
    let kept: Vec<String> = text.iter().map(|line| lines.next(line, &mut removed).into_owned()).collect();
    assert_eq!(kept[0], "before");
    assert_eq!(kept[2..5], ["[redacted]", "[redacted]", "[redacted]"]);
    assert_eq!(kept[5], "after");
}

#[test]
fn a_value_that_was_seen_goes_in_every_form() {
    let secret = "correct horse/battery+\"staple\"";
    let values = Values::new([secret, "short", "mazevault"], &BTreeSet::from(["mazevault".to_owned()]));
    for form in [
        secret.to_owned(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        serde_json::to_string(secret).unwrap().trim_matches('"').to_owned(),
        STANDARD.encode(secret),
        STANDARD.encode(format!("user:{secret}")),
        STANDARD.encode(format!("user1:{secret}:x")),
        URL_SAFE_NO_PAD.encode(format!("us:{secret}:xyz")),
    ] {
        let text = format!("before {form} after");
        let clean = values.redact(&text, &mut Removed::new()).into_owned();
        assert!(clean.contains("[redacted]") && !clean.contains(&form), "{form}: {clean}");
    }
    let name = "a short name of mazevault";
    assert_eq!(values.redact(name, &mut Removed::new()), name);
}

#[test]
fn pseudonyms_keep_what_was_equal_equal() {
    let names = Pseudonyms::new(b"one");
    let id = "1b4e28ba-2fa1-4d2a-883f-0016d3cca427";
    let text = format!("client {id}, and {} of jane.doe@example.com", id.to_uppercase());
    let put = names.put(&text).into_owned();
    let made: Vec<&str> = put.split([' ', ',']).filter(|word| word.len() == 36).collect();
    assert_eq!(made[0].to_uppercase(), made[1]);
    assert_ne!(made[0], id);
    assert!(put.ends_with("@example.com") && !put.contains("jane"));
    assert_eq!(names.put(&text), put);
    assert_ne!(Pseudonyms::new(b"two").put(&text), put);
    let known = "00000003-0000-0000-c000-000000000000";
    assert_eq!(names.put(known), known);
}

/// Ways in which text hides a secret behind its name.
#[test]
fn no_way_of_writing_it_keeps_a_secret() {
    let mut kept_some = Vec::new();
    for (text, secret) in [
        (
            "Cookie: sid=one1; auth=eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln; theme=supersecretsid3",
            "supersecretsid3",
        ),
        (
            "<password>supersecretsid13 eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln</password>",
            "supersecretsid13",
        ),
        (r#"{"kind":"Secret","data":{"foo":"c2hvcnQ="}}"#, "c2hvcnQ="),
        (r#"{\"kind\":\"Secret\",\"data\":{\"foo\":\"c2hvcnQ=\"}}"#, "c2hvcnQ="),
        ("stringData: {api: \"zzzsecretzz\"}", "zzzsecretzz"),
        (r#"{"env":[{"value":"hunterval","name":"DB_PASSWORD"}]}"#, "hunterval"),
        (r#"{"name":"DB_PASSWORD", "valueFrom":null, "value":"hunterval"}"#, "hunterval"),
        ("dbPass=hunterval", "hunterval"),
        ("password1=hunterval", "hunterval"),
        ("client_secret_value=hunterval", "hunterval"),
        ("PASSWORD_FILE_CONTENT=hunterval", "hunterval"),
        ("ACCOUNT_KEY1: abcdefgh", "abcdefgh"),
        ("passwords: hunterval", "hunterval"),
        ("[DB_PASSWORD]=hunterval", "hunterval"),
        ("DB_PASSWORD -> hunterval", "hunterval"),
        (r#"{"password":["hunterval"]}"#, "hunterval"),
        (r#"{"password":{"value":"hunterval"}}"#, "hunterval"),
        ("password: p,ssw;rd&tail123", "p,ssw"),
        ("password={hun;ter2x}", "hun;ter2x"),
        ("https://hunter2token@host/x", "hunter2token"),
        ("user:hunterval@tcp(db:3306)/x", "hunterval"),
        ("mysql -u root -phunter2Sec", "hunter2Sec"),
        ("curl -uadmin:hunter2 https://x", "hunter2"),
        ("redis-cli -a S3cr3tRedis! ping", "S3cr3tRedis"),
        ("sshpass -p hunter2 ssh x", "hunter2"),
        ("az login --service-principal -u a -p abcdefghijkl", "abcdefghijkl"),
        (r#"<add key="DbPassword" value="hunterval"/>"#, "hunterval"),
        (r#"<password type="x">hunterval</password>"#, "hunterval"),
        ("&quot;password&quot;:&quot;hunterval&quot;", "hunterval"),
        ("Authorization: ApiKey q1w2e3", "q1w2e3"),
        ("Proxy-Authorization: Basic YTpi", "YTpi"),
        ("key b3BlbnNzaC1rZXktdjEAAAABG5vbmUAAAAE", "b3BlbnNzaC1rZXktdjE"),
        ("password=AADSTS9hunter", "AADSTS9hunter"),
        ("secret=hunterval[redacted]", "hunterval"),
        ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7", "MIIEvQ"),
    ] {
        let kept = redact_line(text).into_owned();
        if kept.contains(secret) {
            kept_some.push(format!("{text}: {kept}"));
        }
        assert_eq!(redact_line(&kept), kept, "{text}");
    }
    assert!(kept_some.is_empty(), "{kept_some:#?}");
}

/// What stands behind the name of a secret and is none.
#[test]
fn sentences_stay() {
    let mut lost = Vec::new();
    for text in [
        "Failed to pull image \"acr.azurecr.io/mazevault/gateway:8f3a1c5be1d2c4a6978877665544332211ffeedd\"",
        "git_sha=8f3a1c5be1d2c4a6978877665544332211ffeedd",
        "https://kv-x.vault.azure.net/secrets/gateway-bootstrap-token/7d1f0c2ab8e14a65b1f3c9d2e4a50002",
        "secret: mazevault-gateway-secrets",
        "Secret: mazevault/mazevault-gateway-secrets",
        "failed to get secret: gateway-bootstrap-token",
        "failed to list *v1.Secret: secrets is forbidden",
        "keyvault.BaseClient#GetSecret: Failure responding to request",
        "Attempted credentials: EnvironmentCredential: authentication unavailable",
        "https://mv/login/error?code=7000215",
        "authorization: AuthorizationFailed",
        "anonymous token: unexpected status",
        "open /var/run/secrets/azure/tokens/azure-identity-token: permission denied",
        "getting credentials: exec: executable kubelogin failed with exit code 1",
        "kid=-KI3Q9nNR7bRofxmeZoXqbHZGew",
        "network 0f3a1c5be1d2c4a6978877665544332211ffeeddccbbaa99887766554433221100 not found",
        "at com.mazevault.service.GatewayTaskService$$EnhancerBySpringCGLIB$$1a2b3c4d.pollTasks(<generated>)",
        "TestGatewayHandlerReturnsHTTP401WhenTokenExpired",
        "Operation getKeyVaultSecretVersionWithHttpInfo200Response",
        "token=present",
    ] {
        let kept = redact_line(text);
        if kept != text {
            lost.push(kept.into_owned());
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
    let mut lines = Lines::default();
    let mut removed = Removed::new();
    let text = "msg=\"tls key: expected block starting with -----BEGIN PRIVATE KEY-----, got garbage\"";
    let _mention = lines.next(text, &mut removed);
    assert_eq!(
        lines.next("AADSTS700213: No matching record", &mut removed),
        "AADSTS700213: No matching record"
    );
}

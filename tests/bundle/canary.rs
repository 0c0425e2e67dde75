//! Canaries of many kinds in every place that a bundle takes text from: none survives, in whatever form.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use mzv_doctor::bundle::Raw;
use mzv_doctor::fact::{
    Call, Layer, Observation, Origin, Outcome, Reason, Setting, Snapshot, TextEvidence, TextSource, Vantage,
};
use serde_json::{Value, json};

use super::{run, unpacked};

/// A word that nobody would think up, the same of the same seed.
fn word(seed: usize, alphabet: &str, length: usize) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed as u64 + 1);
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            letters[usize::try_from(state % letters.len() as u64).unwrap()]
        })
        .collect()
}

const MIXED: &str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
const HEX: &str = "0123456789abcdef";

/// A kind of secret: how it is written, and what of it must not survive.
type Kind = fn(usize) -> (String, String);

fn with(secret: String, text: impl FnOnce(&str) -> String) -> (String, String) {
    (text(&secret), secret)
}

const KINDS: &[(&str, Kind)] = &[
    ("jwt", |n| {
        with(
            format!("eyJ{}.eyJ{}.{}", word(n, MIXED, 30), word(n + 1, MIXED, 60), word(n + 2, MIXED, 43)),
            |s| format!("token {s} rejected"),
        )
    }),
    ("bearer", |n| with(word(n, MIXED, 32), |s| format!("> Authorization: Bearer {s}"))),
    ("basic", |n| {
        with(STANDARD.encode(format!("admin:{}", word(n, MIXED, 12))), |s| {
            format!("authorization: Basic {s}")
        })
    }),
    ("sas", |n| {
        with(word(n, MIXED, 44), |s| {
            format!("GET https://st.blob.core.windows.net/c?sv=2022-11-02&sp=r&sig={s}&se=2027")
        })
    }),
    ("storage-connection", |n| {
        with(word(n, MIXED, 86), |s| {
            format!(
                "DefaultEndpointsProtocol=https;AccountName=st;AccountKey={s}==;EndpointSuffix=core.windows.net"
            )
        })
    }),
    ("bus-connection", |n| {
        with(word(n, MIXED, 43), |s| {
            format!("Endpoint=sb://b.servicebus.windows.net/;SharedAccessKeyName=r;SharedAccessKey={s}=")
        })
    }),
    ("sql-connection", |n| {
        with(word(n, MIXED, 14), |s| format!("Server=tcp:db,1433;User ID=mv;Password={s};Encrypt=True"))
    }),
    ("client-secret", |n| {
        with(format!("{}8Q~{}", word(n, MIXED, 3), word(n, MIXED, 34)), |s| {
            format!("AZURE_CLIENT_SECRET={s}")
        })
    }),
    ("url-password", |n| {
        with(word(n, MIXED, 12), |s| format!("dial postgres://mazevault:{s}@db:5432/mazevault failed"))
    }),
    ("redis-url", |n| with(word(n, MIXED, 16), |s| format!("rediss://:{s}@cache:6380/0"))),
    ("private-key", |n| {
        with(word(n, MIXED, 64), |s| {
            format!("-----BEGIN RSA PRIVATE KEY-----\n{s}\n-----END RSA PRIVATE KEY-----")
        })
    }),
    ("key-without-head", |n| with(word(n, MIXED, 64), |s| format!("{s}== -----END EC PRIVATE KEY-----"))),
    ("cookie", |n| with(word(n, MIXED, 26), |s| format!("Cookie: theme=dark; mv_session={s}; lang=en"))),
    ("set-cookie", |n| with(word(n, MIXED, 26), |s| format!("Set-Cookie: sid={s}; HttpOnly; Path=/"))),
    ("api-key-header", |n| with(word(n, HEX, 40), |s| format!("X-Api-Key: {s}"))),
    ("environment", |n| with(word(n, HEX, 64), |s| format!("MAZEVAULT_MASTER_KEY={s}"))),
    ("json", |n| {
        with(format!("{} {}", word(n, MIXED, 8), word(n + 9, MIXED, 8)), |s| {
            json!({"user": "x", "password": s}).to_string()
        })
    }),
    ("json-in-json", |n| {
        with(word(n, MIXED, 18), |s| json!({"msg": json!({"clientSecret": s}).to_string()}).to_string())
    }),
    ("last-applied", |n| {
        with(STANDARD.encode(word(n, MIXED, 18)), |s| {
            json!({"kubectl.kubernetes.io/last-applied-configuration": json!({"kind": "Secret", "data": {"password": s}}).to_string()}).to_string()
        })
    }),
    ("yaml", |n| with(word(n, MIXED, 15), |s| format!("jwt_secret: '{s}'"))),
    ("environment-entry", |n| {
        with(word(n, MIXED, 15), |s| json!({"name": "REDIS_PASSWORD", "value": s}).to_string())
    }),
    ("github", |n| {
        with(format!("ghp_{}", word(n, MIXED, 36)), |s| {
            format!("remote: https://x-access-token:{s}@github.com/a/b")
        })
    }),
    ("gitlab", |n| with(format!("glpat-{}", word(n, MIXED, 20)), |s| format!("using {s} to pull"))),
    ("aws", |n| with(word(n, MIXED, 40), |s| format!("aws_secret_access_key = {s}"))),
    ("slack", |n| {
        with(format!("xoxb-{}-{}", word(n, "0123456789", 12), word(n, MIXED, 24)), |s| {
            format!("posting with {s}")
        })
    }),
    ("docker-auth", |n| {
        with(STANDARD.encode(format!("user:{}", word(n, MIXED, 20))), |s| {
            json!({"auths": {"acr.azurecr.io": {"auth": s}}}).to_string()
        })
    }),
    ("refresh-token", |n| {
        with(format!("0.{}", word(n, MIXED, 70)), |s| {
            format!("grant_type=refresh_token&refresh_token={s}&client_id=c")
        })
    }),
    ("option", |n| with(word(n, MIXED, 16), |s| format!("exec: mysqldump --password={s} mazevault"))),
    ("bare", |n| with(word(n, MIXED, 40), |s| format!("rotated to {s} at noon"))),
    ("bare-hex", |n| with(word(n, HEX, 48), |s| format!("using value {s} from now on"))),
    ("xml", |n| with(word(n, MIXED, 16), |s| format!("<user><password>{s}</password></user>"))),
];

/// How a line is written: as it is, or wrapped.
fn wrapped(text: &str, form: usize) -> String {
    match form % 5 {
        0 => text.to_owned(),
        1 => format!("dump {}", STANDARD.encode(text)),
        2 => format!("query {}", url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()),
        3 => json!({"level": "error", "error": text}).to_string(),
        _ => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packed.write_all(text.as_bytes()).unwrap();
            format!("body {}", STANDARD_NO_PAD.encode(packed.finish().unwrap()))
        }
    }
}

/// Places that a bundle takes text from.
const PLACES: usize = 10;

fn plant(snapshot: &mut Snapshot, raw: &mut Vec<Raw>, place: usize, number: usize, text: String) {
    let at = snapshot.observed_at;
    let origin = Origin {
        call: String::new(),
        against: String::new(),
        vantage: Vantage::Operator,
        at,
        took_ms: 0,
        from: vec![],
    };
    let mut line = |source, place: &str| {
        snapshot.text.push(TextEvidence {
            source,
            place: place.into(),
            line: 1,
            at: None,
            count: 1,
            text: text.clone(),
        });
    };
    match place {
        0 => line(TextSource::GatewayLog, "pod/gw-7d9f8b6c5-x2x4q/gateway"),
        1 => line(TextSource::GatewayLog, "pod/gw-7d9f8b6c5-x2x4q/gateway/previous"),
        2 => line(TextSource::PrimaryLog, "compose/backend"),
        3 => line(TextSource::KubernetesEvent, "event/pod/gw-7d9f8b6c5-x2x4q"),
        4 => line(TextSource::KubernetesEvent, "status/pod/gw-7d9f8b6c5-x2x4q/gateway"),
        5 => {
            let value = json!({"message": text, "nested": [{"said": [text]}]});
            let seen = Observation { outcome: Outcome::Known(value), origin };
            snapshot.facts.insert(format!("gateway.canary{number}"), seen);
        }
        6 => {
            let reason = match number % 3 {
                0 => Reason::Malformed { detail: text },
                1 => Reason::Denied { detail: text, permission: None },
                _ => Reason::Unreachable { layer: Layer::Tls, detail: text },
            };
            snapshot.facts.insert(format!("gateway.canary{number}"), Observation::unknown(reason, origin));
        }
        7 => snapshot.calls.push(Call {
            api: "arm".into(),
            what: text.clone(),
            against: text.clone(),
            status: None,
            failure: Some(text.clone()),
            at,
            took_ms: 1,
            attempts: 1,
            proxy: Some(text),
        }),
        8 => raw.push(Raw {
            call: "kubernetes: GET /x".into(),
            body: json!({"items": [{"status": {"message": text}}]}),
        }),
        _ => {
            let setting = Setting { value: Value::String(text), origin: "file".into() };
            snapshot.target.insert(format!("canary.n{number}"), setting);
        }
    }
}

/// Whether a text holds a secret, in whatever form.
fn holds(text: &[u8], secret: &str, depth: usize) -> bool {
    let plain = String::from_utf8_lossy(text);
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let escaped = serde_json::to_string(secret).unwrap();
    let forms = [
        secret.to_owned(),
        percent,
        escaped.trim_matches('"').to_owned(),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
    ];
    if forms.iter().any(|form| plain.contains(form.as_str())) {
        return true;
    }
    depth < 3
        && plain
            .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_')))
            .filter(|word| word.len() >= 12)
            .filter_map(|word| STANDARD_NO_PAD.decode(word).or_else(|_| URL_SAFE_NO_PAD.decode(word)).ok())
            .any(|bytes| {
                let mut unpacked = Vec::new();
                let _whole = flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked);
                holds(&bytes, secret, depth + 1)
                    || !unpacked.is_empty() && holds(&unpacked, secret, depth + 1)
            })
}

#[test]
fn no_canary_survives_in_any_form() {
    let mut snapshot = Snapshot::new("2026-11-23T14:02:11Z".parse().unwrap(), Vantage::Operator);
    let mut raw = Vec::new();
    let mut planted = Vec::new();
    for (kind, (name, make)) in KINDS.iter().enumerate() {
        for place in 0..PLACES {
            let number = kind * PLACES + place;
            let (text, secret) = make(number);
            plant(&mut snapshot, &mut raw, place, number, wrapped(&text, kind + place));
            planted.push((format!("{name} in place {place}, form {}", (kind + place) % 5), secret));
        }
    }
    assert!(planted.len() >= 300);
    // The detector of this test sees each where nothing was taken out.
    let before =
        serde_json::to_vec(&(&snapshot, raw.iter().map(|it| it.body.clone()).collect::<Vec<_>>())).unwrap();
    let unseen: Vec<&String> =
        planted.iter().filter(|(_, secret)| !holds(&before, secret, 0)).map(|(name, _)| name).collect();
    assert!(unseen.is_empty(), "{unseen:?}");

    // Through the program, as somebody who turns a record into a bundle; answers are cleaned in the same way.
    let folder = tempfile::tempdir().unwrap();
    for (number, answer) in raw.iter().enumerate() {
        let value = Observation::known(answer.body.clone(), origin(&snapshot));
        snapshot.facts.insert(format!("gateway.answer{number}"), value);
    }
    std::fs::write(folder.path().join("s.json"), serde_json::to_vec(&snapshot).unwrap()).unwrap();
    let made = run(folder.path(), &["check", "--bundle", "s.json", "-o", "bundle=b", "-o", "json=j"]);
    assert!(made.err.is_empty(), "{}", made.err);
    let survived: Vec<&String> = {
        let members = unpacked(&folder.path().join("b"));
        let all: Vec<u8> = members.into_iter().flat_map(|(_, bytes)| bytes).collect();
        planted.iter().filter(|(_, secret)| holds(&all, secret, 0)).map(|(name, _)| name).collect()
    };
    assert!(survived.is_empty(), "{} of {}: {survived:#?}", survived.len(), planted.len());
}

fn origin(snapshot: &Snapshot) -> Origin {
    Origin {
        call: String::new(),
        against: String::new(),
        vantage: Vantage::Operator,
        at: snapshot.observed_at,
        took_ms: 0,
        from: vec![],
    }
}

/// What a diagnosis rests on survives: every name, subject and code of every sample's log.
#[test]
fn what_the_diagnosis_needs_survives() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for scenario in ["subject-mismatch", "tasks-401", "tls-unknown-authority", "acrpull-missing"] {
        let live = run(here, &["check", "--lab", scenario, "-o", "json", "-o", "bundle=b"]);
        let replayed = run(here, &["check", "--bundle", "b", "-o", "json"]);
        assert_eq!(live.out, replayed.out, "{scenario}");
        let named: BTreeMap<String, String> = findings(&live.out);
        assert_eq!(run(here, &["bundle", "redact", "b", "-o", "p", "--pseudonyms"]).code, 0);
        let renamed = findings(&run(here, &["check", "--bundle", "p", "-o", "json"]).out);
        assert_eq!(named.keys().collect::<Vec<_>>(), renamed.keys().collect::<Vec<_>>(), "{scenario}");
    }
}

fn findings(document: &str) -> BTreeMap<String, String> {
    let document: Value = serde_json::from_str(document).unwrap();
    let all = document["findings"].as_array().unwrap().iter();
    all.map(|it| (it["id"].as_str().unwrap().to_owned(), it["subject"].as_str().unwrap().to_owned()))
        .collect()
}

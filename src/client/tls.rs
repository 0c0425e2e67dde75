//! What a TLS peer presents, even where it does not verify. Nothing is sent over the connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio_rustls::TlsConnector;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Transport;
use super::cause::{failure, one_line};
use super::http::connect;
use super::resolve::addresses;
use crate::fact::{Certificate, Layer, Observation, PeerCertificates, Reason};

/// Asks the real verifier, remembers what it said, and lets the handshake go on.
#[derive(Debug)]
struct Recorder {
    real: Arc<rustls_platform_verifier::Verifier>,
    seen: Mutex<Option<Presented>>,
}

#[derive(Clone, Debug)]
struct Presented {
    chain: Vec<CertificateDer<'static>>,
    verdict: Result<(), rustls::Error>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.real.verify_server_cert(leaf, others, name, ocsp, now).map(|_| ());
        let chain = std::iter::once(leaf).chain(others).map(|one| one.clone().into_owned()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Presented { chain, verdict });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.real.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.real.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.real.supported_verify_schemes()
    }
}

/// What the peer at a host and port presents.
pub async fn peer(transport: &Transport, host: &str, port: u16) -> Observation<PeerCertificates> {
    let began = (Timestamp::now(), Instant::now());
    let outcome = shake(transport, host, port).await;
    let what = format!("HANDSHAKE {host}:{port}");
    let origin = transport.record("tls", what, format!("{host}:{port}"), began, outcome.as_ref().err());
    match outcome {
        Ok(found) => Observation::known(found, origin),
        Err(reason) => Observation::unknown(reason, origin),
    }
}

async fn shake(transport: &Transport, host: &str, port: u16) -> Result<PeerCertificates, Reason> {
    let within = transport.limits().request.min(transport.remaining());
    let began = Instant::now();
    let left = || within.saturating_sub(began.elapsed());
    let late = |layer| Reason::TimedOut {
        layer,
        after_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    let found = tokio::time::timeout(left(), addresses(transport.network(), host, port))
        .await
        .map_err(|_| late(Layer::Dns))?
        .map_err(|error| Reason::Unreachable { layer: Layer::Dns, detail: one_line(&error.to_string()) })?;
    let stream = tokio::time::timeout(left(), connect(&found))
        .await
        .map_err(|_| late(Layer::Connect))?
        .map_err(|error| failure(&error, true))?;
    let address = stream.peer_addr().map_or_else(|_| String::new(), |address| address.to_string());
    let malformed = |detail: String| Reason::Malformed { detail };
    let real = transport.network().verifier().map_err(|error| malformed(error.to_string()))?;
    let recorder = Arc::new(Recorder { real, seen: Mutex::default() });
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| malformed(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    // An address of version 6 stands in brackets in a URL, and without them everywhere else.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|_| malformed(format!("{host} is no name that TLS could ask for")))?;
    let shaken = tokio::time::timeout(left(), TlsConnector::from(Arc::new(config)).connect(name, stream))
        .await
        .map_err(|_| late(Layer::Tls))?;
    let seen = recorder.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match (seen, shaken) {
        (Some(presented), _) => describe(host, address, &presented).map_err(malformed),
        (None, Err(error)) => Err(match failure(&error, true) {
            Reason::Unreachable { detail, .. } => Reason::Unreachable { layer: Layer::Tls, detail },
            other => other,
        }),
        (None, Ok(_)) => Err(malformed("the peer presented no certificate".into())),
    }
}

fn describe(host: &str, address: String, presented: &Presented) -> Result<PeerCertificates, String> {
    let chain = presented.chain.iter().map(|der| certificate(der)).collect::<Result<Vec<_>, _>>()?;
    let (problem, detail) = match &presented.verdict {
        Ok(()) => ("none", String::new()),
        Err(error) => (problem(error), one_line(&error.to_string())),
    };
    Ok(PeerCertificates { host: host.to_owned(), address, chain, problem: problem.into(), detail })
}

/// The verifier's words in ours. A renewed authority with its old name and a new key gives a bad signature.
fn problem(error: &rustls::Error) -> &'static str {
    let rustls::Error::InvalidCertificate(why) = error else { return "other" };
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "not-yet-valid",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "hostname-mismatch"
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => "unknown-authority",
        other if other.to_string().contains("CaUsedAsEndEntity") => "unknown-authority",
        _ => "other",
    }
}

fn certificate(der: &CertificateDer<'_>) -> Result<Certificate, String> {
    let (_, parsed) =
        X509Certificate::from_der(der).map_err(|error| format!("a certificate cannot be read: {error}"))?;
    let names = parsed
        .subject_alternative_name()
        .ok()
        .flatten()
        .map(|extension| extension.value.general_names.iter().filter_map(alternative).collect())
        .unwrap_or_default();
    let time = |at: x509_parser::time::ASN1Time| {
        Timestamp::from_second(at.timestamp()).map_err(|error| format!("a certificate's date: {error}"))
    };
    Ok(Certificate {
        subject: one_line(&parsed.subject().to_string()),
        issuer: one_line(&parsed.issuer().to_string()),
        names,
        not_before: time(parsed.validity().not_before)?,
        not_after: time(parsed.validity().not_after)?,
    })
}

fn alternative(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(one_line(name)),
        GeneralName::IPAddress([a, b, c, d]) => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
        GeneralName::IPAddress(bytes) => {
            <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())
        }
        _ => None,
    }
}

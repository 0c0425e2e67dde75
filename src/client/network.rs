//! How the network is reached, and within which bounds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Why a client cannot be made at all.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file of further authorities cannot be used.
    #[error("network.ca_file: {file}: {cause}")]
    Authorities {
        /// The file.
        file: String,
        /// What is wrong.
        cause: String,
    },
    /// TLS or HTTP cannot be set up.
    #[error(
        "cannot set up TLS: {0}; install the system's certificate authorities, or name a file with --ca-file"
    )]
    Tls(String),
}

/// How the network is reached.
#[derive(Clone, Debug)]
pub struct Network {
    /// Authorities to trust beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// Name server to ask instead of the system's.
    pub dns_server: Option<SocketAddr>,
    /// `host:port` to the address to connect to instead; the name in TLS stays the host.
    pub connect_to: BTreeMap<String, SocketAddr>,
    /// Whether `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are obeyed.
    pub use_proxy: bool,
}

impl Default for Network {
    fn default() -> Self {
        Self { ca_file: None, dns_server: None, connect_to: BTreeMap::new(), use_proxy: true }
    }
}

/// Bounds of a run.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// One request, from name to last byte.
    pub request: Duration,
    /// The whole run.
    pub run: Duration,
    /// Bytes of one body.
    pub body_bytes: usize,
    /// Pages of one list.
    pub pages: usize,
    /// Tries of one request.
    pub attempts: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            run: Duration::from_mins(1),
            body_bytes: 8 << 20,
            pages: 50,
            attempts: 3,
        }
    }
}

/// A secret: in memory only, never in an output.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    pub fn new(text: String) -> Self {
        super::secrets::seen(&text);
        Self(text)
    }

    /// The secret, for the call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

impl Network {
    /// The authorities of [`Network::ca_file`].
    fn authorities(&self) -> Result<Vec<CertificateDer<'static>>, ClientError> {
        let Some(file) = &self.ca_file else { return Ok(Vec::new()) };
        let refuse = |cause: String| ClientError::Authorities { file: file.display().to_string(), cause };
        let found: Vec<_> = CertificateDer::pem_file_iter(file)
            .map_err(|error| refuse(error.to_string()))?
            .collect::<Result<_, _>>()
            .map_err(|error| refuse(error.to_string()))?;
        if found.is_empty() {
            return Err(refuse("it holds no certificate".into()));
        }
        Ok(found)
    }

    /// The verifier that every TLS connection of a run uses: the system's authorities and the file's.
    pub(super) fn verifier(&self) -> Result<Arc<rustls_platform_verifier::Verifier>, ClientError> {
        let provider = Arc::new(default_provider());
        rustls_platform_verifier::Verifier::new_with_extra_roots(self.authorities()?, provider)
            .map(Arc::new)
            .map_err(|error| ClientError::Tls(error.to_string()))
    }

    /// TLS as every client uses it.
    pub(super) fn tls(&self) -> Result<ClientConfig, ClientError> {
        Ok(ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| ClientError::Tls(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier()?)
            .with_no_client_auth())
    }

    /// The address that stands in for a host and port.
    pub(super) fn instead_of(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.connect_to.get(&format!("{host}:{port}")).copied()
    }
}

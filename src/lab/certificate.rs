//! Authorities and certificates, made afresh for each lab.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;

use super::LabError;
use super::serve::failed;

/// An authority of the lab.
pub(super) struct Authority {
    pub(super) pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority.
    pub(super) fn new(name: &str) -> Result<Self, LabError> {
        let mut params = CertificateParams::new(Vec::<String>::new()).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Self { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) })
    }

    /// TLS for a server with these names, valid between two days.
    pub(super) fn server(
        &self,
        names: &[String],
        validity: Option<(Timestamp, Timestamp)>,
    ) -> Result<Arc<ServerConfig>, LabError> {
        let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        params.distinguished_name.push(DnType::CommonName, names.first().cloned().unwrap_or_default());
        if let Some((from, to)) = validity {
            let [from, to] = [from, to].map(|at| at.to_zoned(TimeZone::UTC).date());
            let part = |number: i8| u8::try_from(number).unwrap_or(1);
            params.not_before = date_time_ymd(i32::from(from.year()), part(from.month()), part(from.day()));
            params.not_after = date_time_ymd(i32::from(to.year()), part(to.month()), part(to.day()));
        }
        let key = KeyPair::generate().map_err(failed)?;
        let leaf = params.signed_by(&key, &self.issuer).map_err(failed)?;
        let chain = vec![leaf.der().clone(), self.der.clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(failed)?;
        Ok(Arc::new(config))
    }
}

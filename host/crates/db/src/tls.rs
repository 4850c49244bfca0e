//! TLS of connections to PostgreSQL.

use crate::error::DbError;
use galleria_files::SETTINGS_BYTES;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What the certificate of the server proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verify {
    /// `prefer` and `require` only encrypt.
    Nothing,
    /// `verify-ca`: a trusted authority issued it, for any host.
    Issuer,
    /// `verify-full`: a trusted authority issued it for this host.
    IssuerAndHost,
}

/// Files of an address, in PEM format. The text of a file may take the place of its path.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsFiles {
    /// Certificates of trusted authorities. Without it, those of the system.
    pub(crate) root: Option<PathBuf>,
    /// Certificates of the client, which need the key as well.
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

/// Returns the connector for an address.
pub(crate) fn connector(verify: Verify, files: &TlsFiles) -> Result<MakeRustlsConnect, DbError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let issuer = match verify {
        Verify::Nothing => None,
        Verify::Issuer | Verify::IssuerAndHost => {
            let roots = Arc::new(roots(files.root.as_deref())?);
            let builder = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
            Some(builder.build().map_err(|_| DbError::NoRootCertificate)?)
        }
    };
    let verifier = Verifier {
        provider: Arc::clone(&provider),
        issuer,
        any_host: verify == Verify::Issuer,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| DbError::Address)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match (&files.certificate, &files.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let chain = certificates("sslcert", certificate)?;
            let private = PrivateKeyDer::from_pem_slice(&text("sslkey", key)?);
            let private = private.map_err(|_| unusable("sslkey", key))?;
            let built = builder.with_client_auth_cert(chain, private);
            built.map_err(|_| unusable("sslkey", key))?
        }
        _ => {
            return Err(DbError::ParameterValue {
                name: "sslcert",
                rule: "needs sslkey, and sslkey needs sslcert",
            });
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, DbError> {
    let mut store = RootCertStore::empty();
    match file {
        Some(file) => {
            for certificate in certificates("sslrootcert", file)? {
                let added = store.add(certificate);
                added.map_err(|_| unusable("sslrootcert", file))?;
            }
        }
        None => {
            let system = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(system.certs);
        }
    }
    Ok(store)
}

fn certificates(
    parameter: &'static str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, DbError> {
    let text = text(parameter, file)?;
    let read = CertificateDer::pem_slice_iter(&text).collect();
    match read {
        Ok(certificates) if !Vec::is_empty(&certificates) => Ok(certificates),
        _ => Err(unusable(parameter, file)),
    }
}

/// The text of a file. It may take the place of the path.
fn text(parameter: &'static str, file: &Path) -> Result<Vec<u8>, DbError> {
    if let Some(text) = inline(file) {
        return Ok(text.into());
    }
    galleria_files::read(file, SETTINGS_BYTES).map_err(|reason| DbError::File {
        name: parameter,
        file: file.display().to_string(),
        reason,
    })
}

fn inline(file: &Path) -> Option<&str> {
    let text = file.to_str()?;
    text.trim_start().starts_with("-----BEGIN").then_some(text)
}

fn unusable(parameter: &'static str, file: &Path) -> DbError {
    let file = match inline(file) {
        Some(_) => "the text".into(),
        None => file.display().to_string(),
    };
    DbError::Certificate { parameter, file }
}

/// Checks the certificate of the server as far as `sslmode` demands, and always that the server has its key.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    issuer: Option<Arc<WebPkiServerVerifier>>,
    any_host: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(issuer) = &self.issuer else {
            return Ok(ServerCertVerified::assertion());
        };
        // The host is checked last.
        match issuer.verify_server_cert(certificate, intermediates, host, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_host => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

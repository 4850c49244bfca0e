//! Certificates of services.

use crate::clients::{ROUTES, call, client, config, request};
use crate::service::{Certified, Service};
use galleria_domain::tax::TaxRoute;
use galleria_ports::clock::{Clock, SystemClock};
use galleria_ports::tax::{TaxFault, TaxUpstreams as _};
use galleria_tax::{IdentityFiles, UpstreamConfig, Upstreams};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// An authority, its file, and a certificate that it signed for a host.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let file = folder.join(name);
        std::fs::write(&file, issuer.pem()).expect("written");
        Self { issuer, file }
    }

    fn sign(&self, host: &str) -> Certified {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![host.to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        Certified {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

fn trusting(service: &Service, file: &Path) -> UpstreamConfig {
    UpstreamConfig {
        ca_file: Some(file.to_owned()),
        retries: 0,
        ..config(service.url())
    }
}

async fn fault(route: TaxRoute, config: UpstreamConfig) -> TaxFault {
    let client = client(route, config);
    let fault = client
        .evaluate(route, &request(), &call())
        .await
        .expect_err("untrusted");
    let check = client.check(route).await.expect_err("untrusted");
    assert_eq!(check.name(), fault.name());
    fault
}

#[tokio::test]
async fn only_a_certificate_of_the_configured_authority_for_this_host_is_trusted() {
    let folder = TempDir::new().expect("a folder");
    let [ours, other] = ["ours", "other"].map(|name| Authority::new(folder.path(), name));
    for route in ROUTES {
        let service = Service::with(route, Some(ours.sign("localhost")));
        let trusted = client(route, trusting(&service, &ours.file));
        trusted
            .evaluate(route, &request(), &call())
            .await
            .expect("taxes");
        assert_eq!(trusted.check(route).await, Ok(()));

        for config in [
            trusting(&service, &other.file),
            // The authorities of the system.
            config(service.url()),
        ] {
            let untrusted = fault(route, config).await;
            assert_eq!(
                untrusted.name(),
                "certificate",
                "{route}: {}",
                untrusted.chain()
            );
            assert_eq!(
                untrusted.to_string(),
                "has a certificate that this host does not trust"
            );
            assert!(!untrusted.cause().expect("a cause").is_empty());
        }
        assert_eq!(
            service.calls(),
            1,
            "{route}: no request over an untrusted connection"
        );

        let elsewhere = Service::with(route, Some(ours.sign("tax.example.com")));
        let untrusted = fault(route, trusting(&elsewhere, &ours.file)).await;
        assert_eq!(
            untrusted.name(),
            "certificate",
            "{route}: {}",
            untrusted.chain()
        );
    }
}

#[tokio::test]
async fn a_service_without_tls_is_unavailable_over_tls() {
    let folder = TempDir::new().expect("a folder");
    let authority = Authority::new(folder.path(), "ours");
    for route in ROUTES {
        let service = Service::start(route);
        let config = UpstreamConfig {
            address: service.url().replace("http://", "https://"),
            ..trusting(&service, &authority.file)
        };
        let fault = fault(route, config).await;
        assert_eq!(fault.name(), "unavailable", "{route}: {}", fault.chain());
        assert_eq!(service.calls(), 0);
    }
}

#[test]
fn an_invalid_file_of_an_authority_is_rejected_at_the_start() {
    let folder = TempDir::new().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    for path in [
        folder.path().join("missing"),
        file("empty", ""),
        file("text", "no certificate"),
    ] {
        for route in ROUTES {
            let config = UpstreamConfig {
                ca_file: Some(path.clone()),
                ..config("https://localhost:1")
            };
            let error = Upstreams::new([(route, config)], &clock)
                .err()
                .expect("rejected");
            assert!(
                error.to_string().starts_with(&path.display().to_string()),
                "{error}"
            );
        }
    }
}

#[test]
fn an_invalid_certificate_of_this_host_is_rejected_at_the_start() {
    let folder = TempDir::new().expect("a folder");
    let authority = Authority::new(folder.path(), "ours");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let [ours, other] = ["ours", "other"].map(|name| authority.sign(name));
    let certificate = file("certificate", &ours.certificate);
    let key = file("key", &ours.key);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let created = |route, certificate: &Path, key: &Path| {
        let identity = IdentityFiles {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        let config = UpstreamConfig {
            identity: Some(identity),
            ..config("https://localhost:1")
        };
        Upstreams::new([(route, config)], &clock).map(drop)
    };
    let missing = folder.path().join("missing");
    let [empty, other] =
        [("empty", ""), ("other", &*other.key)].map(|(name, text)| file(name, text));
    for route in ROUTES {
        assert_eq!(created(route, &certificate, &key), Ok(()));
        for (certificate, key, named) in [
            (&missing, &key, "missing cannot be read: No such file"),
            (
                &certificate,
                &missing,
                "missing cannot be read: No such file",
            ),
            (
                &empty,
                &key,
                "must contain a certificate and its private key in PEM",
            ),
            (
                &certificate,
                &empty,
                "must contain a certificate and its private key in PEM",
            ),
            (
                &certificate,
                &other,
                "must contain a certificate and its private key in PEM",
            ),
        ] {
            let error = created(route, certificate, key).expect_err("rejected");
            let error = error.to_string();
            assert!(error.contains(named), "{route}: {error}");
            assert!(!error.contains("PRIVATE KEY"), "{error}");
        }
    }
}

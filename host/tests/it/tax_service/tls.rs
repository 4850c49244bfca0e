//! TLS of the gRPC listener, with and without certificates of clients.

use super::{Bearer, address, basket, host, open_stores};
use crate::host::{Database, Host};
use galleria_tax::proto::tax_client::TaxClient;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::Path;
use tonic::Code;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }
}

/// Calls with these certificates; the code of the status.
async fn called(
    host: &Host,
    key: &str,
    tls: ClientTlsConfig,
) -> Result<Code, tonic::transport::Error> {
    let endpoint =
        Endpoint::from_shared(format!("https://{}", address(host, "grpc"))).expect("an address");
    let channel = endpoint
        .tls_config(tls.domain_name("tax.internal"))?
        .connect()
        .await?;
    let mut client = TaxClient::with_interceptor(channel, Bearer(Some(key.to_owned())));
    let answer = client.evaluate_tax(basket("1.00", false)).await;
    Ok(answer.expect_err("no table").code())
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.to_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_verify_the_server_and_the_server_verifies_clients() {
    let folder = tempfile::tempdir().expect("a folder");
    let (authority, other) = (Authority::new(), Authority::new());
    let (certificate, key) = authority.issue("tax.internal");
    let certificate = write(folder.path(), "server.pem", &certificate);
    let key_file = write(folder.path(), "server.key", &key);
    let settings = [
        format!("tax.server.tls.certificate={certificate}"),
        format!("tax.server.tls.key={key_file}"),
    ];
    let mut host = host(
        folder.path(),
        Database::Sqlite,
        &[&settings[0], &settings[1]],
    );
    host.start().await;
    open_stores(&host).await;
    let api_key = host.key(&["--name", "office", "--scope", "operator", "--everywhere"]);
    let trusting = |authority: &Authority| {
        ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem()))
    };
    let evaluated = called(&host, &api_key, trusting(&authority))
        .await
        .expect("a connection");
    assert_eq!(evaluated, Code::InvalidArgument);
    called(&host, &api_key, trusting(&other))
        .await
        .expect_err("an unknown authority");
    let plain =
        Endpoint::from_shared(format!("http://{}", address(&host, "grpc"))).expect("an address");
    let mut plain = TaxClient::new(plain.connect_lazy());
    plain
        .evaluate_tax(basket("1.00", false))
        .await
        .expect_err("no TLS");
    host.stop();

    let clients = write(folder.path(), "clients.pem", &other.pem());
    host.set(&format!("tax.server.tls.client_ca={clients}"));
    host.start().await;
    let identity = |authority: &Authority| {
        let (certificate, key) = authority.issue("till");
        Identity::from_pem(certificate, key)
    };
    let known = trusting(&authority).identity(identity(&other));
    assert_eq!(
        called(&host, &api_key, known).await.expect("a connection"),
        Code::InvalidArgument
    );
    for unknown in [
        trusting(&authority),
        trusting(&authority).identity(identity(&authority)),
    ] {
        // The connection ends with the handshake, or with the first call.
        let refused = called(&host, &api_key, unknown).await;
        assert!(!matches!(refused, Ok(Code::InvalidArgument)), "{refused:?}");
    }
    host.stop();

    host.set(&format!("tax.server.tls.key={certificate}"));
    let output = host.run(&["serve"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("reading tax.server.tls"), "{error}");
    assert!(
        error.contains("the certificate and the key cannot be used for TLS"),
        "{error}"
    );
    host.set(&format!("tax.server.tls.key={certificate}.missing"));
    let output = host.run(&["serve"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("server.pem.missing (tax.server.tls.key)"),
        "{error}"
    );
}

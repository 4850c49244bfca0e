//! TLS of the gRPC listener, with and without certificates of clients; the host's own client calls it, too.

use super::{Bearer, STORE, address, basket, basket_json, host, open_stores, row};
use crate::host::{Database, Host};
use galleria_domain::tax::{TaxRequest, TaxResponse, TaxRoute};
use galleria_ports::clock::{Clock, SystemClock};
use galleria_ports::tax::{TaxCall, TaxFault, TaxUpstreams as _};
use galleria_tax::proto::ImportStoreTaxDataRequest;
use galleria_tax::proto::tax_client::TaxClient;
use galleria_tax::{IdentityFiles, UpstreamConfig, Upstreams};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

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
        self.issue_for(&[name])
    }

    fn issue_for(&self, names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let params = CertificateParams::new(names).expect("parameters");
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

/// Resolves every name to one address.
struct OneAddress(Mutex<SocketAddr>);

impl OneAddress {
    /// Resolves to the listener of a host.
    fn move_to(&self, host: &Host) {
        *self.0.lock().expect("an address") = address(host, "grpc").parse().expect("an address");
    }
}

impl Resolve for OneAddress {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(std::iter::once(*self.0.lock().expect("an address")));
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

/// The files of a certificate and its key.
fn identity(folder: &Path, name: &str, authority: &Authority) -> IdentityFiles {
    let (certificate, key) = authority.issue_for(&[name, "localhost"]);
    IdentityFiles {
        certificate: write(folder, &format!("{name}.pem"), &certificate).into(),
        key: write(folder, &format!("{name}.key"), &key).into(),
    }
}

/// The settings that name these files, in a section.
fn settings(section: &str, files: &IdentityFiles) -> [String; 2] {
    let IdentityFiles { certificate, key } = files;
    [("certificate", certificate), ("key", key)]
        .map(|(name, file)| format!("{section}.{name}={}", file.display()))
}

async fn evaluate(client: &Upstreams) -> Result<TaxResponse, TaxFault> {
    let request: TaxRequest =
        serde_json::from_value(basket_json("12.10", false)).expect("a request");
    let call = TaxCall {
        idempotency_key: None,
        hops: 1,
    };
    client.evaluate(TaxRoute::Grpc, &request, &call).await
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_verify_each_other_and_a_service_may_move_to_another_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let part = |name: &str| folder.path().join(name);
    let (servers, clients) = (Authority::new(), Authority::new());
    let ca_file = write(folder.path(), "servers.pem", &servers.pem());
    let client_ca = write(folder.path(), "clients.pem", &clients.pem());
    let of_server = identity(folder.path(), "tax.internal", &servers);
    let of_client = identity(folder.path(), "till-host", &clients);
    let of_stranger = identity(folder.path(), "stranger", &servers);
    let mut server = host(
        &part("server"),
        Database::Sqlite,
        &[
            "tax.server.identity.name=tax-network",
            "tax.server.identity.scope=operator",
            "tax.server.identity.retailers=[\"*\"]",
            "http.drain_notice=300ms",
        ],
    );
    for pair in settings("tax.server.tls", &of_server) {
        server.set(&pair);
    }
    server.set(&format!("tax.server.tls.client_ca={client_ca}"));
    server.start().await;
    open_stores(&server).await;
    let channel = async |server: &Host| {
        let read = |file: &Path| std::fs::read(file).expect("a file");
        let own = Identity::from_pem(read(&of_client.certificate), read(&of_client.key));
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(servers.pem()))
            .identity(own);
        let endpoint = format!("https://localhost:{}", port(server));
        let endpoint = Endpoint::from_shared(endpoint).expect("an address");
        let endpoint = endpoint.tls_config(tls).expect("certificates");
        endpoint.connect().await.expect("a connection")
    };
    let import = ImportStoreTaxDataRequest {
        store_id: STORE.into(),
        rows: vec![row("STANDARD", "21")],
        ..Default::default()
    };
    let mut network = TaxClient::new(channel(&server).await);
    let imported = network.import_store_tax_code_data(import).await;
    imported.expect("imported");

    // The client of hosts, with a name whose address changes.
    let resolver = Arc::new(OneAddress(Mutex::new(([127, 0, 0, 1], 1).into())));
    resolver.move_to(&server);
    let client = |identity: Option<&IdentityFiles>| {
        let config = UpstreamConfig {
            ca_file: Some(ca_file.clone().into()),
            identity: identity.cloned(),
            resolver: Some(resolver.clone()),
            timeout: Duration::from_secs(20),
            deadline: Duration::from_secs(60),
            lifetime: Duration::from_secs(3_600),
            ..UpstreamConfig::new("https://tax.internal")
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Upstreams::new([(TaxRoute::Grpc, config)], &clock).expect("a client")
    };
    let known = client(Some(&of_client));
    assert_eq!(known.check(TaxRoute::Grpc).await, Ok(()));
    assert_eq!(
        evaluate(&known).await.expect("taxes").total_tax.to_string(),
        "2.10"
    );
    for unknown in [client(None), client(Some(&of_stranger))] {
        for fault in [
            unknown.check(TaxRoute::Grpc).await.expect_err("unknown"),
            evaluate(&unknown).await.expect_err("unknown"),
        ] {
            assert_eq!(fault.name(), "unavailable", "{}", fault.chain());
        }
    }

    // The health service reports the drain. Then the service starts at another address.
    let request = HealthCheckRequest::default();
    let mut health = HealthClient::new(channel(&server).await);
    let watched = health.watch(request).await.expect("a stream").into_inner();
    let watched = tokio::spawn(async move {
        let statuses = watched.take_while(Result::is_ok);
        statuses
            .map(|one| one.expect("a status").status())
            .collect::<Vec<_>>()
            .await
    });
    let before = port(&server);
    server.stop();
    let seen = watched.await.expect("no panic");
    assert_eq!(seen, [ServingStatus::Serving, ServingStatus::NotServing]);
    server.start().await;
    assert_ne!(port(&server), before, "the system chooses free ports");
    resolver.move_to(&server);
    assert_eq!(
        evaluate(&known).await.expect("taxes").total_tax.to_string(),
        "2.10"
    );

    // A whole host is the client.
    let mut till = host(&part("till"), Database::Sqlite, &["tax.grpc.retries=0"]);
    till.set(&format!(
        "tax.grpc.address=https://localhost:{}",
        port(&server)
    ));
    till.set(&format!("tax.grpc.ca_file={ca_file}"));
    let named = settings("tax.grpc", &of_client);
    for pair in &named {
        till.set(pair);
    }
    till.start().await;
    open_stores(&till).await;
    let path = format!("/v1/stores/{STORE}/tax-settings");
    let routed = till
        .send("PUT", &path, "route", &json!({"route": "grpc"}))
        .await;
    assert_eq!(routed.expect("an answer").0, 200);
    let evaluated = till
        .send(
            "POST",
            "/v1/taxes/evaluate",
            "k",
            &basket_json("12.10", false),
        )
        .await
        .expect("an answer");
    assert_eq!(
        (
            evaluated.0,
            &evaluated.1["route"],
            &evaluated.1["total_tax"]
        ),
        (200, &json!("grpc"), &json!("2.10"))
    );
    assert!(till.run(&["tax", "upstreams"]).status.success());
    for pair in settings("tax.grpc", &of_stranger) {
        till.set(&pair);
    }
    let checked = till.run(&["tax", "upstreams", "--json"]);
    assert!(!checked.status.success(), "{checked:?}");
    server.stop();
    till.stop();
}

fn port(host: &Host) -> u16 {
    let address: SocketAddr = address(host, "grpc").parse().expect("an address");
    address.port()
}

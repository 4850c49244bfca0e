//! A tax service over gRPC or HTTP, which can fail on purpose.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response as HttpResponse};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::StreamExt as _;
use galleria_app::tax::TaxEvaluation;
use galleria_domain::tax::{
    Rounding, TableTerms, TaxRequest, TaxResponse, TaxRoute, TaxTable, evaluate_request,
};
use galleria_tax::proto;
use galleria_tax::proto::tax_server::{Tax, TaxServer};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::ServerTlsConfig;
use tonic::transport::{Identity, Server};
use tonic::{Request, Response, Status, Streaming};

/// What a service does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Evaluates it.
    Evaluate,
    /// Does not answer.
    Hang,
    /// Rejects it.
    Reject,
    /// Reports that it cannot answer.
    Fail,
    /// Forgets the last item.
    ForgetItem,
    /// Answers with an amount that is no number.
    NoNumber,
    /// Answers with more than the client accepts.
    TooLarge,
}

/// What a service has seen.
pub struct Seen {
    pub behaviour: Mutex<Behaviour>,
    pub calls: AtomicU32,
    pub connections: AtomicU32,
    /// The idempotency key, the hops and the trace of the last request.
    pub last: Mutex<[Option<String>; 3]>,
    /// The `grpc-timeout` of each request, such as `2000m`.
    pub timeouts: Mutex<Vec<String>>,
}

/// A certificate with its key, in PEM.
#[derive(Clone)]
pub struct Certified {
    pub certificate: String,
    pub key: String,
}

/// A running service. Its tasks have a runtime of their own, so that all connections end with it.
pub struct Service {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    route: TaxRoute,
    certified: Option<Certified>,
    runtime: Option<Runtime>,
}

impl Service {
    pub fn start(route: TaxRoute) -> Self {
        Self::with(route, None)
    }

    pub fn with(route: TaxRoute, certified: Option<Certified>) -> Self {
        let seen = Seen {
            behaviour: Mutex::new(Behaviour::Evaluate),
            calls: AtomicU32::new(0),
            connections: AtomicU32::new(0),
            last: Mutex::default(),
            timeouts: Mutex::default(),
        };
        let mut service = Self {
            address: "127.0.0.1:0".parse().expect("an address"),
            seen: Arc::new(seen),
            route,
            certified,
            runtime: None,
        };
        service.restart();
        service
    }

    /// Ends the process, as a client sees it.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Starts at the same address.
    pub fn restart(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = std::net::TcpListener::bind(self.address).expect("a free port");
        self.address = listener.local_addr().expect("an address");
        listener.set_nonblocking(true).expect("non-blocking");
        let (seen, certified) = (Arc::clone(&self.seen), self.certified.clone());
        let guard = runtime.enter();
        let listener = TcpListener::from_std(listener).expect("a listener");
        drop(guard);
        match self.route {
            TaxRoute::Grpc => drop(runtime.spawn(serve_grpc(listener, seen, certified))),
            _ => drop(runtime.spawn(serve_http(listener, seen, certified))),
        }
        self.runtime = Some(runtime);
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.seen.behaviour.lock().expect("a behaviour") = behaviour;
    }

    pub fn calls(&self) -> u32 {
        self.seen.calls.load(Ordering::SeqCst)
    }

    pub fn url(&self) -> String {
        match self.certified {
            Some(_) => format!("https://localhost:{}", self.address.port()),
            None => format!("http://{}", self.address),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Seen {
    /// Notes a request, and returns what to do with it.
    async fn note(&self, sent: [Option<&str>; 3]) -> Behaviour {
        self.calls.fetch_add(1, Ordering::SeqCst);
        *self.last.lock().expect("the last") = sent.map(|text| text.map(str::to_owned));
        let behaviour = *self.behaviour.lock().expect("a behaviour");
        if behaviour == Behaviour::Hang {
            std::future::pending::<()>().await;
        }
        behaviour
    }

    fn connected(&self) {
        self.connections.fetch_add(1, Ordering::SeqCst);
    }
}

/// The evaluation with one rate of 21 %.
pub fn evaluated(request: &TaxRequest) -> TaxResponse {
    let row = json!([{"tax_code": "STD", "tax_level": "IVA 21", "retailer_tax_level_id": "1", "tax_percent": "21"}]);
    let table = TaxTable::new(serde_json::from_value::<Vec<_>>(row).expect("rows"));
    let terms = TableTerms {
        table: &table,
        default_taxes: &TaxTable::default(),
        rounding: Rounding::default(),
        date: "2026-11-30".parse().expect("a date"),
        included: true,
    };
    evaluate_request(request, terms).expect("taxes")
}

async fn serve_grpc(listener: TcpListener, seen: Arc<Seen>, certified: Option<Certified>) {
    let mut server = Server::builder();
    if let Some(Certified { certificate, key }) = certified {
        let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
        server = server.tls_config(tls).expect("a valid identity");
    }
    let counting = Arc::clone(&seen);
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let incoming = incoming.inspect(move |_| counting.connected());
    let service = TaxServer::new(Evaluator(seen));
    server
        .add_service(service)
        .serve_with_incoming(incoming)
        .await
        .expect("served");
}

struct Evaluator(Arc<Seen>);

#[tonic::async_trait]
impl Tax for Evaluator {
    async fn evaluate_tax(
        &self,
        request: Request<proto::TaxEvaluateRequest>,
    ) -> Result<Response<proto::TaxEvaluateResponse>, Status> {
        let text = |name| {
            request
                .metadata()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let limit = text("grpc-timeout").expect("a deadline").to_owned();
        self.0.timeouts.lock().expect("deadlines").push(limit);
        let behaviour = self.0.note(SENT.map(text)).await;
        match behaviour {
            Behaviour::Reject => {
                return Err(Status::invalid_argument("items.0.tax_code: must be known"));
            }
            Behaviour::Fail => return Err(Status::unavailable("starting")),
            _ => {}
        }
        let request = TaxRequest::try_from(request.into_inner()).expect("a valid request");
        let mut response = proto::TaxEvaluateResponse::from(TaxEvaluation {
            response: evaluated(&request),
            route: TaxRoute::Embedded,
            fallback: false,
        });
        match behaviour {
            Behaviour::ForgetItem => drop(response.item_tax.pop()),
            Behaviour::NoNumber => response.total_tax = "much".into(),
            Behaviour::TooLarge => response.item_tax[0].item_id = "x".repeat(17 << 20),
            _ => {}
        }
        Ok(Response::new(response))
    }

    async fn get_store_tax_table(
        &self,
        _: Request<proto::GetStoreTaxTableRequest>,
    ) -> Result<Response<proto::StoreTaxTable>, Status> {
        Err(Status::unimplemented("not tested"))
    }

    async fn import_store_tax_code_data(
        &self,
        _: Request<proto::ImportStoreTaxDataRequest>,
    ) -> Result<Response<()>, Status> {
        Err(Status::unimplemented("not tested"))
    }

    async fn stream_store_tax_code_data(
        &self,
        _: Request<Streaming<proto::ImportStoreTaxDataRequest>>,
    ) -> Result<Response<proto::ImportSummary>, Status> {
        Err(Status::unimplemented("not tested"))
    }

    async fn delete_store_tax_table(
        &self,
        _: Request<proto::DeleteStoreTaxTableRequest>,
    ) -> Result<Response<()>, Status> {
        Err(Status::unimplemented("not tested"))
    }
}

/// Accepts connections, with TLS if there is a certificate.
struct Listener {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
    seen: Arc<Seen>,
}

type Io = tokio_util::either::Either<TcpStream, TlsStream<TcpStream>>;

impl axum::serve::Listener for Listener {
    type Io = Io;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Io, SocketAddr) {
        loop {
            let (stream, address) = self.tcp.accept().await.expect("a connection");
            self.seen.connected();
            let Some(tls) = &self.tls else {
                return (Io::Left(stream), address);
            };
            if let Ok(stream) = tls.accept(stream).await {
                return (Io::Right(stream), address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

fn acceptor(certified: &Certified) -> TlsAcceptor {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = CertificateDer::from_pem_slice(certified.certificate.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.expect("a certificate")],
            key.expect("a key"),
        );
    TlsAcceptor::from(Arc::new(config.expect("a configuration")))
}

async fn serve_http(tcp: TcpListener, seen: Arc<Seen>, certified: Option<Certified>) {
    let listener = Listener {
        tcp,
        tls: certified.as_ref().map(acceptor),
        seen: Arc::clone(&seen),
    };
    let evaluate = post(move |headers, request| evaluate_http(seen, headers, request));
    let router = Router::new().route("/v1/taxes/evaluate", evaluate);
    axum::serve(listener, router).await.expect("served");
}

async fn evaluate_http(
    seen: Arc<Seen>,
    headers: HeaderMap,
    Json(request): Json<TaxRequest>,
) -> HttpResponse {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let behaviour = seen.note(SENT.map(text)).await;
    let mut response = match behaviour {
        Behaviour::Reject => {
            let problem = json!({"detail": "invalid",
                "errors": [{"field": "items.0.tax_code", "message": "must be known"}]});
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(problem)).into_response();
        }
        Behaviour::Fail => return (StatusCode::SERVICE_UNAVAILABLE, "starting").into_response(),
        _ => serde_json::to_value(evaluated(&request)).expect("JSON"),
    };
    match behaviour {
        Behaviour::ForgetItem => drop(response["item_tax"].as_array_mut().expect("items").pop()),
        Behaviour::NoNumber => response["total_tax"] = json!("much"),
        Behaviour::TooLarge => response["item_tax"][0]["item_id"] = json!("x".repeat(17 << 20)),
        _ => {}
    }
    Json(response).into_response()
}

/// What a client sends beside the request.
const SENT: [&str; 3] = ["idempotency-key", "galleria-tax-hops", "traceparent"];

/// A time that no test reaches.
pub const LONG: Duration = Duration::from_secs(60);

//! Receivers of telemetry: a trace collector and a Datadog agent. Both record every byte.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, UdpSocket};

type Bodies = Arc<Mutex<Vec<Bytes>>>;

/// A collector on a free port.
pub struct Collector {
    pub endpoint: String,
    bodies: Bodies,
}

impl Collector {
    pub async fn start() -> Self {
        let bodies = Bodies::default();
        let take = async |State(bodies): State<Bodies>, body: Bytes| {
            bodies.lock().expect("bodies").push(body);
        };
        let router = Router::new().route("/v1/traces", post(take));
        let router = router.layer(DefaultBodyLimit::disable());
        let router = router.with_state(Arc::clone(&bodies));
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            endpoint: format!("http://{address}"),
            bodies,
        }
    }

    /// The received bodies.
    pub fn bytes(&self) -> Vec<u8> {
        self.bodies.lock().expect("bodies").concat()
    }

    /// The received spans.
    pub fn spans(&self) -> Vec<Span> {
        let bodies = self.bodies.lock().expect("bodies");
        let requests = bodies
            .iter()
            .map(|body| ExportTraceServiceRequest::decode(body.clone()).expect("spans"));
        requests
            .flat_map(|request| request.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    }
}

/// An agent on a free port.
pub struct Agent {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Agent {
    pub async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        tokio::spawn(async move {
            let mut packet = vec![0; 65_536];
            while let Ok(read) = socket.recv(&mut packet).await {
                let mut received = kept.lock().expect("packets");
                received.extend_from_slice(&packet[..read]);
                received.push(b'\n');
            }
        });
        Self { address, received }
    }

    /// The received packets, one in each line.
    pub fn bytes(&self) -> Vec<u8> {
        self.received.lock().expect("packets").clone()
    }
}

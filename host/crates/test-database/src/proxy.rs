//! A proxy before a server of PostgreSQL that counts round trips: how often the client sends after the server has
//! answered.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A proxy on a port of this machine.
pub struct Proxy {
    trips: Arc<AtomicU64>,
}

impl Proxy {
    /// Starts a proxy before the server of an address. Returns the address of the proxy as well.
    pub async fn before(url: &str) -> (Self, String) {
        let (start, address) = url.split_once("127.0.0.1:").expect("a local server");
        let (server, end) = address.split_once('/').expect("a database");
        let server = server.parse().expect("a port");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let trips = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&trips);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let trips = Arc::clone(&counted);
                // The end of a connection ends both directions.
                tokio::spawn(async move { drop(forward(client, server, &trips).await) });
            }
        });
        (Self { trips }, format!("{start}127.0.0.1:{port}/{end}"))
    }

    /// Round trips of all connections so far.
    pub fn round_trips(&self) -> u64 {
        self.trips.load(Ordering::Relaxed)
    }
}

async fn forward(client: TcpStream, server: u16, trips: &AtomicU64) -> io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answered = AtomicBool::new(true);
    let requests = async {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let count = from_client.read(&mut bytes).await?;
            if count == 0 {
                return Ok(());
            }
            if answered.swap(false, Ordering::Relaxed) {
                trips.fetch_add(1, Ordering::Relaxed);
            }
            to_server.write_all(&bytes[..count]).await?;
        }
    };
    let responses = async {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let count = from_server.read(&mut bytes).await?;
            if count == 0 {
                return Ok(());
            }
            answered.store(true, Ordering::Relaxed);
            to_client.write_all(&bytes[..count]).await?;
        }
    };
    tokio::select! {
        done = requests => done,
        done = responses => done,
    }
}

//! The listening socket.

use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpSocket};

/// The maximum number of connections that wait to be accepted. The kernel limits it to `net.core.somaxconn`. With
/// the library's default of 128, connections of a burst of clients are reset.
const BACKLOG: u32 = i32::MAX.cast_unsigned();

/// Listens at an address, with the longest queue of waiting connections that the system allows.
///
/// ```
/// # async fn example() -> std::io::Result<()> {
/// let listener = galleria_api::listen(([127, 0, 0, 1], 0).into())?;
/// println!("{}", listener.local_addr()?);
/// # Ok(())
/// # }
/// ```
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restarted host can listen again while old connections time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn a_burst_of_connections_waits_in_the_queue() {
        let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").expect("a limit");
        let most: usize = most.trim().parse().expect("a number");
        let listener = listen(([127, 0, 0, 1], 0).into()).expect("a listener");
        let address = listener.local_addr().expect("an address");
        // The test accepts no connection: if the queue is full, the kernel drops the handshake of the next client.
        let mut clients = Vec::new();
        for client in 0..most.min(400) {
            let connected = TcpStream::connect(address);
            let connected = tokio::time::timeout(Duration::from_secs(20), connected).await;
            let connected = connected.unwrap_or_else(|_| panic!("client {client} must wait"));
            clients.push(connected.expect("a connection"));
        }
    }
}

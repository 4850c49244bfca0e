//! The listening sockets of the host.

use anyhow::Context as _;
use galleria_config::HostConfig;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Listens at the address of a setting. Writes the actual address to a file for other programs on this machine:
/// `http.listen` to `http.addr`, `tax.server.grpc_listen` to `tax.server.grpc.addr`.
pub fn listener_at(
    host_config: &HostConfig,
    setting: &str,
    address: SocketAddr,
) -> anyhow::Result<TcpListener> {
    let listener = galleria_api::listen(address).with_context(|| {
        format!("listening at {address}: if another process uses it, set {setting} to another port")
    })?;
    let name = setting
        .trim_end_matches("listen")
        .trim_end_matches(['.', '_']);
    std::fs::create_dir_all(&host_config.data)?;
    let temporary = host_config.data.join(format!(".{name}.addr"));
    let file = host_config.data.join(format!("{name}.addr"));
    std::fs::write(&temporary, listener.local_addr()?.to_string())
        .and_then(|()| std::fs::rename(&temporary, &file))
        .with_context(|| format!("writing {}", file.display()))?;
    Ok(listener)
}

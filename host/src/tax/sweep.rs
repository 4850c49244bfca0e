//! Removes old records of tax evaluations and comparisons while the host serves.

use galleria_app::App;
use galleria_ports::Error;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const SWEPT_EVERY: Duration = Duration::from_secs(600);

/// Removes records that are older than the configured time, until the host stops.
pub async fn sweep(app: App, stop: CancellationToken) {
    loop {
        log("tax evaluations", app.taxes.sweep().await);
        log("tax comparisons", app.taxes.sweep_comparisons().await);
        tokio::select! {
            () = app.core.clock().sleep(SWEPT_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn log(what: &str, removed: Result<u64, Error>) {
    match removed {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "old {what} removed"),
        Err(error) => tracing::warn!(error = error.chain(), "removing old {what} failed"),
    }
}

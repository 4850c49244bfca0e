//! Removes old records of tax evaluations while the host serves.

use galleria_app::App;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const SWEPT_EVERY: Duration = Duration::from_secs(600);

/// Removes records that are older than the configured time, until the host stops.
pub async fn sweep(app: App, stop: CancellationToken) {
    loop {
        match app.taxes.sweep().await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "old tax evaluations removed"),
            Err(error) => {
                tracing::warn!(error = error.chain(), "removing old tax evaluations failed");
            }
        }
        tokio::select! {
            () = app.core.clock().sleep(SWEPT_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

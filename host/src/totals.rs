//! Keeps the status fast while the host serves.

use galleria_app::App;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Interval between additions of old rows to the totals.
const ADVANCED_EVERY: Duration = Duration::from_secs(60);

/// Adds old rows to the totals that the status starts from.
pub async fn advance(app: App, stop: CancellationToken) {
    loop {
        if let Err(error) = app.operations.advance_totals().await {
            tracing::warn!(error = error.chain(), "totals not advanced");
        }
        tokio::select! {
            () = app.core.clock().sleep(ADVANCED_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

//! Matches statement lines in the background: continues after a crash, and checks open lines again after new
//! sales and refunds.

use galleria_app::App;
use galleria_domain::retry::OUTAGE_PAUSE;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Debounce: wait so that a burst is handled in one pass.
const DEBOUNCE: Duration = Duration::from_millis(500);

/// How often to match without a notification: other replicas do not notify this one.
const POLL: Duration = Duration::from_secs(5);

/// Matches until `stop`.
pub async fn keep_matching(app: App, stop: CancellationToken) {
    let mut grew = app.core.log_grew();
    loop {
        let pause = match app.settlement.match_statements().await {
            Ok(_) => DEBOUNCE,
            Err(error) => {
                tracing::error!(error = error.chain(), "statement matching failed");
                OUTAGE_PAUSE
            }
        };
        let next = async {
            tokio::time::sleep(pause).await;
            tokio::select! {
                () = grew.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = next => {}
        }
    }
}

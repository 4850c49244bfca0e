//! Keeps statements matched: what a crash interrupted goes on, and what was sold or given back since
//! is looked at.

use galleria_app::App;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What rang is not looked at before so long: what is accepted meanwhile is looked at together.
const TOGETHER: Duration = Duration::from_millis(500);

/// What other replicas accept rings no bell here.
const EVERY: Duration = Duration::from_secs(5);

/// After a failure, which the database's trouble is.
const AFTER_TROUBLE: Duration = Duration::from_secs(10);

/// Keeps matching until told to stop.
pub async fn keep_matching(app: App, stop: CancellationToken) {
    let mut ear = app.log_grew();
    loop {
        let pause = match app.statements_match().await {
            Ok(_) => TOGETHER,
            Err(error) => {
                tracing::error!(error = error.chain(), "statements were not matched");
                AFTER_TROUBLE
            }
        };
        let next = async {
            tokio::time::sleep(pause).await;
            tokio::select! {
                () = ear.heard() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = next => {}
        }
    }
}

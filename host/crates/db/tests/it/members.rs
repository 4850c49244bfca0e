//! Allowances: exact under concurrent use.

use crate::rows::at;
use crate::stage::Stage;
use jiff::Timestamp;
use std::time::Duration;

on_both!(
    an_allowance_is_read_as_it_was_set,
    concurrent_uses_are_all_counted,
);

async fn an_allowance_is_read_as_it_was_set(stage: &Stage) {
    let (now, later) = (at(1), at(2));
    let first = write_tx!(stage, [], |tx| tx.allowance_lock("a", now).await);
    assert_eq!(first.expect("locked"), now, "never used");
    write_tx!(stage, [], |tx| tx.allowance_set("a", later).await).expect("set");
    let second = write_tx!(stage, [], |tx| Ok((
        tx.allowance_lock("a", now).await?,
        tx.allowance_lock("b", now).await?
    )));
    assert_eq!(second.expect("locked"), (later, now));
    let rows = stage
        .rows("SELECT id, whole_ms FROM allowances ORDER BY id")
        .await;
    let ms = |at: Timestamp| at.as_millisecond();
    assert_eq!(
        rows,
        [("a".to_owned(), ms(later)), ("b".to_owned(), ms(now))]
    );
}

/// Each task adds a second. None may be lost, not even the first.
async fn concurrent_uses_are_all_counted(stage: &Stage) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let stage = stage.clone();
        tasks.spawn(async move {
            write_tx!(stage, [], |tx| {
                let restored_at = tx.allowance_lock("a", at(0)).await?;
                let after = galleria_ports::clock::later(restored_at, Duration::from_secs(1));
                tx.allowance_set("a", after).await
            })
            .expect("counted");
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.expect("no panic");
    }
    let whole = write_tx!(stage, [], |tx| tx.allowance_lock("a", at(0)).await);
    let seconds = whole.expect("locked").as_second() - at(0).as_second();
    assert_eq!(seconds, 50);
}

//! What an operator does with dead letters: replays them, or discards them.

use crate::Error;
use crate::app::App;
use crate::records::{DeadLetter, InTx, Outcome, Parked, ParkedState, Tx};
use jiff::Timestamp;

/// What becomes of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Handled again, as if for the first time.
    Replay,
    /// Given up for good; what waited behind it goes on.
    Discard,
}

impl App {
    /// Dead letters, oldest first.
    pub async fn dead_letters(&self, limit: u32) -> Result<Vec<DeadLetter>, Error> {
        self.records
            .read(move |tx| Box::pin(async move { tx.dead_list(limit).await }))
            .await
    }

    /// Replays or discards a dead letter.
    pub async fn dead_letter_settle(
        &self,
        event_id: &str,
        subscriber: &str,
        verdict: Verdict,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let (event_id, subscriber) = (event_id.to_owned(), subscriber.to_owned());
        self.records
            .write(move |tx| {
                let (event_id, subscriber) = (event_id.clone(), subscriber.clone());
                Box::pin(async move { settle(tx, &event_id, &subscriber, verdict, now).await })
                    as InTx<'_, ()>
            })
            .await?;
        self.parked_woke.ring();
        Ok(())
    }
}

async fn settle(
    tx: &mut dyn Tx,
    event_id: &str,
    subscriber: &str,
    verdict: Verdict,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(letter) = tx.dead_remove(event_id, subscriber).await? else {
        return Err(Error::NotFound {
            what: "dead letter",
            id: format!("{event_id} of {subscriber}"),
        });
    };
    match verdict {
        Verdict::Replay => {
            tx.parked_put(&Parked {
                group: letter.group,
                subscriber: letter.subscriber,
                lane: letter.lane,
                event: letter.event,
                state: ParkedState::Retry,
                attempts: 0,
                due_at: now,
                since: now,
                waits_for: None,
                cause: "replayed by an operator".into(),
            })
            .await
        }
        Verdict::Discard => {
            tx.effect_claim(event_id, subscriber, Outcome::Discarded, now)
                .await?;
            tx.parked_remove(event_id, subscriber).await?;
            if let Some(order_id) = letter.event.text("order_id") {
                tx.parked_wake(&super::argument::paid(order_id), subscriber, now)
                    .await?;
            }
            Ok(())
        }
    }
}

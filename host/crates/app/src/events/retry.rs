//! Retries failed events: parks them for their next attempt or their cause, or makes them dead
//! letters.

use super::attempt::{attempt, not_called};
use super::prepare::{PreparedCall, paid};
use super::{HOST, HandlingOutcome, Item, Progress, point_of, prepare};
use crate::detail::detail;
use crate::events::Events;
use crate::events::Group;
use crate::shared_texts::put_texts;
use galleria_domain::plugin::{OnDeadLetter, Point};
use galleria_domain::{CallFault, Digest, FailedTry, Fault, NextTry, Problem, RetryPolicy, retry};
use galleria_ports::Error;
use galleria_ports::clock::later;
use galleria_ports::in_tx;
use galleria_ports::metrics;
use galleria_ports::metrics::Attempted;
use galleria_ports::plugins::Usage;
use galleria_ports::records::{DeadLetter, JournalRow, ParkedEvent, ParkedState, Tx};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Whether parking replaces the record of an event that is parked already. An event that is read
/// from the log again after a crash keeps its attempts and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renew {
    Yes,
    No,
}

/// The fault of a document whose name is taken. It is permanent.
pub(super) fn name_taken(directory: &str, name: &str) -> CallFault {
    CallFault::Guest(Fault::Invalid(vec![Problem::new(
        "documents",
        format!("{directory}/{name} is the name of another document"),
    )]))
}

/// Everything that one transaction writes about a failed event.
struct Record {
    item: Item,
    progress: Progress,
    journal: JournalRow,
    blobs: Vec<(Digest, String)>,
    letter: Option<DeadLetter>,
    parked: Option<ParkedEvent>,
    wakes: Option<String>,
}

impl Events {
    /// Parks an event whose call failed with `fault`, or makes it a dead letter.
    pub(super) async fn failed(
        &self,
        item: &Item,
        called: Option<(&PreparedCall, Usage)>,
        fault: &CallFault,
        progress: Progress,
    ) -> Result<HandlingOutcome, Error> {
        let now = self.core.clock.now();
        let previous = self.previous_code(item).await?;
        let next = self.next_try(item, fault, previous.as_deref(), now);
        let detail = detail(&fault.to_string());
        let (mut journal, blobs) = match called {
            Some((prepared, usage)) => attempt(item, prepared, usage, &self.core.settings, now),
            None => (not_called(item, now), Vec::new()),
        };
        journal.outcome = fault.code().to_owned();
        journal.detail = Some(detail.clone());
        let component = journal.component.clone();
        let parked = |state, wait| self.parked(item, state, wait, detail.clone(), now);
        let (letter, parked, settled) = match next {
            NextTry::After(wait) => {
                tracing::warn!(
                    event = %item.event.id, subscriber = %item.subscriber, store = %item.store_id,
                    attempt = item.attempts + 1, code = fault.code(), wait_ms = wait.as_millis(),
                    "not decided, tried again later: {detail}"
                );
                (
                    None,
                    Some(parked(ParkedState::Retry, wait)),
                    HandlingOutcome::Parked,
                )
            }
            NextTry::GiveUp => {
                tracing::error!(
                    event = %item.event.id, subscriber = %item.subscriber, store = %item.store_id,
                    attempt = item.attempts + 1, code = fault.code(),
                    "given up, now a dead letter: {detail}"
                );
                let letter = DeadLetter {
                    group: item.group.clone(),
                    subscriber: item.subscriber.clone(),
                    lane: item.lane.clone(),
                    event: item.event.clone(),
                    code: fault.code().to_owned(),
                    detail: detail.clone(),
                    attempts: item.attempts + 1,
                    component,
                    died_at: now,
                };
                let settled = given_up(item);
                let blocking = (settled == HandlingOutcome::Blocking)
                    .then(|| parked(ParkedState::Blocking, Duration::ZERO));
                (Some(letter), blocking, settled)
            }
        };
        let wakes = (settled == HandlingOutcome::Done)
            .then(|| waiting_for(item))
            .flatten();
        let record = Record {
            item: item.clone(),
            progress,
            journal,
            blobs,
            letter,
            parked,
            wakes,
        };
        let wakes = record.wakes.is_some();
        let written = self.write_record(record, now).await;
        let written = match called {
            Some((prepared, _)) => self.stored_settings(written, prepared, now),
            None => written,
        };
        if !written? {
            return Ok(HandlingOutcome::Done);
        }
        let attempted = match next {
            NextTry::After(_) => Attempted::Retried,
            NextTry::GiveUp => Attempted::Dead,
        };
        metrics::event(&item.group, attempted);
        if wakes {
            self.core.parked_woke.notify();
        }
        Ok(settled)
    }

    /// Parks an event until its cause takes effect, or makes it a dead letter after the limit.
    pub(super) async fn wait_for_cause(
        &self,
        item: &Item,
        on: &str,
        progress: Progress,
    ) -> Result<HandlingOutcome, Error> {
        let now = self.core.clock.now();
        let waited = now.duration_since(item.tried_since(now));
        let age = waited.unsigned_abs();
        let limit = self.policy.cause_within;
        let NextTry::After(wait) = retry::wait_for_cause(&self.policy.backoff, limit, age) else {
            let fault = CallFault::Guest(Fault::Invalid(vec![Problem::new(
                "cause",
                format!("{on} did not take effect within {waited:#}"),
            )]));
            return self.failed(item, None, &fault, progress).await;
        };
        let mut parked = self.parked(
            item,
            ParkedState::Waiting,
            wait,
            format!("waits for {on}"),
            now,
        );
        parked.attempts = item.attempts;
        parked.waits_for = Some(on.to_owned());
        metrics::event(&item.group, Attempted::Waiting);
        let item = Arc::new(item.clone());
        let payments: Arc<str> = self.policy.payment_group.as_str().into();
        let woken = self
            .core
            .records
            .write(in_tx!(|tx, item, parked, payments| {
                let mut parked = parked;
                // The cause may have taken effect since the check. Its transaction found nothing to
                // wake.
                if let Some(on) = &parked.waits_for {
                    prepare::take_turn(tx, on).await?;
                }
                let woken = !prepare::still_waits(tx, &item, &payments).await?;
                if woken {
                    parked.due_at = now;
                }
                tx.parked_put(&parked).await?;
                progress.store(tx, &parked.group).await?;
                Ok(woken)
            }))
            .await?;
        if woken {
            self.core.parked_woke.notify();
        }
        Ok(HandlingOutcome::Parked)
    }

    /// Parks an event behind parked events of its lane.
    pub async fn park_behind(&self, item: &Item, progress: Progress) -> Result<(), Error> {
        let now = self.core.clock.now();
        let mut parked = self.parked(
            item,
            ParkedState::Behind,
            Duration::ZERO,
            "waits for an earlier event of its key".into(),
            now,
        );
        parked.attempts = item.attempts;
        parked.since = item.parked_since(now);
        self.park(parked, progress, Renew::No).await
    }

    /// Parks an event of a busy store, so that its backlog does not fill the window of other
    /// stores.
    pub async fn park_aside(&self, item: &Item, progress: Progress) -> Result<(), Error> {
        let now = self.core.clock.now();
        let since = item.parked_since(now);
        let wait = retry::set_aside(now.duration_since(since).unsigned_abs());
        let cause = "set aside: its store has much to do".to_owned();
        let mut parked = self.parked(item, ParkedState::Retry, wait, cause, now);
        parked.attempts = item.attempts;
        parked.since = since;
        self.park(parked, progress, Renew::Yes).await
    }

    async fn park(
        &self,
        parked: ParkedEvent,
        progress: Progress,
        renew: Renew,
    ) -> Result<(), Error> {
        let subscriber = parked.subscriber.clone();
        self.core
            .records
            .write(in_tx!(|tx, parked, subscriber| {
                let id = &parked.event.id;
                // The event may have been settled elsewhere since it was read.
                let settled = tx.effect_get(id, &subscriber).await?.is_some();
                let known = renew == Renew::No && tx.parked_get(id, &subscriber).await?.is_some();
                if !settled && !known {
                    tx.parked_put(&parked).await?;
                }
                progress.store(tx, &parked.group).await
            }))
            .await
    }

    fn parked(
        &self,
        item: &Item,
        state: ParkedState,
        wait: Duration,
        cause: String,
        now: Timestamp,
    ) -> ParkedEvent {
        ParkedEvent {
            group: item.group.clone(),
            subscriber: item.subscriber.clone(),
            lane: item.lane.clone(),
            event: item.event.clone(),
            state,
            attempts: item.attempts + 1,
            due_at: later(now, wait),
            since: item.tried_since(now),
            waits_for: None,
            cause,
        }
    }

    /// The code of the fault that ended the previous attempt at `item`, from the journal.
    async fn previous_code(&self, item: &Item) -> Result<Option<String>, Error> {
        if item.attempts == 0 {
            return Ok(None);
        }
        let event = item.event.id.clone();
        let journal = self
            .core
            .records
            .read(in_tx!(|tx, event| tx.journal_list_by_event(&event).await))
            .await?;
        let mut attempts = journal.into_iter().rev();
        let previous = attempts.find(|row| row.subscriber == item.subscriber);
        Ok(previous.map(|row| row.outcome))
    }

    /// The next step after a failed attempt at `item`.
    fn next_try(
        &self,
        item: &Item,
        fault: &CallFault,
        previous: Option<&str>,
        now: Timestamp,
    ) -> NextTry {
        let max_age = item.plugin.as_ref().map(|plugin| plugin.slot.retry_for_s);
        let policy = RetryPolicy {
            backoff: self.policy.backoff,
            tries: tries(&self.groups(), item),
            max_age: Some(Duration::from_secs(max_age.unwrap_or_default())),
        };
        let failed = FailedTry {
            id: &item.event.id,
            failures: item.attempts + 1,
            age: now.duration_since(item.tried_since(now)).unsigned_abs(),
            previous,
        };
        policy.after(fault, failed)
    }

    /// Returns false if the event took effect meanwhile.
    async fn write_record(&self, record: Record, now: Timestamp) -> Result<bool, Error> {
        let record = Arc::new(record);
        self.core
            .records
            .write(in_tx!(|tx, record| write(tx, &record, now).await))
            .await
    }
}

async fn write(tx: &mut dyn Tx, record: &Record, now: Timestamp) -> Result<bool, Error> {
    let Record {
        item,
        progress,
        journal,
        blobs,
        letter,
        parked,
        wakes,
    } = record;
    let (event, subscriber) = (&item.event.id, &item.subscriber);
    if let Some(wakes) = wakes {
        prepare::take_turn(tx, wakes).await?;
    }
    // Another host may have applied it, or this attempt whose response was lost.
    if tx.effect_get(event, subscriber).await?.is_some() {
        tx.parked_remove(event, subscriber).await?;
        progress.store(tx, &item.group).await?;
        return Ok(false);
    }
    put_texts(tx, blobs, now).await?;
    tx.journal_insert(journal).await?;
    if let Some(letter) = letter {
        tx.dead_letter_put(letter).await?;
    }
    match parked {
        Some(parked) => tx.parked_put(parked).await?,
        None => tx.parked_remove(event, subscriber).await?,
    }
    if let Some(wakes) = wakes {
        tx.parked_wake(wakes, subscriber, now).await?;
    }
    progress.store(tx, &item.group).await?;
    Ok(true)
}

/// The key to wake when no subscriber has to decide about a payment any more.
pub(super) fn waiting_for(item: &Item) -> Option<String> {
    (point_of(&item.event) == Some(Point::OnPayment))
        .then(|| item.event.text("order_id").map(paid))
        .flatten()
}

/// The outcome of an event that is already a dead letter.
pub(super) fn given_up(item: &Item) -> HandlingOutcome {
    if holds(item) {
        HandlingOutcome::Blocking
    } else {
        HandlingOutcome::Done
    }
}

fn holds(item: &Item) -> bool {
    match &item.plugin {
        Some(plugin) => plugin.slot.on_dead_letter == OnDeadLetter::Hold,
        // An event without a store affects no store.
        None => item.subscriber != HOST,
    }
}

fn tries(groups: &[Group], item: &Item) -> u32 {
    let named = groups.iter().flat_map(|group| &group.tries);
    named
        .filter(|(topic, _)| *topic == item.event.topic)
        .map(|(_, tries)| *tries)
        .next()
        .unwrap_or(1)
}

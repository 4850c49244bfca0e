//! What the checks of a decision accept, both databases apply; of all else they write nothing but the fault.
//!
//! 20,000 answers of a plugin are drawn, many of them near a limit. They take the path of events: an attempt reads
//! the event's record, the plugin answers, and its answer is applied, tried again, or becomes a dead letter. To be
//! quick, the items of 16 accepted decisions are the answer to one event; if they cannot be applied, each decision
//! is applied alone. Of the refused decisions and the faults, one in eight is handled.

mod draw;

use crate::rows;
use crate::stage::Stage;
use draw::{Answer, Draw};
use futures_util::future::join_all;
use galleria_app::events::{HandlingOutcome, Item, Progress};
use galleria_app::{App, Policy};
use galleria_domain::event::topic;
use galleria_domain::guest_values::{check_decision, size_of_decision, size_of_fault};
use galleria_domain::plugin::{Inspection, Limits, OnDeadLetter, Point, Rights, Slot, StoreFilter};
use galleria_domain::trace::Origin;
use galleria_domain::{
    CallFault, Context, Decision, Digest, Event, Fault, HostFault, Member, Totals,
};
use galleria_ports::Error;
use galleria_ports::clock::SystemClock;
use galleria_ports::plugins::{
    Argument, CallOutcome, LoadedPlugin, Plugins, Stream, Streams, Usage,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

on_both!(drawn_decisions_are_applied_or_write_nothing);

const ANSWERS: usize = 20_000;

/// Accepted decisions in one event.
const TOGETHER: usize = 16;

/// Of this number of refused decisions and faults, one is handled.
const REFUSED: usize = 8;

/// Events that are handled at the same time, so that SQLite commits them in groups.
const CONCURRENT: usize = 32;

/// Small counts, so that a decision at the limit is cheap to apply.
const LIMITS: Limits = Limits {
    items: 6,
    attributes: 8,
    output_bytes: 40 << 10,
    ..Limits::CALL
};

/// The outcome of a call, after the checks of the engine.
type Outcome = Result<Decision, CallFault>;

/// A plugin with an outcome for each event.
struct Guest {
    loaded: LoadedPlugin,
    outcomes: Mutex<HashMap<String, Outcome>>,
}

impl Guest {
    fn new() -> Self {
        let slot = Slot {
            retailer: "example".into(),
            name: "papers".into(),
            plugin: "drawn".into(),
            component: "drawn.wasm".into(),
            file: "retailer.toml".into(),
            asks: Rights::default(),
            grants: Rights::default(),
            filter: StoreFilter::default(),
            settings: "{}".into(),
            settings_for: vec![],
            call_limits: LIMITS,
            run_limits: LIMITS,
            keys: BTreeMap::new(),
            counters: BTreeMap::new(),
            on_dead_letter: OnDeadLetter::Hold,
            retry_for_s: 3_600,
            schedules: Vec::new(),
            shared_directories: BTreeSet::new(),
        };
        let inspection = Inspection {
            digest: Digest::of(b"drawn"),
            size: 0,
            exports: [Point::OnShiftEnd].into(),
            imports: [].into(),
            wasi: vec![],
            stamp: None,
        };
        Self {
            loaded: LoadedPlugin {
                slot: Arc::new(slot),
                inspection: Arc::new(inspection),
                handle: Arc::new(()),
            },
            outcomes: Mutex::default(),
        }
    }
}

impl Plugins for Guest {
    fn all(&self) -> Vec<LoadedPlugin> {
        vec![self.loaded.clone()]
    }

    fn react(&self, _: &LoadedPlugin, cx: &Context, _: &Argument) -> CallOutcome<Decision> {
        let outcome = self.outcomes.lock().expect("outcomes").remove(&cx.event_id);
        CallOutcome {
            outcome: outcome.expect("one call of each event"),
            usage: Usage::default(),
        }
    }

    fn identify(&self, _: &LoadedPlugin, _: &Context, _: &str) -> CallOutcome<Option<Member>> {
        unreachable!("no test identifies a member")
    }

    fn run(&self, _: &LoadedPlugin, _: &Context, _: &Stream, _: Streams) -> CallOutcome<Totals> {
        unreachable!("no test runs a report")
    }
}

/// The checks of the engine.
fn checked(answer: Answer, rights: &Rights) -> Outcome {
    let (size, checked) = match answer {
        Answer::Decision(decision) => {
            let size = size_of_decision(&decision);
            let checked = check_decision(decision, &LIMITS, Some(rights));
            (size, checked.map_err(CallFault::Host))
        }
        Answer::Fault(fault) => (size_of_fault(&fault), Err(CallFault::Guest(fault))),
    };
    match size <= LIMITS.output_bytes {
        true => checked,
        false => Err(CallFault::Host(HostFault::OutputTooLarge(
            LIMITS.output_bytes,
        ))),
    }
}

/// The rights that most drawn decisions need.
fn rights() -> Rights {
    Rights {
        directories: ["poslog".to_owned()].into(),
        topics: ["sales".to_owned()].into(),
        targets: ["erp".to_owned()].into(),
        receipts: true,
        ..Rights::default()
    }
}

fn item(plugin: &LoadedPlugin, event: &str) -> Item {
    Item {
        group: "g".into(),
        event: Event {
            position: 1,
            id: event.into(),
            topic: topic::POST_SHIFT_END_SUCCESS.into(),
            key: Some("w1".into()),
            store: Some("s1".into()),
            data: json!({ "shift_id": "shift" }),
            server_timestamp: 0,
            origin: Origin::default(),
        },
        subscriber: "papers".into(),
        plugin: Some(plugin.clone()),
        lane: format!("s1/{event}"),
        store_id: "s1".into(),
        attempts: 0,
        parked: None,
        since: None,
        awaited_retailer: false,
    }
}

/// What the database must contain afterwards, one text for each row.
#[derive(Debug, Default, PartialEq)]
struct Rows {
    effects: BTreeSet<String>,
    documents: BTreeSet<String>,
    publications: BTreeMap<String, (Option<String>, Value)>,
    requests: usize,
    receipts: usize,
    /// Event, code and detail of faults.
    dead_letters: usize,
    parked: usize,
}

impl Rows {
    fn expect(&mut self, event: &str, decision: &Decision) {
        self.effects.insert(event.to_owned());
        for document in &decision.documents {
            let size = document.body.len();
            let (name, media_type) = (&document.name, &document.media_type);
            self.documents
                .insert(format!("{event} {name} {media_type} {size}"));
        }
        for (index, published) in decision.publications.iter().enumerate() {
            let data = serde_json::from_str(published.data.as_str()).expect("checked JSON");
            let row = (published.key.clone(), data);
            self.publications
                .insert(format!("{event}/papers/{index}"), row);
        }
        self.requests += decision.requests.len();
        self.receipts += decision.receipts.len();
    }

    async fn stored(stage: &Stage) -> Self {
        let texts = async |query| stage.rows(query).await;
        let count = async |query| usize::try_from(stage.rows(query).await[0].1).expect("a count");
        let documents =
            texts("SELECT event_id || ' ' || name || ' ' || media_type, size FROM documents");
        let keys = texts(
            "SELECT id || ' ' || event_key, position FROM outbox WHERE event_key IS NOT NULL",
        );
        let keys: HashMap<String, String> = keys
            .await
            .into_iter()
            .map(|(row, _)| row.split_once(' ').map(|(id, key)| (id.into(), key.into())))
            .collect::<Option<_>>()
            .expect("an id and a key");
        let publications = texts("SELECT id || ' ' || data, position FROM outbox").await;
        Self {
            effects: texts("SELECT event_id, at_ms FROM effects")
                .await
                .into_iter()
                .map(|(event, _)| event)
                .collect(),
            documents: documents
                .await
                .into_iter()
                .map(|(row, size)| format!("{row} {size}"))
                .collect(),
            publications: publications
                .iter()
                .map(|(row, _)| {
                    let (id, data) = row.split_once(' ').expect("an id and JSON");
                    let data = serde_json::from_str(data).expect("stored JSON");
                    (id.to_owned(), (keys.get(id).cloned(), data))
                })
                .collect(),
            requests: count("SELECT '', COUNT(*) FROM requests").await,
            receipts: count("SELECT '', COUNT(*) FROM receipts").await,
            dead_letters: count("SELECT '', COUNT(*) FROM dead_letters").await,
            parked: count("SELECT '', COUNT(*) FROM parked WHERE state = 'retry'").await,
        }
    }
}

/// Whether the message names an item of the decision, such as `decision.documents.3.name`.
fn names_an_item(message: &str, decision: &Decision<String>) -> bool {
    let denied = ["directory", "topic", "target"];
    if denied
        .iter()
        .any(|what| message.starts_with(&format!("denied: {what} \"")))
    {
        return true;
    }
    let Some(rest) = message.strip_prefix("contract broken: decision") else {
        return false;
    };
    let (place, _) = rest.split_once(':').expect("a place");
    let mut steps = place.split('.').skip(1);
    let (Some(list), index) = (steps.next(), steps.next()) else {
        // Counts belong to the decision itself.
        return place.is_empty();
    };
    let length = match list {
        "documents" => decision.documents.len(),
        "publications" => decision.publications.len(),
        "requests" => decision.requests.len(),
        "receipts" => decision.receipts.len(),
        "notes" => decision.notes.len(),
        _ => return false,
    };
    index.is_some_and(|index| index.parse::<usize>().is_ok_and(|index| index < length))
}

/// An application with the plugin.
struct Host {
    app: App,
    guest: Arc<Guest>,
}

impl Host {
    async fn new(stage: &Stage) -> Self {
        let store = rows::store("s1", "example");
        let mut shift = rows::shift("shift", "s1");
        shift.closed = Some(rows::closed("shift"));
        shift.closed_at = Some(rows::at(18));
        write_tx!(stage, [store, shift], |tx| {
            tx.store_put(&store).await?;
            tx.shift_insert(&shift).await?;
            tx.shift_update(&shift).await
        })
        .expect("a shift");
        let guest = Arc::new(Guest::new());
        let app = App::new(
            Arc::new(stage.db.clone()),
            Arc::clone(&guest) as _,
            Arc::new(SystemClock),
            Policy::default(),
        );
        Self { app, guest }
    }

    /// Handles an event whose call has this outcome.
    async fn handle(&self, event: &str, outcome: Outcome) -> Result<HandlingOutcome, Error> {
        let outcomes = &self.guest.outcomes;
        outcomes
            .lock()
            .expect("outcomes")
            .insert(event.to_owned(), outcome);
        let item = item(&self.guest.loaded, event);
        let handled = self.app.events.handle(&item, Progress::default()).await;
        handled.map(|handled| handled.outcome)
    }

    /// Applies accepted decisions in one event.
    async fn apply(&self, event: &str, decisions: Vec<Decision>) {
        let handled = self.handle(event, Ok(together(&decisions))).await;
        if matches!(handled, Ok(HandlingOutcome::Done)) {
            return;
        }
        for (index, decision) in decisions.into_iter().enumerate() {
            let alone = self
                .handle(&format!("{event}-{index}"), Ok(decision.clone()))
                .await;
            assert!(
                matches!(alone, Ok(HandlingOutcome::Done)),
                "{alone:?}: {decision:?}"
            );
        }
        panic!("{event}: {handled:?}, but each decision alone is applied");
    }

    /// Handles an event whose answer was refused or is a fault.
    async fn refuse(&self, event: &str, fault: CallFault) {
        let handled = self.handle(event, Err(fault.clone())).await;
        let handled = handled.unwrap_or_else(|error| panic!("{error:?}: {fault:?}"));
        assert_eq!(handled, outcome_of(&fault), "{fault:?}");
    }
}

/// The items of all decisions.
fn together(decisions: &[Decision]) -> Decision {
    let mut all = Decision::default();
    for decision in decisions.iter().cloned() {
        all.documents.extend(decision.documents);
        all.publications.extend(decision.publications);
        all.requests.extend(decision.requests);
        all.receipts.extend(decision.receipts);
        all.notes.extend(decision.notes);
    }
    all
}

fn outcome_of(fault: &CallFault) -> HandlingOutcome {
    match fault {
        CallFault::Guest(Fault::Retry(_) | Fault::Failed(_))
        | CallFault::Host(HostFault::OutputTooLarge(_)) => HandlingOutcome::Parked,
        _ => HandlingOutcome::Blocking,
    }
}

/// What was drawn: the decisions that the checks accepted, and the faults.
fn drawn() -> (Vec<Decision>, Vec<CallFault>) {
    let (mut draw, rights) = (Draw::new(13, LIMITS), rights());
    let (mut accepted, mut faults, mut refused) = (Vec::new(), Vec::new(), 0);
    for number in 0..ANSWERS {
        let answer = draw.answer(number);
        match (checked(answer.clone(), &rights), answer) {
            (Ok(decision), _) => accepted.push(decision),
            (Err(fault), Answer::Decision(drawn)) => {
                let message = fault.to_string();
                let named = fault.code() == "output_too_large" || names_an_item(&message, &drawn);
                assert!(named, "{number}: {message}: {drawn:?}");
                faults.push(fault);
                refused += 1;
            }
            (Err(fault), Answer::Fault(_)) => faults.push(fault),
        }
    }
    assert!(accepted.len() > ANSWERS / 4, "{} accepted", accepted.len());
    assert!(refused > ANSWERS / 4, "{refused} refused");
    (accepted, faults)
}

async fn drawn_decisions_are_applied_or_write_nothing(stage: &Stage) {
    let host = Host::new(stage).await;
    let (accepted, faults) = drawn();
    let mut expected = Rows::default();
    let applied = accepted.chunks(TOGETHER).enumerate();
    let applied: Vec<_> = applied
        .map(|(number, decisions)| (format!("applied:{number}"), decisions.to_vec()))
        .collect();
    for events in applied.chunks(CONCURRENT) {
        let events = events.iter().cloned();
        join_all(events.map(|(event, decisions)| {
            expected.expect(&event, &together(&decisions));
            let host = &host;
            async move { host.apply(&event, decisions).await }
        }))
        .await;
    }
    let refused: Vec<_> = faults.into_iter().step_by(REFUSED).enumerate().collect();
    for faults in refused.chunks(CONCURRENT) {
        join_all(faults.iter().map(|(number, fault)| {
            match outcome_of(fault) {
                HandlingOutcome::Parked => expected.parked += 1,
                _ => expected.dead_letters += 1,
            }
            let host = &host;
            async move {
                host.refuse(&format!("refused:{number}"), fault.clone())
                    .await
            }
        }))
        .await;
    }
    let stored = Rows::stored(stage).await;
    for (id, row) in &expected.publications {
        assert_eq!(stored.publications.get(id), Some(row), "{id}");
    }
    assert_eq!(stored, expected);
}

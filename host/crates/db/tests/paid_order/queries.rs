//! Counts the queries of this process by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, Once};
use tracing::field::{Field, Visit};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

const TARGET: &str = "galleria_db::query";

static COUNTS: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// Begins to count.
pub fn begin() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let only = Targets::new().with_target(TARGET, LevelFilter::TRACE);
        tracing_subscriber::registry()
            .with(Queries.with_filter(only))
            .init();
    });
}

/// The counts so far.
pub fn counts() -> BTreeMap<String, usize> {
    COUNTS.lock().expect("counts").clone()
}

struct Queries;

impl<S: tracing::Subscriber> Layer<S> for Queries {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut Name);
    }
}

struct Name;

impl Visit for Name {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "name" {
            let mut counts = COUNTS.lock().expect("counts");
            *counts.entry(value.to_owned()).or_default() += 1;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

//! Records what a process has loaded if it differs from the last record: changed grants, components and settings.

use crate::newest::{ACTION, RETAILERS, latest, slots, subject};
use crate::operations::Operations;
use crate::reloads::Loaded;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::LoadState;
use galleria_ports::records::{OperationRow, Tx};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;

/// The recorded retailers.
#[derive(Default, Deserialize)]
struct Recorded {
    retailers: BTreeSet<String>,
}

/// A process and the time of its records.
#[derive(Clone)]
struct Recorder {
    host: String,
    now: Timestamp,
}

impl Operations {
    /// Records the retailers of a process that starts, if they differ from the last record.
    pub async fn record_retailers(&self, host: &str) -> Result<(), Error> {
        let (recorder, names) = (self.recorder(host), self.core.plugins.retailers());
        let write = self.core.records.write(in_tx!(|tx, recorder, names| {
            tx.operation_lock(RETAILERS).await?;
            let state = json!({ RETAILERS: names }).to_string();
            recorder.record(tx, RETAILERS, state).await.map(drop)
        }));
        write.await
    }

    /// Records each loaded retailer whose slots changed in the operations log: components, grants and digests of
    /// settings, before and after. `host` is the actor. Returns the subjects of the changes.
    ///
    /// Each process records only what it has just loaded. So one change is one record, although other processes may
    /// still serve with the previous configuration.
    pub async fn record_loaded_plugins(
        &self,
        host: &str,
        loaded: &[Loaded],
    ) -> Result<Vec<String>, Error> {
        let serving = loaded
            .iter()
            .filter(|loaded| loaded.load.state == LoadState::Serving);
        let serving = serving.map(|loaded| {
            let name = loaded.load.retailer.clone();
            let state = slots(&*self.core.plugins, &name).to_string();
            (name, loaded.generation, state)
        });
        let mut serving: Vec<(String, i64, String)> = serving.collect();
        // A common order, so that two processes never deadlock.
        serving.sort_unstable();
        let recorder = self.recorder(host);
        let changed = self.core.records.write(in_tx!(|tx, recorder, serving| {
            let mut changed = Vec::new();
            if recorder.add(tx, &serving).await? {
                changed.push(RETAILERS.to_owned());
            }
            for (retailer, generation, state) in serving {
                let subject = subject(&retailer);
                tx.operation_lock(&subject).await?;
                let loads = tx.load_list(Some(&retailer)).await?;
                // Another process has loaded a later state of the files.
                let is_old = loads
                    .iter()
                    .any(|row| row.generation > generation && row.load.state == LoadState::Serving);
                if !is_old && recorder.record(tx, &subject, state).await? {
                    changed.push(subject);
                }
            }
            Ok(changed)
        }));
        changed.await
    }

    fn recorder(&self, host: &str) -> Recorder {
        Recorder {
            host: host.to_owned(),
            now: self.core.clock.now(),
        }
    }
}

impl Recorder {
    /// Adds new retailers to the recorded ones. Returns whether there were any.
    async fn add(&self, tx: &mut dyn Tx, loaded: &[(String, i64, String)]) -> Result<bool, Error> {
        tx.operation_lock(RETAILERS).await?;
        let mut recorded: Recorded = match latest(tx, RETAILERS).await? {
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                Error::Internal(format!("invalid record of {ACTION} {RETAILERS}: {error}"))
            })?,
            None => Recorded::default(),
        };
        let names = loaded.iter().map(|(retailer, ..)| retailer.clone());
        recorded.retailers.extend(names);
        let state = json!({ RETAILERS: recorded.retailers }).to_string();
        self.record(tx, RETAILERS, state).await
    }

    /// Records a state that differs from the last record. Returns whether it differs.
    async fn record(&self, tx: &mut dyn Tx, subject: &str, after: String) -> Result<bool, Error> {
        let before = latest(tx, subject).await?;
        if before.as_ref() == Some(&after) {
            return Ok(false);
        }
        tx.operation_insert(&OperationRow {
            at: self.now,
            actor: format!("host {}", self.host),
            action: ACTION.into(),
            subject: subject.to_owned(),
            reason: "the host loaded it".into(),
            before: before.unwrap_or_else(|| "null".into()),
            after,
        })
        .await?;
        Ok(true)
    }
}

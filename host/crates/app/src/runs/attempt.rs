//! A run whose plugin is about to be called, and the outcomes of an attempt.

use galleria_domain::plugin::Point;
use galleria_domain::{CallFault, Context, HostFault, Scope, Store, Window};
use galleria_ports::Error;
use galleria_ports::files::FolderOf;
use galleria_ports::plugins::{LoadedPlugin, Stream};
use galleria_ports::records::{RunRow, RunState};
use jiff::{Timestamp, tz::TimeZone};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A run with everything that is known before the plugin is called.
pub(super) struct Run {
    pub row: RunRow,
    pub plugin: LoadedPlugin,
    pub store: Option<Store>,
    /// The ids of the stores that the slot serves. `None` means all.
    pub covered: Option<Arc<BTreeSet<String>>>,
    pub as_of: Timestamp,
}

/// The outcome of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Attempt {
    /// It succeeded, and its files are recorded.
    Ended,
    /// It failed. The state shows whether the run is retried.
    Failed(CallFault, RunState),
    /// It was stopped. Nothing of it was stored.
    Stopped,
    /// Its retailer is out of service. It is due again later, without an attempt.
    Postponed,
    /// Another host has the lease now. Nothing of this attempt was stored.
    Lost,
}

pub(super) fn host_failed(error: &Error) -> CallFault {
    CallFault::Host(HostFault::HostFailed(error.chain()))
}

impl Run {
    /// An instant in the format of the contract. A run over all stores uses UTC.
    fn text(&self, at: Timestamp) -> String {
        match &self.store {
            Some(store) => store.local_text(at),
            None => at
                .to_zoned_datetime(TimeZone::UTC)
                .strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00")
                .to_string(),
        }
    }

    /// The context of the call. It does not contain the attempt, because a repeated run must write
    /// the same bytes.
    pub(super) fn context(&self) -> Context {
        let slot = &self.plugin.slot;
        let (scope, settings) = match &self.store {
            Some(store) => (Scope::Store(store.clone()), slot.settings_of(store)),
            None => (
                Scope::Retailer(self.row.retailer.clone()),
                slot.settings.as_str(),
            ),
        };
        Context {
            event_id: format!("run:{}", self.row.id),
            attempt: 1,
            occurred_at: self.text(self.as_of),
            business_date: self.row.last.clone(),
            scope,
            settings: settings.to_owned(),
            counters: Vec::new(),
            prior: Vec::new(),
        }
    }

    pub(super) fn folder_of(&self) -> FolderOf {
        let (slot, store) = (Arc::clone(&self.plugin.slot), self.row.store_id.clone());
        Box::new(move |directory| slot.folder(directory, &store).to_owned())
    }

    pub(super) fn window(&self) -> Window {
        Window {
            id: self.row.id.clone(),
            first: self.row.first.clone(),
            last: self.row.last.clone(),
            as_of: self.text(self.as_of),
            stores: self.row.stores,
        }
    }

    pub(super) fn stream(&self) -> Stream {
        match self.row.point {
            Point::WriteSettlement => Stream::Settlement(self.window()),
            Point::ExportCatalogue => Stream::Catalogue(self.window()),
            _ => Stream::Report(self.window()),
        }
    }
}

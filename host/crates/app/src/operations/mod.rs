//! What operators see: status, queues, plugins and their faults, the operations log and timelines.

mod loaded;
mod log;
mod metrics;
mod plugins;
mod queued;
mod status;
mod timeline;

pub use crate::rights::RightsView;
pub use log::{ACTIONS, OperationPage, OperationView};
pub use plugins::{FaultView, FaultsView, LimitsView, PluginPage, PluginView};
pub use queued::{QueuedQuery, ReceiptFile, ReceiptPage, ReceiptView, RequestPage, RequestView};
pub use status::{DocumentCounts, GroupStatus, RejectedEvent, StatusView, StoreStatus};
pub use timeline::{AboutView, TimelineEntry, TimelineView};

use crate::core::Core;
use crate::events::EventPolicy;
use galleria_ports::files::PickupFiles;
use galleria_ports::tax::{TaxUpstream, TaxUpstreams};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What operators see of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationsPolicy {
    /// The paths of the directories of documents, by name.
    pub directories: BTreeMap<String, PathBuf>,
}

/// Shows status, queues, plugins, the operations log and timelines, and reads the gauges. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    core: Core,
    policy: Arc<OperationsPolicy>,
    events: Arc<EventPolicy>,
    /// Only in a process that has their directories.
    pickups: Option<Arc<dyn PickupFiles>>,
    tax_upstreams: Option<Arc<dyn TaxUpstreams>>,
}

impl Operations {
    pub(crate) fn new(core: Core, policy: OperationsPolicy, events: Arc<EventPolicy>) -> Self {
        Self {
            core,
            policy: Arc::new(policy),
            events,
            pickups: None,
            tax_upstreams: None,
        }
    }

    pub(crate) fn with_pickups(self, pickups: Arc<dyn PickupFiles>) -> Self {
        Self {
            pickups: Some(pickups),
            ..self
        }
    }

    pub(crate) fn with_tax_upstreams(self, upstreams: Arc<dyn TaxUpstreams>) -> Self {
        Self {
            tax_upstreams: Some(upstreams),
            ..self
        }
    }

    /// The tax services that this process calls.
    fn tax_services(&self) -> Vec<TaxUpstream> {
        let upstreams = self.tax_upstreams.as_ref();
        upstreams.map_or_else(Vec::new, |upstreams| upstreams.upstreams())
    }
}

//! The services of a process, built over the same ports.

use crate::access::Access;
use crate::catalogue::Catalogue;
use crate::core::Core;
use crate::documents::Documents;
use crate::events::{EventPolicy, Events};
use crate::fiscal::{Fiscal, FiscalPolicy};
use crate::members::{MemberPolicy, Members};
use crate::operations::{Operations, OperationsPolicy};
use crate::orders::Orders;
use crate::reloads::Reloads;
use crate::runs::{RunPolicy, Runs};
use crate::sensitive::DigestKey;
use crate::settlement::Settlement;
use crate::stores::Stores;
use crate::tax::{TaxPolicy, Taxes};
use galleria_ports::clock::Clock;
use galleria_ports::files::{DocumentReader, PickupFiles};
use galleria_ports::plugins::Plugins;
use galleria_ports::records::Records;
use galleria_ports::tax::TaxUpstreams;
use galleria_ports::vault::Vault;
use std::sync::Arc;

/// The policies of all services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How events are consumed, retried and relayed.
    pub events: EventPolicy,
    /// How failed runs are retried.
    pub runs: RunPolicy,
    /// How members are identified.
    pub members: MemberPolicy,
    /// How long early fiscal marks are kept.
    pub fiscal: FiscalPolicy,
    /// What operators see of the configuration.
    pub operations: OperationsPolicy,
    /// How taxes are evaluated.
    pub tax: TaxPolicy,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            events: EventPolicy::default(),
            runs: RunPolicy::default(),
            members: MemberPolicy::with(DigestKey::random()),
            fiscal: FiscalPolicy::default(),
            operations: OperationsPolicy::default(),
            tax: TaxPolicy::default(),
        }
    }
}

/// The services. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// What all services share.
    pub core: Core,
    /// Orders, payments, refunds, voids, verifications, shifts and movements.
    pub orders: Orders,
    /// Events: routing, handling, retries, dead letters, journal, relay.
    pub events: Events,
    /// Identifies members.
    pub members: Members,
    /// Runs of stream plugins.
    pub runs: Runs,
    /// Settlement statements and matching.
    pub settlement: Settlement,
    /// Products and prices.
    pub catalogue: Catalogue,
    /// Stores.
    pub stores: Stores,
    /// Fiscal records and marks.
    pub fiscal: Fiscal,
    /// Evaluates taxes.
    pub taxes: Taxes,
    /// API keys and reach.
    pub access: Access,
    /// Documents.
    pub documents: Documents,
    /// Loads retailers again, in all processes.
    pub reloads: Reloads,
    /// Status, queues, plugins, operations log, timeline and gauges.
    pub operations: Operations,
}

impl App {
    /// Builds the services over these ports.
    pub fn new(
        records: Arc<dyn Records>,
        plugins: Arc<dyn Plugins>,
        clock: Arc<dyn Clock>,
        policy: Policy,
    ) -> Self {
        let Policy {
            events,
            runs,
            members,
            fiscal,
            operations,
            tax,
        } = policy;
        let core = Core::new(records, plugins, clock);
        let events = Arc::new(events);
        let taxes = Taxes::new(core.clone(), tax);
        Self {
            orders: Orders::new(core.clone(), fiscal, taxes.clone()),
            events: Events::new(core.clone(), Arc::clone(&events)),
            members: Members::new(core.clone(), members),
            runs: Runs::new(core.clone(), runs),
            settlement: Settlement::new(core.clone()),
            catalogue: Catalogue::new(core.clone()),
            stores: Stores::new(core.clone()),
            fiscal: Fiscal::new(core.clone()),
            taxes,
            access: Access::new(core.clone()),
            documents: Documents::new(core.clone()),
            reloads: Reloads::new(core.clone()),
            operations: Operations::new(core.clone(), operations, events),
            core,
        }
    }

    /// Adds the vault for settlement statements.
    #[must_use]
    pub fn with_vault(self, vault: Arc<dyn Vault>) -> Self {
        Self {
            settlement: self.settlement.with_vault(vault),
            ..self
        }
    }

    /// Adds the directories from which statements are picked up.
    #[must_use]
    pub fn with_pickups(self, pickups: Arc<dyn PickupFiles>) -> Self {
        Self {
            operations: self.operations.with_pickups(pickups),
            ..self
        }
    }

    /// Adds the directories of delivered documents.
    #[must_use]
    pub fn with_document_reader(self, reader: Arc<dyn DocumentReader>) -> Self {
        Self {
            documents: self.documents.with_reader(reader),
            ..self
        }
    }

    /// Adds the tax services that this host can call.
    #[must_use]
    pub fn with_tax_upstreams(self, upstreams: Arc<dyn TaxUpstreams>) -> Self {
        let taxes = self.taxes.with_upstreams(Arc::clone(&upstreams));
        Self {
            orders: self.orders.with_taxes(taxes.clone()),
            taxes,
            operations: self.operations.with_tax_upstreams(upstreams),
            ..self
        }
    }
}

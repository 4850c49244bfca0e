//! The routes, one file per resource.

mod dead_letters;
mod docs;
mod documents;
mod events;
mod fiscal;
mod health;
mod members;
pub(crate) mod metrics;
mod movements;
mod operations;
mod orders;
mod outgoing;
mod parked;
mod payments;
mod plugins;
mod products;
mod refunds;
mod retailers;
mod runs;
mod shifts;
mod statement_lines;
mod statement_rereads;
mod statements;
mod status;
mod stores;
mod tax_comparisons;
mod tax_evaluations;
mod tax_move;
mod tax_settings;
mod tax_tables;
mod timeline;
mod verifications;
mod voids;

use crate::endpoint::Routes;

/// Every route except the OpenAPI document itself, which lists them in this order.
pub(crate) fn all() -> Routes {
    Routes::new()
        .merge(stores::routes())
        .merge(members::routes())
        .merge(products::routes())
        .merge(taxes())
        .merge(tax_evaluations::list_routes())
        .merge(orders::routes())
        .merge(payments::routes())
        .merge(refunds::routes())
        .merge(voids::routes())
        .merge(verifications::routes())
        .merge(shifts::routes())
        .merge(documents::routes())
        .merge(movements::routes())
        .merge(fiscal::routes())
        .merge(tax_settings::routes())
        .merge(runs::routes())
        .merge(events::routes())
        .merge(dead_letters::routes())
        .merge(parked::routes())
        .merge(outgoing::routes())
        .merge(plugins::routes())
        .merge(retailers::routes())
        .merge(operations::routes())
        .merge(timeline::routes())
        .merge(tax_comparisons::routes())
        .merge(tax_move::routes())
        .merge(statements::routes())
        .merge(statement_lines::routes())
        .merge(statement_rereads::routes())
        .merge(status::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(docs::routes())
}

/// The routes of a tax service, which have a listener of their own.
fn taxes() -> Routes {
    Routes::new()
        .merge(tax_evaluations::routes())
        .merge(tax_tables::routes())
}

/// The tax service, probes, and nothing else.
pub(crate) fn tax_service() -> Routes {
    taxes().merge(health::routes())
}

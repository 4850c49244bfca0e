//! `settlement`: statement lines with the result of matching, as columns.

use super::columns::{push, texts};
use super::feed;
use crate::bindings::settlement::{Batch, Host};
use crate::call::Call;
use galleria_domain::plugin::Capability;
use galleria_ports::plugins::SettlementRow;

impl Host for Call {
    fn next(&mut self, max: u32) -> wasmtime::Result<Batch> {
        let feed = &mut self.streams.settlement;
        let rows = feed::next(feed, &mut self.meter, Capability::Settlement, max)?;
        Ok(columns(&rows))
    }
}

fn empty(rows: usize) -> Batch {
    Batch {
        outcome: texts(rows),
        kind: texts(rows),
        provider: texts(rows),
        account: texts(rows),
        statement: texts(rows),
        paid_on: texts(rows),
        store: texts(rows),
        business_date: texts(rows),
        entry: texts(rows),
        psp_reference: texts(rows),
        merchant_reference: texts(rows),
        booked_at: texts(rows),
        currency: texts(rows),
        gross: Vec::with_capacity(rows),
        paid_currency: texts(rows),
        converted: Vec::with_capacity(rows),
        fee: Vec::with_capacity(rows),
        net: Vec::with_capacity(rows),
        difference: Vec::with_capacity(rows),
    }
}

/// Fills all columns in one loop over the rows.
fn columns(rows: &[SettlementRow]) -> Batch {
    let mut batch = empty(rows.len());
    for row in rows {
        let SettlementRow {
            outcome,
            kind,
            provider,
            account,
            statement,
            paid_on,
            store,
            business_date,
            entry,
            psp_reference,
            merchant_reference,
            booked_at,
            currency,
            gross,
            paid_currency,
            converted,
            fee,
            net,
            difference,
        } = row;
        push(&mut batch.outcome, outcome);
        push(&mut batch.kind, kind);
        push(&mut batch.provider, provider);
        push(&mut batch.account, account);
        push(&mut batch.statement, statement);
        push(&mut batch.paid_on, paid_on);
        push(&mut batch.store, store);
        push(&mut batch.business_date, business_date);
        push(&mut batch.entry, entry);
        push(&mut batch.psp_reference, psp_reference);
        push(&mut batch.merchant_reference, merchant_reference);
        push(&mut batch.booked_at, booked_at);
        push(&mut batch.currency, currency);
        batch.gross.push(*gross);
        push(&mut batch.paid_currency, paid_currency);
        batch.converted.push(*converted);
        batch.fee.push(*fee);
        batch.net.push(*net);
        batch.difference.push(*difference);
    }
    batch
}

//! Cash drawers of a day: opened with a float and counted at the end of the shift.

use super::{Day, Draft, StoreDay};
use crate::request::{EventKind, lean};
use anyhow::Result;
use serde_json::json;

impl Day<'_> {
    pub(super) fn count_drawers(&mut self) -> Result<()> {
        let mut number = 0;
        for store in 0..self.stores.len() {
            for index in 0..self.stores[store].shifts.len() {
                self.count_drawer(store, index, number)?;
                number += 1;
            }
        }
        Ok(())
    }

    fn count_drawer(&mut self, store: usize, index: usize, number: usize) -> Result<()> {
        let StoreDay {
            baskets, shifts, ..
        } = &self.stores[store];
        let shift = &shifts[index];
        let count = shift.count(&mut self.random, baskets, number);
        let (id, lane, opens, closes) = (
            shift.id.clone(),
            shift.till.clone(),
            shift.opens,
            shift.closes,
        );
        let open = lean(&json!({
            "id": id,
            "store_id": baskets.store.id,
            "workstation": lane,
            "till": lane,
            "cashier": shift.cashier,
            "opened_at": self.instant(store, opens)?.to_string(),
            "opening_float": baskets.market.opening_float,
        }))?;
        // One second before the next shift of the till opens.
        let ended = closes - 1;
        let end = lean(&json!({
            "at": self.instant(store, ended)?.to_string(),
            "counted": count.counted,
            "paid_in": count.paid_in,
            "paid_out": count.paid_out,
            "pickups": count.pickups,
            "cashier": shift.cashier,
        }))?;
        let request = Draft::new("/v1/shifts", &format!("shift:{id}"), None, open);
        self.send(store, &lane, opens, request)?;
        let path = format!("/v1/shifts/{id}/end");
        let request = Draft::new(
            &path,
            &format!("shift-end:{id}"),
            Some(EventKind::Shift),
            end,
        );
        self.send(store, &lane, ended, request)
    }
}

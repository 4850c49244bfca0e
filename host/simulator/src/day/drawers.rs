//! Drawers of a day: opened with a float, counted in the end.

use super::{Asked, Day, Place};
use crate::request::{Counts, lean};
use anyhow::Result;
use serde_json::json;

impl Day<'_> {
    pub(super) fn count_drawers(&mut self) -> Result<()> {
        let mut number = 0;
        for place in 0..self.places.len() {
            for index in 0..self.places[place].shifts.len() {
                self.count_drawer(place, index, number)?;
                number += 1;
            }
        }
        Ok(())
    }

    fn count_drawer(&mut self, place: usize, index: usize, number: usize) -> Result<()> {
        let Place { shelf, shifts, .. } = &self.places[place];
        let shift = &shifts[index];
        let count = shift.count(&mut self.chance, shelf.market, number);
        let (id, lane, opens, closes) = (
            shift.id.clone(),
            shift.till.clone(),
            shift.opens,
            shift.closes,
        );
        let open = lean(&json!({
            "id": id,
            "store_id": shelf.store.id,
            "workstation": lane,
            "till": lane,
            "cashier": shift.cashier,
            "opened_at": self.instant(place, opens)?.to_string(),
            "opening_float": shelf.market.opening_float,
        }))?;
        // A second before the next shift of the till opens.
        let ended = closes - 1;
        let end = lean(&json!({
            "at": self.instant(place, ended)?.to_string(),
            "counted": count.counted,
            "paid_in": count.paid_in,
            "paid_out": count.paid_out,
            "pickups": count.pickups,
            "cashier": shift.cashier,
        }))?;
        let request = Asked::new("/v1/shifts", &format!("shift:{id}"), None, open);
        self.send(place, &lane, opens, request)?;
        let path = format!("/v1/shifts/{id}/end");
        let request = Asked::new(&path, &format!("shift-end:{id}"), Some(Counts::Shift), end);
        self.send(place, &lane, ended, request)
    }
}

//! `activities`: complete sales, refunds, voids and shifts of a window.

use super::{batch_rows, host_failed};
use crate::bindings::activities::{Activity, Host, Store};
use crate::call::Call;
use crate::convert::ToGuest;

impl Host for Call {
    fn next(&mut self, max: u32) -> wasmtime::Result<Vec<(Store, Activity)>> {
        self.meter.host_call()?;
        let Some(feed) = &mut self.streams.activities else {
            return Err(self.meter.denied("activities outside a run").into());
        };
        let rows = feed
            .next(batch_rows(max))
            .map_err(|error| host_failed("the feed of activities", &error))?;
        self.meter.deadline()?;
        Ok(rows
            .iter()
            .map(|(store, activity)| (store.to_guest(), activity.to_guest()))
            .collect())
    }
}

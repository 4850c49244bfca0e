//! `activities`: complete sales, refunds, voids and shifts of a window.

use super::feed;
use crate::bindings::activities::{Activity, Host, Store};
use crate::call::Call;
use crate::convert::ToGuest;
use galleria_domain::plugin::Capability;

impl Host for Call {
    fn next(&mut self, max: u32) -> wasmtime::Result<Vec<(Store, Activity)>> {
        let feed = &mut self.streams.activities;
        let rows = feed::next(feed, &mut self.meter, Capability::Activities, max)?;
        Ok(rows
            .iter()
            .map(|(store, activity)| (store.to_guest(), activity.to_guest()))
            .collect())
    }
}

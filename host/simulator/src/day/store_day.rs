//! A store with its shifts on the sample day.

use super::basket::BasketMaker;
use super::shift::Shift;
use crate::assortment::Assortment;
use anyhow::{Context as _, Error, Result};
use galleria_domain::{Store, zone};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The morning and the evening shift of each till: start and end in seconds of the day.
const SHIFTS: [(i64, i64); 2] = [(9 * 3600 + 2700, 15 * 3600), (15 * 3600, 20 * 3600 + 900)];

/// A store on that day.
pub(super) struct StoreDay<'a> {
    pub baskets: BasketMaker<'a>,
    pub zone: TimeZone,
    pub shifts: Vec<Shift>,
}

impl<'a> StoreDay<'a> {
    pub fn new(assortment: &'a Assortment, store: &'a Store, date: Date) -> Result<Self> {
        let mut shifts = Vec::new();
        for till in &assortment.habits.tills {
            for (number, (opens, closes)) in SHIFTS.into_iter().enumerate() {
                shifts.push(Shift {
                    id: format!("{}-{date}-{till}-{}", store.id, number + 1),
                    till: till.clone(),
                    cashier: format!("{}-{}", store.external_id, 10 + shifts.len()),
                    opens,
                    closes,
                    cash: 0,
                });
            }
        }
        Ok(Self {
            baskets: BasketMaker {
                assortment,
                store,
                market: assortment.market(store)?,
            },
            zone: zone::parse(&store.zone)
                .map_err(Error::msg)
                .with_context(|| format!("store {}: zone", store.id))?,
            shifts,
        })
    }
}

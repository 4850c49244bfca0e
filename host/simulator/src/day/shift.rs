//! The shift of a cash drawer: its cash, and the count at the end.

use super::basket::BasketMaker;
use crate::random::Random;
use galleria_domain::{Money, Tender};

/// A shift of a till.
pub struct Shift {
    pub id: String,
    pub till: String,
    pub cashier: String,
    /// Seconds of the day.
    pub opens: i64,
    pub closes: i64,
    /// Sum of cash sales minus cash refunds so far.
    pub cash: Money,
}

/// The count of a drawer.
pub struct Count {
    pub counted: Money,
    pub paid_in: Money,
    pub paid_out: Money,
    pub pickups: Money,
}

impl Shift {
    /// Posts the tenders of a sale, or of a refund or void.
    pub fn post(&mut self, tenders: &[Tender], refunded: bool) {
        let cash = tenders.iter().filter(|tender| tender.kind == "cash");
        let sum: Money = cash.map(|tender| tender.amount).sum();
        self.cash += if refunded { -sum } else { sum };
    }

    /// Counts the drawer. The first shifts of a day are over and short by plan, so that each day has both.
    pub fn count(&self, random: &mut Random, baskets: &BasketMaker<'_>, number: usize) -> Count {
        let float = baskets.market.opening_float;
        let paid_in = if random.percent(30) { float / 4 } else { 0 };
        let paid_out = if random.percent(30) { float / 10 } else { 0 };
        let full = float + self.cash + paid_in - paid_out;
        let surplus = (full - float).max(0);
        // Multiples of half the float go to the safe during the day.
        let pickups = surplus / (float / 2).max(1) * (float / 2).max(1);
        let expected = full - pickups;
        let step = baskets.store.cash_step_in_minor().max(5);
        let difference = match number % 4 {
            0 => step * random.between(1, 10),
            1 => -step * random.between(1, 10),
            _ => 0,
        };
        Count {
            counted: (expected + difference).max(0),
            paid_in,
            paid_out,
            pickups,
        }
    }
}

//! Groups of facts. A group is summed up, and written when its day or its store ends.
//!
//! Rows arrive by store and business date, so only the groups of one store are in memory. A report by
//! article over a month needs one group per article of a store.

use galleria_sdk::prelude::*;
use std::collections::BTreeMap;

/// The maximum number of keys of a fact.
pub const KEYS: usize = 4;
/// The maximum number of labels of a fact.
pub const LABELS: usize = 8;
/// The maximum number of counts of a fact.
pub const COUNTS: usize = 3;
/// The maximum number of amounts of a fact.
pub const AMOUNTS: usize = 6;

/// Separates two keys of a group. It sorts before all letters, so groups sort key by key.
const BETWEEN: char = '\u{1}';

/// One line, discount, tender, tax, refund or verification, ready to be summed up.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'a> {
    /// The retailer's id of the store.
    pub store: &'a str,
    /// The business date.
    pub date: &'a str,
    /// ISO 4217.
    pub currency: &'a str,
    /// Digits of that currency after the decimal point.
    pub digits: u8,
    /// Identifies the entry. If it is not 0, the first count is the number of entries.
    pub entry: u64,
    /// The values that distinguish groups.
    pub keys: [&'a str; KEYS],
    /// Texts of the group; the last fact's values apply.
    pub labels: [&'a str; LABELS],
    /// Counts.
    pub counts: [i64; COUNTS],
    /// Minor units.
    pub amounts: [Money; AMOUNTS],
    /// Pieces, weight or length.
    pub quantity: Decimal,
}

/// Sums of numbers.
#[derive(Clone, Debug)]
pub struct Sums {
    /// ISO 4217.
    pub currency: String,
    /// Digits of that currency after the decimal point.
    pub digits: u8,
    /// Counts.
    pub counts: [i64; COUNTS],
    /// Minor units.
    pub amounts: [Money; AMOUNTS],
    /// Pieces, weight or length.
    pub quantity: Decimal,
}

/// A group of facts.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its keys; empty for columns that are not selected.
    pub keys: [String; KEYS],
    /// Its labels.
    pub labels: [String; LABELS],
    /// Its sums.
    pub sums: Sums,
    last_entry: u64,
}

impl Sums {
    /// Empty sums in a currency.
    pub fn new(currency: &str, digits: u8) -> Self {
        Self {
            currency: currency.to_owned(),
            digits,
            counts: [0; COUNTS],
            amounts: [0; AMOUNTS],
            quantity: Decimal::whole(0),
        }
    }

    /// Adds numbers. Fails if a sum does not fit into 64 bits.
    pub fn add(
        &mut self,
        counts: &[i64; COUNTS],
        amounts: &[Money; AMOUNTS],
        quantity: Decimal,
    ) -> Result<(), Fault> {
        let counted = self.counts.iter_mut().zip(counts);
        let paid = self.amounts.iter_mut().zip(amounts);
        for (sum, more) in counted.chain(paid) {
            *sum = sum.checked_add(*more).ok_or_else(too_large)?;
        }
        if quantity.unscaled != 0 {
            self.quantity = if quantity.scale == self.quantity.scale {
                let sum = self.quantity.unscaled.checked_add(quantity.unscaled);
                Decimal::new(sum.ok_or_else(too_large)?, quantity.scale)
            } else {
                self.quantity.plus(quantity)?
            };
        }
        Ok(())
    }
}

fn too_large() -> Fault {
    Fault::invalid("sum", "does not fit into 64 bits")
}

/// The groups of one store, or of one day of a store.
pub struct Groups {
    /// The keys that distinguish groups.
    chosen: [bool; KEYS],
    groups: BTreeMap<String, Group>,
    /// Reused for all facts.
    key: String,
}

impl Groups {
    /// Groups by the selected keys, and always by currency.
    pub fn new(chosen: [bool; KEYS]) -> Self {
        Self {
            chosen,
            groups: BTreeMap::new(),
            key: String::new(),
        }
    }

    /// Adds a fact to its group.
    pub fn add(&mut self, fact: &Fact<'_>) -> Result<(), Fault> {
        self.key.clear();
        for (key, chosen) in fact.keys.iter().zip(self.chosen) {
            if chosen {
                self.key.push_str(key);
            }
            self.key.push(BETWEEN);
        }
        self.key.push_str(fact.currency);
        if !self.groups.contains_key(&self.key) {
            let group = self.group(fact);
            self.groups.insert(self.key.clone(), group);
        }
        let Some(group) = self.groups.get_mut(&self.key) else {
            return Ok(());
        };
        for (label, newest) in group.labels.iter_mut().zip(fact.labels) {
            if label != newest {
                newest.clone_into(label);
            }
        }
        let mut counts = fact.counts;
        if fact.entry != 0 && fact.entry != group.last_entry {
            group.last_entry = fact.entry;
            counts[0] += 1;
        }
        group.sums.add(&counts, &fact.amounts, fact.quantity)
    }

    fn group(&self, fact: &Fact<'_>) -> Group {
        let mut keys: [String; KEYS] = Default::default();
        for (at, key) in keys.iter_mut().enumerate() {
            if self.chosen[at] {
                fact.keys[at].clone_into(key);
            }
        }
        Group {
            keys,
            labels: Default::default(),
            sums: Sums::new(fact.currency, fact.digits),
            last_entry: 0,
        }
    }

    /// Removes the groups, in the order of their keys.
    pub fn take(&mut self) -> impl Iterator<Item = Group> + use<> {
        std::mem::take(&mut self.groups).into_values()
    }
}

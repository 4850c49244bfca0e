//! The columns that the settings name, in any order.

use crate::settings::Settings;
use galleria_sdk::csv::Columns;
use galleria_sdk::prelude::*;

/// The index of each column; `None` if the settings do not name it.
pub struct At {
    pub kind: Option<usize>,
    pub gross: usize,
    pub fee: Option<usize>,
    pub net: Option<usize>,
    pub currency: Option<usize>,
    pub booked_at: Option<usize>,
    pub paid_on: Option<usize>,
    pub reference: Option<usize>,
    pub account: Option<usize>,
    pub id: Option<usize>,
    pub psp_reference: Option<usize>,
    pub modification_reference: Option<usize>,
    pub merchant_reference: Option<usize>,
    /// The column of the word that identifies the row of totals.
    pub total: Option<usize>,
}

impl At {
    /// Reports all missing and repeated columns together.
    pub fn find(header: &Columns, settings: &Settings) -> Result<Self, Fault> {
        let mut problems = Problems::default();
        let mut named = |name: &str| match name.is_empty() {
            true => None,
            false => problems.take(header.require(name)),
        };
        let names = &settings.columns;
        let at = Self {
            kind: named(&names.kind),
            gross: named(&names.gross).unwrap_or_default(),
            fee: named(&names.fee),
            net: named(&names.net),
            currency: named(&names.currency),
            booked_at: named(&names.booked_at),
            paid_on: named(&names.paid_on),
            reference: named(&names.reference),
            account: named(&names.account),
            id: named(&names.id),
            psp_reference: named(&names.psp_reference),
            modification_reference: named(&names.modification_reference),
            merchant_reference: named(&names.merchant_reference),
            total: named(settings.total.as_ref().map_or("", |total| &total.column)),
        };
        problems.finish()?;
        Ok(at)
    }
}

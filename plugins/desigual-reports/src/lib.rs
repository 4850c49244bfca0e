//! Reports: sums of a window's sales, refunds, tenders, taxes and verifications, as CSV.
//!
//! The plugin sums up while it reads. It keeps the groups of one store (or of one day of a store), one
//! batch of rows and one chunk of the file in memory. It never adds amounts of two currencies.
#![warn(missing_docs)]

mod columns;
mod facts;
mod groups;
mod settings;
mod table;

pub use columns::{Column, Report as Kind, Role};
use galleria_sdk::prelude::*;
pub use settings::{FileOf, Period, Settings, Titled};

/// The plugin.
pub struct DesigualReports;

impl Plugin for DesigualReports {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        settings.problems()
    }

    fn check_schedules(settings: &Settings, schedules: &[RunSchedule]) -> Vec<Problem> {
        settings.repeated(schedules).into_iter().collect()
    }
}

impl Report for DesigualReports {
    fn run(cx: &Context<Settings>, window: &Window) -> Result<Totals, Fault> {
        let report = cx.settings().report;
        let mut table = table::Table::open(cx, window)?;
        match report {
            Kind::SalesByDay | Kind::SalesByHour | Kind::SalesByArticle | Kind::SalesByCategory => {
                facts::sales(cx, report, &mut table)?
            }
            Kind::Discounts
            | Kind::Coupons
            | Kind::Refunds
            | Kind::Tenders
            | Kind::Taxes
            | Kind::Verifications => facts::activities(report, &mut table)?,
        }
        table.finish(&table::amounts(report.columns()))
    }
}

galleria_sdk::plugin!(DesigualReports: Report);

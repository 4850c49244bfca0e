//! Writes a report: each sale line of a window is one row of one CSV file.
//!
//! The plugin keeps one batch of lines and one chunk of the file in memory, for any number of lines.
#![warn(missing_docs)]

mod settings;

use galleria_sdk::csv;
use galleria_sdk::money;
use galleria_sdk::prelude::*;
pub use settings::{Column, Returns, Settings, Titled};

const DIRECTORY: &str = "additional_reports";

/// The plugin.
pub struct DailySales;

impl Plugin for DailySales {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        settings.problems()
    }

    fn check_schedules(settings: &Settings, schedules: &[RunSchedule]) -> Vec<Problem> {
        settings.repeated(schedules).into_iter().collect()
    }
}

impl Report for DailySales {
    fn run(cx: &Context<Settings>, window: &Window) -> Result<Totals, Fault> {
        let settings = cx.settings();
        let name = settings.file_name(cx, window)?;
        let file = Output::create(DIRECTORY, &name, &settings.csv.media_type());
        let mut rows = csv::Writer::to(file, &settings.csv)?;
        if settings.header {
            for titled in &settings.columns {
                rows.text(&titled.header);
            }
            rows.end_row();
        }
        let mut sums = Sums::default();
        for line in SaleLines::open() {
            let digits = sums.add(cx, &line)?;
            let negative = line.returned() && settings.returns == Returns::Negative;
            for titled in &settings.columns {
                write_cell(&mut rows, titled.column, &line, digits, negative);
            }
            rows.end_row();
        }
        rows.finish()?.close();
        Ok(sums.totals())
    }
}

galleria_sdk::plugin!(DailySales: Report);

fn write_cell(
    rows: &mut csv::Writer<Output>,
    column: Column,
    line: &SaleLine,
    digits: u8,
    negative: bool,
) {
    let signed = |amount: i64| if negative { -amount } else { amount };
    match column {
        Column::Store => rows.text(line.store()),
        Column::BusinessDate => rows.text(line.business_date()),
        Column::BegunAt => rows.text(line.begun_at()),
        Column::Entry => rows.text(line.entry()),
        Column::Number => rows.integer(line.number()),
        Column::Returned => rows.integer(line.returned().into()),
        Column::Sku => rows.text(line.sku()),
        Column::Category => rows.text(line.category()),
        Column::Quantity => {
            let quantity = line.quantity();
            rows.decimal(Decimal::new(signed(quantity.unscaled), quantity.scale))
        }
        Column::Currency => rows.text(line.currency()),
        Column::Amount => rows.amount(signed(line.amount()), digits),
        Column::Discount => rows.amount(signed(line.discount()), digits),
        Column::TaxCode => rows.text(line.tax_code()),
        Column::Tax => rows.amount(signed(line.tax()), digits),
    };
}

/// Turnover and taxes by currency. A retailer may use several currencies, which are never added up.
#[derive(Default)]
struct Sums {
    rows: u64,
    currencies: Vec<CurrencySums>,
}

struct CurrencySums {
    currency: String,
    digits: u8,
    amount: Money,
    tax: Money,
}

impl Sums {
    /// Counts a line, and returns the digits of its currency.
    fn add(&mut self, cx: &Context<Settings>, line: &SaleLine) -> Result<u8, Fault> {
        let known = |sums: &CurrencySums| sums.currency == line.currency();
        let at = match self.currencies.iter().position(known) {
            Some(at) => at,
            None => {
                let digits = match cx.scope() {
                    Scope::Store(store) if store.currency == line.currency() => store.minor_digits,
                    _ => money::minor_digits(line.currency()),
                };
                self.currencies.push(CurrencySums {
                    currency: line.currency().to_owned(),
                    digits,
                    amount: 0,
                    tax: 0,
                });
                self.currencies.len() - 1
            }
        };
        let sums = &mut self.currencies[at];
        let sign = if line.returned() { -1 } else { 1 };
        sums.amount = money::sum([sums.amount, sign * line.amount()])?;
        sums.tax = money::sum([sums.tax, sign * line.tax()])?;
        self.rows += 1;
        Ok(sums.digits)
    }

    fn totals(mut self) -> Totals {
        self.currencies
            .sort_by(|one, two| one.currency.cmp(&two.currency));
        let sums = self.currencies.iter().flat_map(|sums| {
            let name = sums.currency.to_ascii_lowercase();
            [
                Attribute::new(
                    ["amount-", &name].concat(),
                    money::format(sums.amount, sums.digits),
                ),
                Attribute::new(
                    ["tax-", &name].concat(),
                    money::format(sums.tax, sums.digits),
                ),
            ]
        });
        Totals {
            rows: self.rows,
            sums: sums.collect(),
        }
    }
}

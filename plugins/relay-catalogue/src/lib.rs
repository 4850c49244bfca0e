//! Writes Relay's product file: one row of one CSV for each product, or for each that changed since the
//! last run.
//!
//! The plugin keeps one batch of products and one chunk of the file in memory, for any number of
//! products. The feed defines prices and changes.
#![warn(missing_docs)]

mod settings;

use galleria_sdk::prelude::*;
use galleria_sdk::{Product, csv, money};
pub use settings::{Column, Empty, Inactive, Mode, Settings, Titled, Words};

const DIRECTORY: &str = "product_data";

/// The plugin.
pub struct RelayCatalogue;

impl Plugin for RelayCatalogue {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        settings.problems()
    }

    fn check_schedules(settings: &Settings, schedules: &[RunSchedule]) -> Vec<Problem> {
        settings.repeated(schedules).into_iter().collect()
    }
}

impl ExportCatalogue for RelayCatalogue {
    fn run(cx: &Context<Settings>, window: &Window) -> Result<Totals, Fault> {
        let settings = cx.settings();
        let name = settings.file_name(cx, window)?;
        let mut file = match settings.empty {
            Empty::Header => Some(begin(settings, &name)?),
            Empty::NoFile => None,
        };
        let mut counts = Counts::default();
        for product in Products::open() {
            if !counts.takes(settings, &product) {
                continue;
            }
            let rows = match &mut file {
                Some(rows) => rows,
                none => none.insert(begin(settings, &name)?),
            };
            for titled in &settings.columns {
                write_cell(rows, titled.column, cx, &product)?;
            }
            rows.end_row();
        }
        if let Some(rows) = file {
            rows.finish()?.close();
        }
        Ok(counts.totals())
    }
}

galleria_sdk::plugin!(RelayCatalogue: ExportCatalogue);

fn begin(settings: &Settings, name: &str) -> Result<csv::Writer<Output>, Fault> {
    let file = Output::create(DIRECTORY, name, &settings.csv.media_type());
    let mut rows = csv::Writer::to(file, &settings.csv)?;
    if settings.header {
        for titled in &settings.columns {
            rows.text(&titled.header);
        }
        rows.end_row();
    }
    Ok(rows)
}

fn write_cell(
    rows: &mut csv::Writer<Output>,
    column: Column,
    cx: &Context<Settings>,
    product: &Product,
) -> Result<(), Fault> {
    let words = &cx.settings().words;
    match column {
        Column::Action if product.active() => rows.text(&words.upsert),
        Column::Action => rows.text(&words.delete),
        Column::Store => match cx.scope() {
            Scope::Store(store) => rows.text(&store.external_id),
            Scope::Retailer(_) => rows.empty(),
        },
        Column::Sku => rows.text(product.sku()),
        Column::Gtin => rows.text(product.gtin()),
        Column::Name => rows.text(product.name()),
        Column::Category => rows.text(product.category()),
        Column::Unit => rows.text(product.unit()),
        // An empty currency means that there is no price in this scope.
        Column::Price if product.currency().is_empty() => rows.empty(),
        Column::Price => rows.decimal(with_cents(cx, product)?),
        Column::Currency => rows.text(product.currency()),
        Column::TaxCode => rows.text(product.tax_code()),
        Column::Active if product.active() => rows.text(&words.active),
        Column::Active => rows.text(&words.inactive),
        Column::ChangedAt => rows.text(product.changed_at()),
    };
    Ok(())
}

/// Writes the price with the digits of its currency, or more if it has more; it is never rounded.
fn with_cents(cx: &Context<Settings>, product: &Product) -> Result<Decimal, Fault> {
    let price = product.price().trimmed();
    let digits = match cx.scope() {
        Scope::Store(store) if store.currency == product.currency() => store.minor_digits,
        _ => money::minor_digits(product.currency()),
    };
    Ok(match price.scale < digits {
        true => price.rescale(digits)?,
        false => price,
    })
}

/// The numbers of written products.
#[derive(Default)]
struct Counts {
    active: u64,
    inactive: u64,
    left_out: u64,
}

impl Counts {
    /// Returns whether a product belongs in the file.
    fn takes(&mut self, settings: &Settings, product: &Product) -> bool {
        let selected = settings.mode == Mode::Full || product.changed();
        let written = product.active() || settings.inactive() == Inactive::Write;
        let count = match (selected && written, product.active()) {
            (false, _) => &mut self.left_out,
            (true, true) => &mut self.active,
            (true, false) => &mut self.inactive,
        };
        *count += 1;
        selected && written
    }

    fn totals(self) -> Totals {
        let sums = [
            ("active", self.active),
            ("inactive", self.inactive),
            ("left-out", self.left_out),
        ];
        Totals {
            rows: self.active + self.inactive,
            sums: sums
                .map(|(name, count)| Attribute::new(name, count.to_string()))
                .into(),
        }
    }
}

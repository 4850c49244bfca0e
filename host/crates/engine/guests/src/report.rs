//! Behaviours at the stream points that write files.

use crate::{Behaviour, Settings};
use galleria_sdk::prelude::*;

/// Executes the behaviour of the settings.
pub fn execute(cx: &Context<Settings>, window: &Window) -> Result<Totals, Fault> {
    match cx.settings().behave {
        Behaviour::Copy => copy(window),
        Behaviour::PullTooMany => pull_too_many(),
        Behaviour::PullSingly => pull_singly(),
        Behaviour::PullForever => loop {
            SaleLines::open().next();
        },
        Behaviour::OpenOther => {
            Output::create("elsewhere", "a.csv", "text/csv").close();
            Ok(Totals {
                rows: 0,
                sums: vec![],
            })
        }
        Behaviour::OpenBadName => {
            Output::create("reports", "../a.csv", "text/csv").close();
            Ok(Totals {
                rows: 0,
                sums: vec![],
            })
        }
        Behaviour::OpenTwice => {
            open_file(0).close();
            open_file(0).close();
            Ok(totals(2))
        }
        Behaviour::OpenAndDrop => {
            (0..5_000).for_each(|number| open_file(number).close());
            Ok(totals(5_000))
        }
        Behaviour::OpenAndKeep => {
            let files: Vec<_> = (0..500).map(open_file).collect();
            Ok(totals(files.len() as u64))
        }
        Behaviour::WriteTooMuch => {
            let mut file = Output::create("reports", "a.csv", "text/csv");
            loop {
                file.write(&[b'x'; 64 << 10]);
            }
        }
        Behaviour::TotalTooMany => Ok(Totals {
            rows: 0,
            sums: vec![Attribute::new("a", "b"); 101],
        }),
        Behaviour::TotalTooMuch => Ok(Totals {
            rows: 0,
            sums: vec![Attribute::new("x", "x".repeat(2 << 20))],
        }),
        Behaviour::CopySettlement => copy_settlement(),
        Behaviour::CopyProducts => copy_products(),
        other => Err(Fault::failed(format!(
            "{other:?} is not a behaviour for a report"
        ))),
    }
}

fn open_file(number: u32) -> Output {
    Output::create("reports", &format!("{number}.csv"), "text/csv")
}

fn copy(window: &Window) -> Result<Totals, Fault> {
    let mut file = Output::create("reports", &format!("{}.csv", window.id), "text/csv");
    let (mut rows, mut sum) = (0, 0);
    for line in SaleLines::open() {
        let sign = if line.returned() { -1 } else { 1 };
        sum += sign * line.amount();
        rows += 1;
        let quantity = line.quantity();
        let row = format!(
            "{};{};{};{};{};{};{};{}/{};{};{};{};{};{}\n",
            line.store(),
            line.business_date(),
            line.begun_at(),
            line.entry(),
            line.number(),
            line.sku(),
            line.category(),
            quantity.unscaled,
            quantity.scale,
            line.currency(),
            line.amount(),
            line.discount(),
            line.tax_code(),
            line.tax(),
        );
        file.write(row.as_bytes());
    }
    file.close();
    let activities = Activities::open().count();
    Ok(Totals {
        rows,
        sums: vec![
            Attribute::new("amount", sum.to_string()),
            Attribute::new("activities", activities.to_string()),
        ],
    })
}

/// Calls the generated function, because the SDK never requests more rows than a batch.
fn pull_too_many() -> Result<Totals, Fault> {
    let rows = galleria_sdk::bindings::words::sale_lines::next(u32::MAX)
        .number
        .len();
    Ok(Totals {
        rows: rows as u64,
        sums: vec![],
    })
}

/// Requests batches of one row, also after the end of the feed.
fn pull_singly() -> Result<Totals, Fault> {
    let rows = (0..100_000).map(|_| {
        let batch = galleria_sdk::bindings::words::sale_lines::next(1);
        batch.number.len() as u64
    });
    Ok(totals(rows.sum()))
}

fn totals(rows: u64) -> Totals {
    Totals { rows, sums: vec![] }
}

fn copy_settlement() -> Result<Totals, Fault> {
    let mut file = Output::create("reports", "settlement.csv", "text/csv");
    let mut rows = 0;
    for line in Settlement::open() {
        rows += 1;
        let row = [
            line.outcome().to_owned(),
            line.kind().to_owned(),
            line.provider().to_owned(),
            line.account().to_owned(),
            line.statement().to_owned(),
            line.paid_on().to_owned(),
            line.store().to_owned(),
            line.business_date().to_owned(),
            line.entry().to_owned(),
            line.psp_reference().to_owned(),
            line.merchant_reference().to_owned(),
            line.booked_at().to_owned(),
            line.currency().to_owned(),
            line.gross().to_string(),
            line.paid_currency().to_owned(),
            line.converted().to_string(),
            line.fee().to_string(),
            line.net().to_string(),
            line.difference().to_string(),
        ];
        file.write((row.join(";") + "\n").as_bytes());
    }
    file.close();
    Ok(totals(rows))
}

fn copy_products() -> Result<Totals, Fault> {
    let mut file = Output::create("reports", "products.csv", "text/csv");
    let mut rows = 0;
    for product in Products::open() {
        rows += 1;
        let price = product.price();
        let row = [
            product.sku().to_owned(),
            product.gtin().to_owned(),
            product.name().to_owned(),
            product.category().to_owned(),
            product.unit().to_owned(),
            format!("{}/{}", price.unscaled, price.scale),
            product.currency().to_owned(),
            product.tax_code().to_owned(),
            product.active().to_string(),
            product.changed_at().to_owned(),
            product.changed().to_string(),
        ];
        file.write((row.join(";") + "\n").as_bytes());
    }
    file.close();
    Ok(totals(rows))
}

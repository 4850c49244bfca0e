//! What the guest does in a run.

use crate::{Behave, Settings};
use galleria_sdk::prelude::*;

/// Does it.
pub fn behave(cx: &Context<Settings>, window: &Window) -> Result<Totals, Fault> {
    match cx.settings().behave {
        Behave::Copy => copy(window),
        Behave::PullTooMany => pull_too_many(),
        Behave::PullForever => loop {
            SaleLines::open().next();
        },
        Behave::OpenOther => {
            Output::create("elsewhere", "a.csv", "text/csv").close();
            Ok(Totals {
                rows: 0,
                sums: vec![],
            })
        }
        Behave::OpenBadName => {
            Output::create("reports", "../a.csv", "text/csv").close();
            Ok(Totals {
                rows: 0,
                sums: vec![],
            })
        }
        Behave::WriteTooMuch => {
            let mut file = Output::create("reports", "a.csv", "text/csv");
            loop {
                file.write(&[b'x'; 64 << 10]);
            }
        }
        other => Err(Fault::failed(format!("{other:?} is for a payment"))),
    }
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

/// The SDK never asks for more than it needs, so the world's own function is called.
fn pull_too_many() -> Result<Totals, Fault> {
    let rows = galleria_sdk::bindings::words::sale_lines::next(u32::MAX)
        .number
        .len();
    Ok(Totals {
        rows: rows as u64,
        sums: vec![],
    })
}

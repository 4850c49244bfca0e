//! Behaviours at `read-statement`.

use crate::{Behaviour, Settings};
use galleria_sdk::prelude::*;
use std::io::{BufRead, BufReader, Read};

pub fn execute(cx: &Context<Settings>) -> Result<Totals, Fault> {
    let mut statement = Statement::open();
    match cx.settings().behave {
        Behaviour::ReadLines => return read_lines(),
        Behaviour::ReadForever => {
            let mut bytes = [0; 1024];
            while Input::open().read(&mut bytes).is_ok_and(|read| read > 0) {}
        }
        Behaviour::DescribeTwice => {
            statement.describe(&header("one"));
            statement.describe(&header("two"));
        }
        Behaviour::PushLongText => {
            let mut line = line(7, 100);
            line.merchant_reference = "x".repeat(5_000);
            statement.push(line);
        }
        Behaviour::PushMany => {
            let lines: Vec<StatementLine> = (1..=5_000).map(|row| line(row, 1)).collect();
            galleria_sdk::bindings::words::statement::push(&lines);
        }
        Behaviour::PushTooMuch => {
            for row in 1.. {
                statement.push(line(row, 1));
            }
        }
        Behaviour::PushBadRate => {
            let mut line = line(3, 1);
            line.rate = Some(Decimal {
                unscaled: 1,
                scale: 200,
            });
            statement.push(line);
        }
        other => {
            return Err(Fault::failed(format!(
                "{other:?} is not a behaviour for a statement"
            )));
        }
    }
    statement.close();
    Ok(Totals {
        rows: 0,
        sums: vec![],
    })
}

fn header(reference: &str) -> StatementHeader {
    StatementHeader {
        provider: "example".into(),
        account: String::new(),
        reference: reference.into(),
        currency: "EUR".into(),
        minor_digits: 2,
        paid_on: "2026-11-24".into(),
        total: Some(600),
        attributes: vec![],
    }
}

fn line(row: u64, amount: Money) -> StatementLine {
    StatementLine {
        row,
        kind: match row {
            1 => StatementKind::Payment,
            2 => StatementKind::Refund,
            3 => StatementKind::Chargeback,
            4 => StatementKind::ChargebackReversal,
            5 => StatementKind::Fee,
            6 => StatementKind::Adjustment,
            _ => StatementKind::Other("gift".into()),
        },
        id: format!("id-{row}"),
        psp_reference: "psp".into(),
        modification_reference: "modification".into(),
        merchant_reference: "merchant".into(),
        booked_at: "2026-11-24".into(),
        currency: "SEK".into(),
        minor_digits: 2,
        gross: amount * 10,
        rate: Some(Decimal {
            unscaled: 1,
            scale: 1,
        }),
        converted: amount,
        fee: 1,
        net: amount - 1,
        attributes: vec![Attribute::new("a", "b")],
    }
}

/// Reads a file with an amount in each line.
fn read_lines() -> Result<Totals, Fault> {
    let input = Input::open();
    let name = input.name();
    let mut statement = Statement::open();
    let mut rows = 0;
    for text in BufReader::new(input).lines() {
        rows += 1;
        let amount = text.ok().and_then(|text| text.parse().ok());
        let amount = amount.ok_or_else(|| Fault::invalid("amount", "must be a number"))?;
        statement.push(line(rows, amount));
    }
    statement.describe(&header(&name));
    statement.close();
    Ok(Totals { rows, sums: vec![] })
}

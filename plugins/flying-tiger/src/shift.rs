//! Shift ends: `ShiftEnd` has the times, `TillSettle` the content of the drawer.

use crate::poslog::Poslog;
use crate::{Settings, check};
use galleria_sdk::prelude::*;

/// Returns the document of a shift.
pub fn poslog(cx: &Context<Settings>, shift: &Shift) -> Result<Vec<u8>, Fault> {
    check::shift(cx, shift)?;
    // Without its own code the standard reads it as a sale.
    let type_code = cx.settings().extension("shift-end");
    let mut poslog = Poslog::begin(cx, &shift.entry, &type_code)?;
    poslog.xml.element("TillID", &shift.till);
    poslog.times(&shift.entry);
    let xml = &mut poslog.xml;
    xml.start("ControlTransaction")
        .element("Shift", &shift.entry.id);
    xml.start("ShiftEnd")
        .attribute("Accountability", "Register");
    xml.element("StartDateTimestamp", &shift.opened_at)
        .element("EndDateTimestamp", &shift.closed_at);
    xml.element("TillID", &shift.till).end().end();
    xml.start("TenderControlTransaction")
        .element("Shift", &shift.entry.id);
    settle(&mut poslog, shift);
    poslog.xml.end();
    poslog.finish()
}

fn settle(poslog: &mut Poslog, shift: &Shift) {
    poslog
        .xml
        .start("TillSettle")
        .integer_element("TransactionCount", shift.transactions.into());
    poslog.amount("TotalNetSalesAmount", shift.net_sales);
    poslog.amount("TotalNetReturnAmount", shift.net_refunds);
    // The standard has no negative tax. If refunds exceed sales, no tax is written instead of a
    // wrong one; the publication has it.
    if shift.tax >= 0 {
        poslog.amount("TotalTaxAmount", shift.tax);
    }
    cash(poslog, shift);
    for total in shift.tenders.iter().filter(|total| total.kind != "cash") {
        let tender_type = poslog.settings.tender_type(&total.kind);
        poslog
            .xml
            .start("TenderSummary")
            .attribute("LedgerType", "Actual");
        ledger(poslog, "Sales", &tender_type, total.sales);
        ledger(poslog, "Returns", &tender_type, total.refunds);
        poslog.xml.end();
    }
    poslog.xml.end();
}

/// A drawer contains cash, so only cash has a beginning, an ending and a difference.
fn cash(poslog: &mut Poslog, shift: &Shift) {
    let tender_type = poslog.settings.tender_type("cash");
    let total = shift.tenders.iter().find(|total| total.kind == "cash");
    let (sales, refunds) = total.map_or((0, 0), |total| (total.sales, total.refunds));
    poslog
        .xml
        .start("TenderSummary")
        .attribute("LedgerType", "Actual");
    let ledgers = [
        ("Beginning", shift.opening_float),
        ("Sales", sales),
        ("Returns", refunds),
        ("PaidIn", shift.paid_in),
        ("PaidOut", shift.paid_out),
        ("Pickup", shift.pickups),
        ("Ending", shift.counted),
    ];
    for (element, amount) in ledgers {
        ledger(poslog, element, &tender_type, amount);
    }
    let difference = shift.counted - shift.expected;
    match difference {
        0 => {}
        1.. => ledger(poslog, "Over", &tender_type, difference),
        _ => ledger(poslog, "Short", &tender_type, difference),
    }
    poslog.xml.end();
}

fn ledger(poslog: &mut Poslog, element: &str, tender_type: &str, amount: Money) {
    poslog
        .xml
        .start(element)
        .attribute("TenderType", tender_type);
    poslog.amount("Amount", amount);
    poslog.xml.end();
}

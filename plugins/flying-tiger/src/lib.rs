//! Flying Tiger's plugin: writes sales, refunds, voids and shift ends as POSLog 6.0.0.
//!
//! Each event becomes one file in `poslog`, valid against the standard's schema, and one publication
//! with the same content. All values come from the argument.
//!
//! There is one module for each event (`sale`, `refund`, `void`, `shift`), and one for each shared part
//! of a document (`poslog`, `retail`, `lines`, `taxes`, `tenders`).

mod check;
mod codes;
mod file_name;
mod lines;
mod poslog;
mod refund;
mod retail;
mod sale;
mod settings;
mod shift;
mod taxes;
mod tenders;
mod void;

use galleria_sdk::prelude::*;
pub use settings::Settings;

/// The directory of the files.
const DIRECTORY: &str = "poslog";
const MEDIA_TYPE: &str = "application/xml";
/// The topic of sales, refunds and voids, each with its complete POSLOG.
const TRANSACTIONS: &str = "flying_tiger.order.post_transaction";
/// The topic of shifts.
const SHIFTS: &str = "flying_tiger.cash_desk.staff_shifts.end_shift_event";

/// The plugin.
pub struct FlyingTiger;

impl Plugin for FlyingTiger {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        settings.problems()
    }
}

impl OnPayment for FlyingTiger {
    fn handle(cx: &Context<Settings>, sale: &Sale) -> Result<Decision, Fault> {
        let body = sale::poslog(cx, sale)?;
        transaction(cx, "sale", &sale.entry, cx.settings().publish.sales, body)
    }
}

impl OnRefund for FlyingTiger {
    fn handle(cx: &Context<Settings>, refund: &Refund) -> Result<Decision, Fault> {
        let body = refund::poslog(cx, refund)?;
        transaction(
            cx,
            "refund",
            &refund.entry,
            cx.settings().publish.refunds,
            body,
        )
    }
}

impl OnVoid for FlyingTiger {
    fn handle(cx: &Context<Settings>, cancelled: &Cancellation) -> Result<Decision, Fault> {
        let body = void::poslog(cx, cancelled)?;
        transaction(
            cx,
            "void",
            &cancelled.entry,
            cx.settings().publish.voids,
            body,
        )
    }
}

impl OnShiftEnd for FlyingTiger {
    fn handle(cx: &Context<Settings>, shift: &Shift) -> Result<Decision, Fault> {
        let body = shift::poslog(cx, shift)?;
        let unit = poslog::unit_id(cx)?;
        let file = file_name::file_name(&cx.settings().file_name, "shift", unit, &shift.entry)?;
        let ended = ShiftEnded {
            store: unit,
            file: &file,
            shift,
        };
        let decision = match is_published(cx, &shift.entry, cx.settings().publish.shifts) {
            true => Decision::new().publish(SHIFTS, None, &ended)?,
            false => Decision::new(),
        };
        Ok(decision.document(DIRECTORY, file, MEDIA_TYPE, body))
    }
}

galleria_sdk::plugin!(FlyingTiger: OnPayment, OnRefund, OnVoid, OnShiftEnd);

/// The publication of a sale, a refund or a void.
#[derive(serde::Serialize)]
struct Posted<'a> {
    kind: &'a str,
    store: &'a str,
    order_id: &'a str,
    external_id: Option<&'a str>,
    entry_id: &'a str,
    business_date: &'a str,
    workstation: &'a str,
    sequence: u64,
    training: bool,
    file: &'a str,
    poslog: &'a str,
}

/// The publication of a shift: all values, and the name of the file.
#[derive(serde::Serialize)]
struct ShiftEnded<'a> {
    store: &'a str,
    file: &'a str,
    #[serde(flatten)]
    shift: &'a Shift,
}

fn transaction(
    cx: &Context<Settings>,
    kind: &str,
    entry: &Entry,
    publish: bool,
    body: Vec<u8>,
) -> Result<Decision, Fault> {
    let unit = poslog::unit_id(cx)?;
    let file = file_name::file_name(&cx.settings().file_name, kind, unit, entry)?;
    let mut decision = Decision::new();
    if is_published(cx, entry, publish) {
        let poslog =
            std::str::from_utf8(&body).map_err(|error| Fault::failed(error.to_string()))?;
        let posted = Posted {
            kind,
            store: unit,
            order_id: &entry.order_id,
            external_id: entry.external_id.as_deref(),
            entry_id: &entry.id,
            business_date: &entry.business_date,
            workstation: &entry.workstation,
            sequence: entry.sequence,
            training: entry.training,
            file: &file,
            poslog,
        };
        decision = decision.publish(TRANSACTIONS, None, &posted)?;
    }
    Ok(decision.document(DIRECTORY, file, MEDIA_TYPE, body))
}

fn is_published(cx: &Context<Settings>, entry: &Entry, publish: bool) -> bool {
    publish && (!entry.training || cx.settings().publish.training)
}

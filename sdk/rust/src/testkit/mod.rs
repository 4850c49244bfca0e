//! Testing a plugin natively: the author's own functions, no wasm, no host.
//!
//! [`fixtures`] runs every case of a folder and compares with its golden files; [`Host`] stands for
//! the host where a test calls the plugin itself. The same folder is run through the real engine by
//! `galleria`'s own tests, so its format is not the SDK's: `sdk/GUIDE.md` defines it, and [`Event`],
//! [`Outcome`] and [`golden`] are that definition as types.

pub(crate) mod double;
mod event;
pub mod golden;
mod host;
mod keys;
mod outcome;
mod rows;
mod statement;

pub use event::{Arguments, Event, EventContext};
pub use host::{Host, KeyDouble, Logged, WrittenFile};
pub use keys::{RealKey, TestKey, TestVersion};
pub use outcome::{Answer, Outcome};
pub use rows::{ProductRow, SaleLineRow, SettlementRow};
pub use statement::{dressed, read_statement};

use crate::Plugin;
use std::path::Path;

/// What `plugin!` adds natively: a plugin that can be called by the name of an extension point.
pub trait Served: Plugin {
    /// The extension points it serves, as `plugin!` names them: `OnPayment`.
    const POINTS: &'static [&'static str];

    /// Calls the extension point that the event is for. None: it is not served.
    #[doc(hidden)]
    fn serve(event: &Event) -> Option<Result<Answer, String>>;
}

/// One extension point of a component.
#[doc(hidden)]
pub trait Serve<Point> {
    /// Reads the argument and calls it.
    fn serve(event: &Event) -> Result<Answer, String>;
}

/// Stand for the extension points where types have to tell them apart.
#[doc(hidden)]
#[rustfmt::skip]
pub mod points {
    pub struct OnPayment;
    pub struct OnRefund;
    pub struct OnVoid;
    pub struct OnVerification;
    pub struct OnFiscalMark;
    pub struct OnShiftEnd;
    pub struct OnReply;
    pub struct IdentifyMember;
    pub struct VerifyLogin;
    pub struct Report;
    pub struct ReadStatement;
    pub struct WriteSettlement;
    pub struct ExportCatalogue;
}

/// Runs every case of a folder - each folder in it with an `event.json` - and compares what the
/// plugin decides with the case's `decision/`. With `GALLERIA_BLESS=1` in the environment it writes
/// these files instead.
///
/// Each case is run twice, the second time as a later attempt: a decision that differs then depends on
/// something that is not the event, and a retry would not be safe.
///
/// # Panics
///
/// Where a case differs, cannot be read, or where there is none: with all differences, readably.
///
/// ```no_run
/// # use galleria_sdk::prelude::*;
/// # pub struct Poslog;
/// # impl Plugin for Poslog { type Settings = NoSettings; }
/// # impl OnPayment for Poslog {
/// #     fn handle(_: &Context<NoSettings>, _: &Sale) -> Result<Decision, Fault> { Ok(Decision::new()) }
/// # }
/// # galleria_sdk::plugin!(Poslog: OnPayment);
/// #[test]
/// fn fixtures() {
///     galleria_sdk::testkit::fixtures::<Poslog>("fixtures");
/// }
/// # fn main() {}
/// ```
pub fn fixtures<P: Served>(folder: impl AsRef<Path>) {
    let folder = folder.as_ref();
    let bless = std::env::var_os("GALLERIA_BLESS").is_some_and(|value| value == "1");
    let cases = match golden::cases(folder) {
        Ok(cases) => cases,
        Err(error) => panic!("{error}"),
    };
    let mut failures = Vec::new();
    for case in &cases {
        if let Err(failure) = settle::<P>(case, bless) {
            failures.push(format!("{}: {failure}", case.display()));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases failed (GALLERIA_BLESS=1 accepts what the plugin does now)\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
}

fn settle<P: Served>(case: &Path, bless: bool) -> Result<(), String> {
    let event = Event::read(case)?;
    let outcome = run::<P>(&event)?;
    let again = run::<P>(&event.clone().later_attempt())?;
    if outcome != again {
        return Err("the second attempt decided otherwise than the first".to_owned());
    }
    if !matches!(outcome.answer, Answer::Fault(_)) {
        let problems = crate::settings::check::<P>(&event.context.settings.to_string());
        if let Some(problem) = problems.first() {
            return Err(format!("settings.check refuses its settings: {problem}"));
        }
    }
    let files = outcome.files();
    if bless {
        return golden::bless(case, &files);
    }
    golden::compare(case, &files)
}

/// Calls the plugin with an event of a fixture, natively.
pub fn run<P: Served>(event: &Event) -> Result<Outcome, String> {
    let (answer, host) = event.host().within(|| P::serve(event));
    let Some(answer) = answer else {
        return Err(format!(
            "the plugin does not serve `{}`; it serves {}",
            event.point,
            P::POINTS.join(", ")
        ));
    };
    Ok(Outcome {
        answer: answer?,
        files: host.files,
        statement_header: host.statement_header,
        statement: host.statement,
    })
}

//! Native tests of a plugin: calls the author's functions without wasm and without a host.
//!
//! [`fixtures`] runs every case of a folder and compares the outcome with the golden files. [`Host`]
//! replaces the host if a test calls the plugin itself. The host's tests run the same folders in the
//! real engine; both use the crate `galleria-fixtures`, and `sdk/GUIDE.md` documents the format.

pub(crate) mod double;
mod event;
mod host;
mod host_checks;
mod keys;
mod mutated;
mod outcome;
mod rows;
mod statement;
mod statement_size;
pub mod strict;

#[doc(hidden)]
pub use event::{point_name, raw_context};
pub use galleria_domain::feed::{CatalogueRow as ProductRow, SettlementRow};
pub use galleria_fixtures::{Event, EventContext, SaleLineRow, golden};
pub use host::{Host, KeyDouble, Logged, WrittenFile};
pub use keys::{RealKey, TestKey, TestVersion};
pub use mutated::{Amounts, ValidFile, compare_mutated};
pub use outcome::{Answer, Outcome};
pub use statement::{
    FileForm, assert_any_order, assert_same_statement, changed_lines, dressed, encoded, file_forms,
    read_statement, table,
};

use crate::Plugin;
use galleria_domain::plugin::Point;
use galleria_fixtures::run_twice;
use std::path::Path;

/// Implemented by `plugin!` on native targets: a plugin that can be called by the name of an extension
/// point.
pub trait Served: Plugin {
    /// The served extension points, as in `plugin!`: `OnPayment`.
    const POINTS: &'static [&'static str];

    /// Calls the extension point of the event. `None` if the plugin does not serve it.
    #[doc(hidden)]
    fn serve(event: &Event) -> Option<Result<Answer, String>>;
}

/// One extension point of a component.
#[doc(hidden)]
pub trait Serve<Point> {
    /// Parses the argument and calls the point.
    fn serve(event: &Event) -> Result<Answer, String>;
}

macro_rules! point_types {
    (
        react { $($(#[$react_doc:meta])* $react:ident $react_module:ident $react_name:literal $react_world:literal
            $argument:ident $fields:tt, $react_status:ident;)* }
        answer { $($(#[$answer_doc:meta])* $answer:ident $answer_module:ident $answer_name:literal $answer_world:literal
            $function:ident $code:tt -> $answer_type:ty, $answer_status:ident;)* }
        stream { $($(#[$stream_doc:meta])* $stream:ident $stream_module:ident $stream_name:literal $stream_world:literal
            $run:ident $window:tt, $stream_status:ident;)* }
    ) => {
        /// A type for each extension point, so that a component can implement [`Serve`] for several.
        #[doc(hidden)]
        pub mod points {
            $(pub struct $react;)*
            $(pub struct $answer;)*
            $(pub struct $stream;)*
        }
    };
}
galleria_contract::extension_points!(point_types);

/// Runs every case of a folder (each folder with an `event.json`) and compares the plugin's result with
/// the case's `decision/`. If the environment has `GALLERIA_BLESS=1`, it writes these files instead.
///
/// Each case runs twice, the second time as a later attempt. If the decisions differ, the plugin
/// depends on more than the event, and a retry would not be safe.
///
/// # Panics
///
/// If a case differs or cannot be read, or if there is no case. The message shows all differences.
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
        if let Err(failure) = check::<P>(case, bless) {
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

fn check<P: Served>(case: &Path, bless: bool) -> Result<(), String> {
    let event = Event::read(case)?;
    let outcome = run_twice(&event, run::<P>)?;
    if !matches!(outcome.answer, Answer::Fault(_)) {
        let problems = crate::settings::check::<P>(&event.context.settings.to_string());
        if let Some(problem) = problems.first() {
            return Err(format!("settings.check rejects its settings: {problem}"));
        }
    }
    let files = outcome.files();
    if bless {
        return golden::bless(case, &files);
    }
    golden::compare(case, &files)
}

/// Calls the plugin with an event of a fixture, natively. Fails if the host would refuse the outcome.
pub fn run<P: Served>(event: &Event) -> Result<Outcome, String> {
    let (answer, host) = event::host(event).within(|| P::serve(event));
    let Some(answer) = answer else {
        return Err(format!(
            "the plugin does not serve `{}`; it serves {}",
            event.point,
            P::POINTS.join(", ")
        ));
    };
    let outcome = Outcome {
        answer: answer?,
        files: host.files,
        statement_header: host.statement_header,
        statement: host.statement,
    };
    host_checks::check(&outcome, event.point == Point::IdentifyMember)?;
    Ok(outcome)
}

//! The SDK for plugins of Galleria.
//!
//! A plugin decides; the host acts. A plugin is a function from an event and its [`Context`] to a
//! [`Decision`]: documents to write, events to publish, requests to send. It has no side effects.
//!
//! `sdk/GUIDE.md` describes all steps from an empty folder to a component.
#![warn(missing_docs)]

#[doc(hidden)]
pub mod bindings;

mod capabilities;
mod context;
mod crash;
pub mod csv;
mod date;
mod decimal;
mod decision;
mod fault;
mod feeds;
pub mod file_name;
mod host;
pub mod log;
pub mod money;
mod number;
mod output;
mod plugin;
mod points;
mod problems;
mod settings;
mod sink;
pub mod statement;
#[cfg(not(target_arch = "wasm32"))]
pub mod testkit;
pub mod xml;

pub use capabilities::{Key, Refusal, Refused, Sealed, send, verify_token};

pub use bindings::verify_login::{Identity, Login};
#[doc(inline)]
pub use bindings::words::types::{
    Activity, AgeCheck, AgeOutcome, Attribute, Cancellation, Consent, Counter, Decimal, Decision,
    Discount, Document, Entry, Fault, FiscalMark, Foreign, Later, Line, LineKind, Member, Money,
    Origin, Outgoing, PriorDocument, Problem, Publication, Receipt, Refund, Reply, RunSchedule,
    Sale, Scope, Shift, Store, Tax, Tender, TenderTotal, Totals, Verification, VoidCause, Window,
};
pub use context::{Context, NoSettings};
pub use date::{Date, DateFormat, Instant};
pub use fault::{At, BadValue};
pub use feeds::{
    Activities, Input, Product, Products, SaleLine, SaleLines, Settlement, SettlementLine,
};
#[doc(inline)]
pub use galleria_number_format::NumberFormat;
pub use galleria_text as text;
pub use output::{Output, Statement, StatementHeader, StatementKind, StatementLine};
pub use points::*;
pub use problems::{MAX_PROBLEMS, Problems, quoted};
pub use sink::Sink;

/// The version of this SDK. Every component contains it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The items that most plugins need.
pub mod prelude {
    pub use crate::points::*;
    pub use crate::{
        Activities, Activity, At, Attribute, BadValue, Cancellation, Context, Date, Decimal,
        Decision, Discount, Document, Entry, Fault, FiscalMark, Identity, Input, Instant, Key,
        Line, LineKind, Login, Member, Money, NoSettings, Origin, Outgoing, Output, Problem,
        Problems, Products, Receipt, Refund, Reply, RunSchedule, Sale, SaleLine, SaleLines, Scope,
        Settlement, Shift, Statement, StatementHeader, StatementKind, StatementLine, Store, Tax,
        Tender, TenderTotal, Totals, Verification, VoidCause, Window,
    };
}

/// The expansion of `plugin!` uses it. Not for plugin authors.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::words::types::Context as RawContext;

    /// The types that the table of extension points names.
    pub mod types {
        pub use crate::bindings::verify_login::{Identity, Login};
        pub use crate::bindings::words::types::*;
        pub use std::primitive::str;
    }

    pub use crate::plugin::{call, check_call, join, length};
    pub use crate::settings::{check, check_scheduled};
}

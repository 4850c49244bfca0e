//! What a plugin author needs to serve a retailer on Galleria.
//!
//! A plugin decides; the host does. It is a function from an event and its [`Context`] to a
//! [`Decision`]: documents to write, events to publish, requests to send. It performs nothing itself.
//!
//! `sdk/GUIDE.md` shows the whole way from an empty folder to a component.
#![warn(missing_docs)]

#[doc(hidden)]
pub mod bindings;
mod context;
mod decision;
mod fault;
mod plugin;
mod points;
mod settings;

pub use bindings::verify_login::{Identity, Login};
#[doc(inline)]
pub use bindings::words::types::{
    Activity, AgeCheck, AgeOutcome, Attribute, Cancellation, Consent, Counter, Decimal, Decision,
    Discount, Document, Entry, Fault, FiscalMark, Foreign, Later, Line, LineKind, Member, Money,
    Origin, Outgoing, Problem, Publication, Receipt, Refund, Reply, Sale, Scope, Shift, Store, Tax,
    Tender, TenderTotal, Totals, Verification, VoidCause, Window, Written,
};
pub use context::{Context, NoSettings};
pub use fault::{At, BadValue};
pub use points::{
    ExportCatalogue, IdentifyMember, OnFiscalMark, OnPayment, OnRefund, OnReply, OnShiftEnd,
    OnVerification, OnVoid, Plugin, ReadStatement, Report, VerifyLogin, WriteSettlement,
};

/// The version of this SDK, stamped into every component.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What nearly every plugin needs.
pub mod prelude {
    pub use crate::{
        Activity, At, Attribute, Cancellation, Context, Decimal, Decision, Discount, Document,
        Entry, ExportCatalogue, Fault, FiscalMark, IdentifyMember, Identity, Line, LineKind, Login,
        Member, Money, NoSettings, OnFiscalMark, OnPayment, OnRefund, OnReply, OnShiftEnd,
        OnVerification, OnVoid, Origin, Outgoing, Plugin, Problem, ReadStatement, Receipt, Refund,
        Reply, Report, Sale, Scope, Shift, Store, Tax, Tender, TenderTotal, Totals, Verification,
        VerifyLogin, VoidCause, Window, WriteSettlement,
    };
}

/// What `plugin!` expands to. Not for authors.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::words::types::Context as RawContext;
    pub use crate::plugin::{call, join, length};
    pub use crate::settings::check;
}

//! The vocabulary and the rules of retail for the whole host.
//!
//! Owns: stores, baskets, sales, refunds, shifts, events and decisions; the checks of their sums; matching,
//! schedules and the retry policy. Never knows files, sockets, databases, clocks, or any retailer.
//!
//! The records of [`basket`], [`trade`], [`decision`] and [`context`] are the contract's
//! (`wit/v0.2.0/types.wit` documents each field); their JSON - field and case names in snake case -
//! is the only mapping: HTTP, events, fixtures and the test kits use it.

#![forbid(unsafe_code)]

pub mod access;
pub mod basket;
pub mod cash;
pub mod context;
pub mod contract;
pub mod decision;
pub mod digest;
pub mod event;
pub mod fault;
pub mod feed;
pub mod guest_values;
pub mod json_text;
pub mod matching;
pub mod names;
pub mod number;
pub mod plugin;
pub mod refunding;
pub mod retry;
pub mod schedule;
pub mod secret;
pub mod selling;
pub mod shares;
pub mod statement;
pub mod store;
pub mod tax;
pub mod trace;
pub mod trade;
pub mod zone;

pub use basket::{AgeCheck, AgeOutcome, Attribute, Discount, Foreign, Line, LineKind, Tax, Tender};
pub use context::{Context, Counter, PriorDocument, RunSchedule, Scope, Totals, Window};
pub use decision::{Decision, Document, Outgoing, Publication, Receipt, Reply};
pub use digest::Digest;
pub use event::{Event, NewEvent, Position};
pub use fault::{CallFault, Fault, HostFault, Later, Problem};
pub use json_text::{JsonText, JsonTextError};
pub use matching::{Allocation, FeeRule, MatchRule, MatchingRules, RecordedTender};
pub use number::{Decimal, MAX_SCALE, Money, ParseDecimalError};
pub use retry::{Backoff, FailedTry, NextTry, RetryPolicy};
pub use secret::{Cipher, KeyVersion, SecretKey};
pub use shares::Shares;
pub use statement::{
    Complete, MatchOutcome, Pickup, StatementHeader, StatementKind, StatementLine,
};
pub use store::Store;
pub use trade::{
    Activity, Cancellation, Consent, Entry, FiscalMark, Member, Origin, Refund, Sale, Shift,
    TenderTotal, Verification, VoidCause,
};

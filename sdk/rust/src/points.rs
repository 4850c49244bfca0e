//! What a plugin author implements: one [`Plugin`], and one trait for each extension point served.
//!
//! The traits have no `self`: an instance of a component serves one call, so there is nothing to keep.

use crate::{
    Cancellation, Context, Decision, Fault, FiscalMark, Identity, Login, Member, Outgoing, Problem,
    Refund, Reply, Sale, Shift, Totals, Verification, Window,
};
use serde::de::DeserializeOwned;

/// What every plugin has: the settings it reads, one type for all its extension points.
///
/// ```
/// use galleria_sdk::prelude::*;
///
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     file_name: String,
/// }
///
/// struct Poslog;
///
/// impl Plugin for Poslog {
///     type Settings = Settings;
///
///     fn check(settings: &Settings) -> Vec<Problem> {
///         let mut problems = Vec::new();
///         if !settings.file_name.contains("{sequence}") {
///             problems.push(Problem::new("file_name", "has to contain {sequence}"));
///         }
///         problems
///     }
/// }
/// ```
pub trait Plugin {
    /// The author's own struct. Keys that it does not know are reported before any event is sent;
    /// [`NoSettings`](crate::NoSettings) where there are none.
    type Settings: DeserializeOwned;

    /// What is wrong with settings that could be read, beyond their shape. Called once for each
    /// settings text before a configuration becomes active.
    fn check(_settings: &Self::Settings) -> Vec<Problem> {
        Vec::new()
    }
}

macro_rules! react {
    ($(#[$doc:meta])* $point:ident, $name:ident: $argument:ty) => {
        $(#[$doc])*
        pub trait $point: Plugin {
            /// The event in, the decision out. Called again with the same context and argument
            /// after a fault or a crash, so it may depend on nothing else.
            fn handle(
                cx: &Context<Self::Settings>,
                $name: &$argument,
            ) -> Result<Decision, Fault>;
        }
    };
}

react!(
    /// An order was paid.
    OnPayment, sale: Sale
);
react!(
    /// Money was given back. Comes after the payment it goes back to.
    OnRefund, refund: Refund
);
react!(
    /// An order came to nothing, or a paid one was undone.
    OnVoid, cancelled: Cancellation
);
react!(
    /// Staff verified a basket.
    OnVerification, verified: Verification
);
react!(
    /// A tax authority's mark arrived.
    OnFiscalMark, mark: FiscalMark
);
react!(
    /// A drawer was counted and closed.
    OnShiftEnd, shift: Shift
);

/// A request of an earlier decision was answered.
pub trait OnReply: Plugin {
    /// The request as it was sent, and what the target answered.
    fn handle(
        cx: &Context<Self::Settings>,
        request: &Outgoing,
        reply: &Reply,
    ) -> Result<Decision, Fault>;
}

/// Who is behind a scanned code? Sensitive: what is logged here is dropped.
pub trait IdentifyMember: Plugin {
    /// None: nobody, for whatever reason. Never tell by fault or answer *why* a code is refused.
    fn identify(cx: &Context<Self::Settings>, code: &str) -> Result<Option<Member>, Fault>;
}

/// Is this log-in good? Sensitive: what is logged here is dropped.
pub trait VerifyLogin: Plugin {
    /// None: no.
    fn verify(cx: &Context<Self::Settings>, login: &Login) -> Result<Option<Identity>, Fault>;
}

macro_rules! stream {
    ($(#[$doc:meta])* $point:ident) => {
        $(#[$doc])*
        pub trait $point: Plugin {
            /// Pulls from the feed, pushes to the output, and answers what it counted. Nothing of the
            /// output is seen outside before this ends well.
            fn run(cx: &Context<Self::Settings>, window: &Window) -> Result<Totals, Fault>;
        }
    };
}

stream!(
    /// A file about a window of days.
    Report
);
stream!(
    /// The retailer's settlement file, from statement lines as the host matched them.
    WriteSettlement
);
stream!(
    /// The retailer's product file.
    ExportCatalogue
);

/// A provider's statement, read from a file. Nothing is imported unless all of it is good.
pub trait ReadStatement: Plugin {
    /// Pulls from the input, pushes statement lines, and answers what it counted.
    fn run(cx: &Context<Self::Settings>) -> Result<Totals, Fault>;
}

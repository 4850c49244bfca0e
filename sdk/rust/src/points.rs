//! The traits of a plugin: one [`Plugin`], and one trait for each served extension point.
//!
//! The traits have no `self`: an instance of a component serves one call, so there is no state.

use crate::{
    Cancellation, Context, Decision, Fault, FiscalMark, Identity, Login, Member, Outgoing, Problem,
    Refund, Reply, RunSchedule, Sale, Shift, Totals, Verification, Window,
};
use serde::de::DeserializeOwned;

/// Common to all extension points of a plugin: the settings.
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
///             problems.push(Problem::new("file_name", "must contain {sequence}"));
///         }
///         problems
///     }
/// }
/// ```
pub trait Plugin {
    /// The author's own struct. Unknown keys are reported before any event is sent. Use
    /// [`NoSettings`](crate::NoSettings) if there are none.
    type Settings: DeserializeOwned;

    /// Returns the problems of settings with valid types. The host calls it once for each settings
    /// text before a configuration becomes active.
    fn check(_settings: &Self::Settings) -> Vec<Problem> {
        Vec::new()
    }

    /// Returns the problems of settings with the schedules of the slot, such as a file name that two
    /// runs would have: see [`file_name::repeated`](crate::file_name::repeated).
    fn check_schedules(_settings: &Self::Settings, _schedules: &[RunSchedule]) -> Vec<Problem> {
        Vec::new()
    }
}

macro_rules! traits {
    (
        react { $($(#[$react_doc:meta])* $react:ident $react_module:ident $react_name:literal $react_world:literal
            $argument:ident ($($field:ident: $field_type:ty),+), $react_status:ident;)* }
        answer { $($(#[$answer_doc:meta])* $answer:ident $answer_module:ident $answer_name:literal $answer_world:literal
            $function:ident ($code:ident: $code_type:ty) -> $answer_type:ty, $answer_status:ident;)* }
        stream { $($(#[$stream_doc:meta])* $stream:ident $stream_module:ident $stream_name:literal $stream_world:literal
            $run:ident ($($window:ident: $window_type:ty)?), $stream_status:ident;)* }
    ) => {
        $(
            $(#[$react_doc])*
            pub trait $react: Plugin {
                /// Decides what the host does about the event. The host calls it again with the same
                /// context and arguments after a fault or a crash, so it must depend on nothing else.
                fn handle(
                    cx: &Context<Self::Settings>,
                    $($field: &$field_type),+
                ) -> Result<Decision, Fault>;
            }
        )*
        $(
            $(#[$answer_doc])*
            ///
            /// Personal data passes through, so the host drops what is logged here.
            pub trait $answer: Plugin {
                /// Returns `None` to refuse. Neither a fault nor an answer may reveal *why* it refuses.
                fn $function(
                    cx: &Context<Self::Settings>,
                    $code: &$code_type,
                ) -> Result<$answer_type, Fault>;
            }
        )*
        $(
            $(#[$stream_doc])*
            pub trait $stream: Plugin {
                /// Pulls from the feeds or the input, pushes to the output, and returns its totals. The
                /// host publishes the output only after a successful return.
                fn run(
                    cx: &Context<Self::Settings>
                    $(, $window: &$window_type)?
                ) -> Result<Totals, Fault>;
            }
        )*
    };
}
galleria_contract::extension_points!(traits);

//! `plugin!`: exports a component from trait implementations.
//!
//! The macro lists each extension point once, and everything it expands to is in this module. On other
//! targets than wasm nothing is exported, and the test kit can call the plugin.

use crate::bindings::words::types::Context as Raw;
use crate::settings::check_scheduled;
use crate::{Context, Fault, Plugin, Problem, RunSchedule};

/// Exports a plugin: the named extension points and the check of its settings.
///
/// ```
/// use galleria_sdk::prelude::*;
///
/// struct Counter;
///
/// impl Plugin for Counter {
///     type Settings = NoSettings;
/// }
///
/// impl OnPayment for Counter {
///     fn handle(cx: &Context<NoSettings>, sale: &Sale) -> Result<Decision, Fault> {
///         Ok(Decision::new().note("lines", sale.lines.len().to_string()))
///     }
/// }
///
/// galleria_sdk::plugin!(Counter: OnPayment);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! plugin {
    ($plugin:ident : $($point:ident),+ $(,)?) => {
        const _: () = {
            struct Component;

            impl $crate::bindings::settings::Guest for Component {
                fn check(
                    settings: ::std::string::String,
                    schedules: ::std::vec::Vec<$crate::RunSchedule>,
                ) -> ::std::vec::Vec<$crate::Problem> {
                    $crate::__private::check_call::<$plugin>(&settings, &schedules)
                }
            }
            #[cfg(target_arch = "wasm32")]
            $crate::bindings::settings::export!(Component with_types_in $crate::bindings::settings);

            $( $crate::__point!($point $plugin Component); )+

            #[cfg(not(target_arch = "wasm32"))]
            impl $crate::testkit::Served for $plugin {
                const POINTS: &'static [&'static str] = &[$( ::std::stringify!($point) ),+];

                fn serve(
                    event: &$crate::testkit::Event,
                ) -> ::std::option::Option<::std::result::Result<$crate::testkit::Answer, ::std::string::String>> {
                    match $crate::testkit::point_name(event).as_str() {
                        $( ::std::stringify!($point) => ::std::option::Option::Some(
                            <Component as $crate::testkit::Serve<$crate::testkit::points::$point>>::serve(event)
                        ), )+
                        _ => ::std::option::Option::None,
                    }
                }
            }

            $crate::__stamp!();
        };
    };
}

macro_rules! define_point {
    ($d:tt
        react { $($(#[$react_doc:meta])* $react:ident $react_module:ident $react_name:literal $react_world:literal
            $argument:ident ($($field:ident: $field_type:ident),+), $react_status:ident;)* }
        answer { $($(#[$answer_doc:meta])* $answer:ident $answer_module:ident $answer_name:literal $answer_world:literal
            $function:ident ($code:ident: $code_type:ident) -> Option<$answer_type:ident>,
            $answer_status:ident;)* }
        stream { $($(#[$stream_doc:meta])* $stream:ident $stream_module:ident $stream_name:literal $stream_world:literal
            $run:ident ($($window:ident: $window_type:ident)?), $stream_status:ident;)* }
    ) => {
        /// Implements one extension point: a rule for each row of the table.
        #[doc(hidden)]
        #[macro_export]
        macro_rules! __point {
            $(($react $d plugin:ident $d component:ident) => {
                $crate::__export!($react_module $react handle $d plugin $d component
                    ($($field: $crate::__private::types::$field_type),+) -> $crate::Decision);
            };)*
            $(($answer $d plugin:ident $d component:ident) => {
                $crate::__export!($answer_module $answer $function $d plugin $d component
                    ($code: <$crate::__private::types::$code_type as ::std::borrow::ToOwned>::Owned)
                    -> ::std::option::Option<$crate::__private::types::$answer_type>);
            };)*
            $(($stream $d plugin:ident $d component:ident) => {
                $crate::__export!($stream_module $stream run $d plugin $d component
                    ($($window: $crate::__private::types::$window_type)?) -> $crate::Totals);
            };)*
            ($d other:ident $d plugin:ident $d component:ident) => {
                ::std::compile_error!(::std::concat!(
                    "`", ::std::stringify!($d other), "` is not an extension point; must be one of",
                    $(" ", ::std::stringify!($react),)*
                    $(" ", ::std::stringify!($answer),)*
                    $(" ", ::std::stringify!($stream),)*
                ));
            };
        }
    };
}
galleria_contract::extension_points!(define_point $);

#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($module:ident $point:ident $function:ident $plugin:ident $component:ident
        ($($name:ident: $argument:ty),*) -> $answer:ty) => {
        impl $crate::bindings::$module::Guest for $component {
            fn $function(
                cx: $crate::__private::RawContext,
                $($name: $argument),*
            ) -> ::std::result::Result<$answer, $crate::Fault> {
                $crate::__private::call::<$plugin, _>(cx, |cx| {
                    <$plugin as $crate::$point>::$function(cx, $(&$name),*)
                })
            }
        }
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::$module::export!($component with_types_in $crate::bindings::$module);

        #[cfg(not(target_arch = "wasm32"))]
        impl $crate::testkit::Serve<$crate::testkit::points::$point> for $component {
            fn serve(
                event: &$crate::testkit::Event,
            ) -> ::std::result::Result<$crate::testkit::Answer, ::std::string::String> {
                const ARGUMENTS: &[&::core::primitive::str] = &[$(::std::stringify!($name)),*];
                let answer = <Self as $crate::bindings::$module::Guest>::$function(
                    $crate::testkit::raw_context(event),
                    $(event.argument(ARGUMENTS, ::std::stringify!($name))?),*
                );
                ::std::result::Result::Ok(answer.into())
            }
        }
    };
}

/// A custom section of the component that identifies the plugin.
#[doc(hidden)]
#[macro_export]
macro_rules! __stamp {
    () => {
        const PARTS: [&str; 7] = [
            "{\"name\":\"",
            ::std::env!("CARGO_PKG_NAME"),
            "\",\"version\":\"",
            ::std::env!("CARGO_PKG_VERSION"),
            "\",\"contract\":\"0.2.0\",\"sdk\":\"",
            $crate::VERSION,
            "\"}",
        ];
        // A reader can find a custom section without running the component. `link_section` is
        // unsafe because some sections have a meaning for a linker; this section has none, and it
        // exists on wasm only.
        #[cfg(target_arch = "wasm32")]
        #[used]
        #[unsafe(link_section = "galleria:plugin")]
        static STAMP: [u8; $crate::__private::length(&PARTS)] = $crate::__private::join(&PARTS);
    };
}

/// Runs one call: parses the settings, then calls the author's function.
pub fn call<P: Plugin, R>(
    cx: Raw,
    decide: impl FnOnce(&Context<P::Settings>) -> Result<R, Fault>,
) -> Result<R, Fault> {
    crate::crash::report_panics();
    decide(&Context::read::<P>(cx)?)
}

/// Runs one check of settings.
pub fn check_call<P: Plugin>(settings: &str, schedules: &[RunSchedule]) -> Vec<Problem> {
    crate::crash::report_panics();
    check_scheduled::<P>(settings, schedules)
}

/// Returns the length of all parts.
pub const fn length(parts: &[&str]) -> usize {
    let (mut total, mut index) = (0, 0);
    while index < parts.len() {
        total += parts[index].len();
        index += 1;
    }
    total
}

/// Joins the parts to one array at compile time: a section contains bytes, not pointers.
pub const fn join<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut bytes = [0; N];
    let (mut at, mut index) = (0, 0);
    while index < parts.len() {
        let part = parts[index].as_bytes();
        let mut byte = 0;
        while byte < part.len() {
            bytes[at] = part[byte];
            at += 1;
            byte += 1;
        }
        index += 1;
    }
    bytes
}

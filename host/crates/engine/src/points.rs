//! Calls of the extension points. Derived from the table of `galleria-contract`, so that a new point
//! needs no change here.

use crate::bindings::{points as exports, types as guest};
use crate::call::Call;
use crate::convert::ToGuest;
use crate::stop::Stop;
use galleria_domain::plugin::{Inspection, Point};
use galleria_domain::{Context, HostFault};
use galleria_ports::plugins::{Argument, Stream};
use wasmtime::component::{Instance, InstancePre};

macro_rules! points {
    (
        react { $($(#[$react_doc:meta])* $react:ident $react_module:ident $react_name:literal $react_world:literal
            $argument:ident ($($field:ident: $field_type:ty),+), $react_status:ident;)* }
        answer { $($(#[$answer_doc:meta])* $answer:ident $answer_module:ident $answer_name:literal $answer_world:literal
            $function:ident $code:tt -> $answer_type:ty, $answer_status:ident;)* }
        stream { $($(#[$stream_doc:meta])* $stream:ident $stream_module:ident $stream_name:literal $stream_world:literal
            $run:ident ($($window:ident: $window_type:ty)?), $stream_status:ident;)* }
    ) => {
        /// The extension points that a component exports.
        pub(crate) struct Points {
            pub settings: exports::settings::GuestIndices,
            $($react_module: Option<exports::$react_module::GuestIndices>,)*
            $(pub $answer_module: Option<exports::$answer_module::GuestIndices>,)*
            $($stream_module: Option<exports::$stream_module::GuestIndices>,)*
        }

        impl Points {
            /// Finds the exports that the inspection listed.
            pub fn find(
                pre: &InstancePre<Call>,
                inspection: &Inspection,
            ) -> wasmtime::Result<Self> {
                macro_rules! find {
                    ($point:ident, $module:ident) => {
                        match inspection.exports.contains(&Point::$point) {
                            true => Some(exports::$module::GuestIndices::new(pre)?),
                            false => None,
                        }
                    };
                }
                Ok(Self {
                    settings: exports::settings::GuestIndices::new(pre)?,
                    $($react_module: find!($react, $react_module),)*
                    $($answer_module: find!($answer, $answer_module),)*
                    $($stream_module: find!($stream, $stream_module),)*
                })
            }

            /// Checks that every exported function has the type of the contract. Needs an instance.
            pub fn check_types(
                &self,
                store: &mut wasmtime::Store<Call>,
                instance: &Instance,
            ) -> wasmtime::Result<()> {
                macro_rules! check {
                    ($module:ident) => {
                        if let Some(point) = &self.$module {
                            point.load(&mut *store, instance)?;
                        }
                    };
                }
                self.settings.load(&mut *store, instance)?;
                $(check!($react_module);)*
                $(check!($answer_module);)*
                $(check!($stream_module);)*
                Ok(())
            }

            /// Calls the react point that takes the argument.
            pub fn handle(
                &self,
                store: &mut wasmtime::Store<Call>,
                instance: &Instance,
                cx: &Context,
                argument: &Argument,
            ) -> wasmtime::Result<Result<guest::Decision, guest::Fault>> {
                match argument {
                    $(Argument::$argument($($field),+) => {
                        let point = exported(&self.$react_module, Point::$react)?;
                        let point = point.load(&mut *store, instance)?;
                        point.call_handle(
                            &mut *store,
                            &cx.to_guest(),
                            $(&$field.to_guest()),+
                        )
                    })*
                }
            }

            /// Executes a stream point.
            pub fn run(
                &self,
                store: &mut wasmtime::Store<Call>,
                instance: &Instance,
                cx: &Context,
                run: &Stream,
            ) -> wasmtime::Result<Result<guest::Totals, guest::Fault>> {
                match run {
                    $(Stream::$run $(($window))? => {
                        let point = exported(&self.$stream_module, Point::$stream)?;
                        let point = point.load(&mut *store, instance)?;
                        point.call_run(&mut *store, &cx.to_guest() $(, &$window.to_guest())?)
                    })*
                }
            }
        }
    };
}
galleria_contract::extension_points!(points);

/// Returns the point, or the fault that the component does not export it.
pub(crate) fn exported<T>(indices: &Option<T>, point: Point) -> Result<&T, Stop> {
    indices.as_ref().ok_or_else(|| {
        Stop(HostFault::NotServed(format!(
            "the component does not export {point}"
        )))
    })
}

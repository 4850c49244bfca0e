//! The limits of a call. Each is a total over the whole call.

use serde::{Deserialize, Serialize};

/// Passes the limits to a macro: documentation, name in `host.toml` and `retailer.toml`, default of a react or
/// answer call, default of a run. The first sentence of the documentation says what is counted, and
/// `sdk/GUIDE.md` shows it.
#[macro_export]
macro_rules! call_limits {
    ($callback:ident) => {
        $callback! {
            /// CPU time of the thread, in milliseconds. A POSLOG of 50 lines takes 0.05 ms in Rust and 1.5 ms in
            /// Python; half a second is three hundred times the slower one.
            cpu_ms: 500, 600_000;
            /// Elapsed time in milliseconds, including waits for the host. A busy machine may slow a normal call
            /// tenfold.
            wall_ms: 5_000, 3_600_000;
            /// Bytes of all linear memories together. Python's interpreter alone needs 24 MiB.
            memory_bytes: 64 << 20, 64 << 20;
            /// Elements of all tables together: functions that a guest can call through a pointer. Python has
            /// about 5,000.
            table_elements: 20_000, 20_000;
            /// Bytes of a decision, or of the files of a run; each item and attribute counts 256 bytes in
            /// addition to its text. A run in Python writes a million rows within the default.
            output_bytes: 4 << 20, 4 << 30;
            /// Documents, publications, requests and receipts of a decision together, or files of a run. Each
            /// becomes a row of one transaction, which other stores wait for; the known plugins write fewer than
            /// ten.
            items: 1_000, 1_000;
            /// Notes, attributes of receipts and headers of requests of a decision together; sums of a run's
            /// totals; attributes of a member. Each is stored with its item; the known plugins write fewer than
            /// twenty.
            attributes: 1_000, 1_000;
            /// Bytes of log lines with their fields; further lines are dropped and counted.
            log_bytes: 64 << 10, 1 << 20;
            /// Calls of capabilities.
            host_calls: 10_000, 10_000_000;
        }
    };
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $call:expr, $run:expr;)*) => {
        /// The limits of one call, each for the whole call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Limits {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Limits {
            /// For react and answer points.
            pub const CALL: Self = Self { $($name: $call,)* };

            /// For stream points.
            pub const RUN: Self = Self { $($name: $run,)* };

            /// Combines each limit with the same limit of `other`.
            pub fn with(self, other: Self, combine: impl Fn(u64, u64) -> u64) -> Self {
                Self { $($name: combine(self.$name, other.$name),)* }
            }
        }
    };
}
call_limits!(limits);

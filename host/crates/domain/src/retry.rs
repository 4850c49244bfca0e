//! The retry policy: how long work waits after a failure, and when it is given up.
//!
//! Owns: back-off, jitter, the delay a guest requests, and the limits on tries and on age. Events, runs,
//! relays and delivery all use it; each has its own numbers. `tests::the_policy` is the specification.

use crate::Digest;
use crate::fault::{CallFault, Fault, HostFault};
use backon::BackoffBuilder as _;
use std::time::Duration;

/// The longest delay that a guest can request.
pub const LONGEST_REQUESTED_DELAY: Duration = Duration::from_secs(3_600);

/// Pause of a loop after a failed pass, usually a database outage.
pub const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

/// Wait before the next try of a document that could not be delivered, and of a statement file that could not
/// be imported for a reason that may pass.
pub const DELIVERY_WAIT: Duration = Duration::from_secs(60);

/// Shortest and longest time for which an event of a busy store is set aside.
const SET_ASIDE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));

/// How waits grow with the number of failures in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// Each wait is the previous one times this.
    pub factor: u32,
    /// Waits grow up to this.
    pub longest: Duration,
}

impl Backoff {
    /// For a broker that cannot be written: one that restarts is back within seconds.
    pub const RELAY: Self = Self {
        first: Duration::from_secs(1),
        factor: 2,
        longest: Duration::from_secs(30),
    };

    /// The wait after this many failures in a row, from 1.
    ///
    /// A jitter adds up to as much again, so that work that failed together does not return together. It
    /// derives from `id` and the number of failures: the same failure always gets the same wait.
    pub fn wait(&self, failures: u32, id: &str) -> Duration {
        let earlier = failures.saturating_sub(1);
        let seed = Digest::of(format!("{id}/{earlier}").as_bytes());
        let seed = u64::from_str_radix(&seed.as_str()[..16], 16).unwrap_or_default();
        let factor = u16::try_from(self.factor).unwrap_or(u16::MAX);
        backon::ExponentialBuilder::default()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_factor(f32::from(factor))
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(seed)
            .build()
            // With a factor of 2 or more, 64 steps exceed every duration.
            .nth(earlier.min(64) as usize)
            .unwrap_or(self.longest)
    }
}

/// The next step after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTry {
    /// Try again after this time.
    After(Duration),
    /// Do not try again: an event becomes a dead letter, a run is dead.
    GiveUp,
}

/// How often and for how long one kind of work is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The waits between tries.
    pub backoff: Backoff,
    /// Tries in total, the first included.
    pub tries: u32,
    /// The age at which postponed work is given up; if absent, `tries` limits postponed work too.
    ///
    /// Work is postponed when the guest requests a retry or the host itself failed. Neither says that
    /// another try would fail.
    pub max_age: Option<Duration>,
}

/// A try that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedTry<'a> {
    /// Identifies the work; seeds the jitter.
    pub id: &'a str,
    /// Failures so far, this one included.
    pub failures: u32,
    /// Time since the first try.
    pub age: Duration,
    /// The code of the fault that ended the previous try.
    pub previous: Option<&'a str>,
}

impl RetryPolicy {
    /// Returns the next step after a call that ended with `fault`.
    pub fn after(&self, fault: &CallFault, failed: FailedTry<'_>) -> NextTry {
        let limited_by_tries = failed.failures >= self.tries;
        let limited_by_age = match self.max_age {
            Some(max_age) => failed.age > max_age,
            None => limited_by_tries,
        };
        let (give_up, requested) = match fault {
            // Deterministic: the same component decides the same about the same event.
            CallFault::Guest(Fault::Invalid(_) | Fault::Misconfigured(_))
            | CallFault::Host(HostFault::Denied(_) | HostFault::ContractBroken(_)) => (true, None),
            // Once, a busy machine may be the cause. Twice in a row, it is the plugin.
            CallFault::Host(HostFault::OutOfCpu(_)) => {
                let again = failed.previous == Some(fault.code());
                (limited_by_tries || again, None)
            }
            CallFault::Guest(Fault::Retry(later)) => (limited_by_age, later.seconds),
            CallFault::Host(HostFault::HostFailed(_)) => (limited_by_age, None),
            CallFault::Guest(Fault::Failed(_))
            | CallFault::Host(
                HostFault::Trapped(_)
                | HostFault::TimedOut(_)
                | HostFault::OutOfMemory(_)
                | HostFault::OutputTooLarge(_)
                | HostFault::TooManyCalls(_)
                // Another host may serve it: versions and configurations are rolled out host by host.
                | HostFault::NotServed(_),
            ) => (limited_by_tries, None),
        };
        if give_up {
            return NextTry::GiveUp;
        }
        let backoff = self.backoff.wait(failed.failures, failed.id);
        let requested = requested.map_or(Duration::ZERO, |seconds| {
            Duration::from_secs(seconds.into()).min(LONGEST_REQUESTED_DELAY)
        });
        // A guest can only prolong the wait. Otherwise one that requests a second would be called 86,400 times
        // a day, each time with a row in the journal.
        NextTry::After(requested.max(backoff))
    }
}

/// Returns the next step if an event's cause has not taken effect yet: look again after the longest wait,
/// until the event has waited longer than `limit`. The cause wakes the event; looking again only covers
/// a wake-up that was lost.
pub fn wait_for_cause(backoff: &Backoff, limit: Duration, age: Duration) -> NextTry {
    if age > limit {
        NextTry::GiveUp
    } else {
        NextTry::After(backoff.longest)
    }
}

/// How long an event of a busy store is set aside: half its age, so that a long backlog is not written
/// again all the time.
pub fn set_aside(age: Duration) -> Duration {
    let (shortest, longest) = SET_ASIDE;
    (age / 2).clamp(shortest, longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Later;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(1),
        factor: 4,
        longest: Duration::from_secs(300),
    };

    /// Five tries; work that is postponed may grow a day old.
    const EVENT: RetryPolicy = RetryPolicy {
        backoff: BACKOFF,
        tries: 5,
        max_age: Some(Duration::from_secs(DAY)),
    };

    /// Five tries for every reason.
    const RUN: RetryPolicy = RetryPolicy {
        max_age: None,
        ..EVENT
    };

    const DAY: u64 = 86_400;

    fn retry(seconds: Option<u32>) -> CallFault {
        CallFault::Guest(Fault::Retry(Later {
            seconds,
            reason: "busy".into(),
        }))
    }

    fn host(fault: impl FnOnce(String) -> HostFault) -> CallFault {
        CallFault::Host(fault("why".into()))
    }

    /// The expected result of a row. A back-off is at least the given seconds and less than twice as long.
    #[derive(Clone, Copy, Debug)]
    enum Expected {
        Backoff(u64),
        Exactly(u64),
        GiveUp,
    }

    fn check(row: &str, next: NextTry, expected: Expected) {
        let ok = match (next, expected) {
            (NextTry::GiveUp, Expected::GiveUp) => true,
            (NextTry::After(wait), Expected::Exactly(seconds)) => {
                wait == Duration::from_secs(seconds)
            }
            (NextTry::After(wait), Expected::Backoff(seconds)) => {
                let least = Duration::from_secs(seconds);
                (least..2 * least).contains(&wait)
            }
            _ => false,
        };
        assert!(ok, "{row}: expected {expected:?}, got {next:?}");
    }

    #[test]
    fn the_policy() {
        use Expected::{Backoff, Exactly, GiveUp};
        let invalid = CallFault::Guest(Fault::Invalid(Vec::new()));
        let misconfigured = CallFault::Guest(Fault::Misconfigured(Vec::new()));
        let failed = CallFault::Guest(Fault::Failed("why".into()));
        let denied = host(HostFault::Denied);
        let broken = host(HostFault::ContractBroken);
        let host_failed = host(HostFault::HostFailed);
        #[rustfmt::skip]
        let table = [
            // fault, failures, age in seconds, event, run
            // Another try cannot help.
            (&invalid,                 1, 0,       GiveUp,         GiveUp),
            (&misconfigured,           1, 0,       GiveUp,         GiveUp),
            (&denied,                  1, 0,       GiveUp,         GiveUp),
            (&broken,                  1, 0,       GiveUp,         GiveUp),
            // Limited by tries.
            (&failed,                  1, 0,       Backoff(1),     Backoff(1)),
            (&failed,                  2, 1,       Backoff(4),     Backoff(4)),
            (&failed,                  3, 5,       Backoff(16),    Backoff(16)),
            (&failed,                  4, 2 * DAY, Backoff(64),    Backoff(64)),
            (&failed,                  5, 86,      GiveUp,         GiveUp),
            (&failed,                  6, 86,      GiveUp,         GiveUp),
            // Postponed: an event's age counts, a run's tries.
            (&host_failed,             1, 0,       Backoff(1),     Backoff(1)),
            (&host_failed,             4, DAY,     Backoff(64),    Backoff(64)),
            (&host_failed,             5, DAY,     Backoff(256),   GiveUp),
            (&host_failed,             6, DAY,     Backoff(300),   GiveUp),
            (&host_failed,             9, DAY + 1, GiveUp,         GiveUp),
            (&retry(None),             1, 0,       Backoff(1),     Backoff(1)),
            (&retry(None),             7, DAY,     Backoff(300),   GiveUp),
            (&retry(None),             7, DAY + 1, GiveUp,         GiveUp),
            // A requested delay prolongs the back-off, to an hour at most.
            (&retry(Some(0)),          1, 0,       Backoff(1),     Backoff(1)),
            (&retry(Some(1)),          3, 0,       Backoff(16),    Backoff(16)),
            (&retry(Some(1)),          9, DAY,     Backoff(300),   GiveUp),
            (&retry(Some(150)),        4, 0,       Exactly(150),   Exactly(150)),
            (&retry(Some(9_999)),      1, 0,       Exactly(3_600), Exactly(3_600)),
            (&retry(Some(900)),        5, DAY,     Exactly(900),   GiveUp),
            (&retry(Some(90)),         1, DAY + 1, GiveUp,         Exactly(90)),
        ];
        for (number, (fault, failures, age, event, run)) in table.into_iter().enumerate() {
            let failed = FailedTry {
                id: "payment:1",
                failures,
                age: Duration::from_secs(age),
                previous: None,
            };
            for (name, policy, expected) in [("event", EVENT, event), ("run", RUN, run)] {
                let row = format!("row {number}, {name}, {fault:?}");
                check(&row, policy.after(fault, failed), expected);
            }
        }
    }

    #[test]
    fn every_other_host_fault_is_limited_by_tries() {
        let faults = [
            host(HostFault::Trapped),
            CallFault::Host(HostFault::OutOfCpu(1)),
            CallFault::Host(HostFault::TimedOut(1)),
            CallFault::Host(HostFault::OutOfMemory(1)),
            CallFault::Host(HostFault::OutputTooLarge(1)),
            CallFault::Host(HostFault::TooManyCalls(1)),
            host(HostFault::NotServed),
        ];
        for fault in faults {
            for (failures, expected) in [(4, Expected::Backoff(64)), (5, Expected::GiveUp)] {
                let failed = FailedTry {
                    id: "payment:1",
                    failures,
                    age: Duration::ZERO,
                    previous: None,
                };
                let row = format!("{fault:?}, failure {failures}");
                check(&row, EVENT.after(&fault, failed), expected);
                check(&row, RUN.after(&fault, failed), expected);
            }
        }
    }

    #[test]
    fn the_same_fault_twice_in_a_row() {
        use Expected::{Backoff, GiveUp};
        let out_of_cpu = CallFault::Host(HostFault::OutOfCpu(1));
        let timed_out = CallFault::Host(HostFault::TimedOut(1));
        let trapped = host(HostFault::Trapped);
        let host_failed = host(HostFault::HostFailed);
        #[rustfmt::skip]
        let table = [
            // fault, code of the previous fault, failures, expected
            (&out_of_cpu,  None,                2, Backoff(4)),
            (&out_of_cpu,  Some("out_of_cpu"),  2, GiveUp),
            (&out_of_cpu,  Some("out_of_cpu"),  3, GiveUp),
            (&out_of_cpu,  Some("timed_out"),   2, Backoff(4)),
            (&out_of_cpu,  Some("host_failed"), 3, Backoff(16)),
            (&out_of_cpu,  Some("retry"),       3, Backoff(16)),
            (&out_of_cpu,  Some("trapped"),     5, GiveUp),
            // Another fault interrupts the row, and may pass.
            (&timed_out,   Some("out_of_cpu"),  2, Backoff(4)),
            (&host_failed, Some("out_of_cpu"),  2, Backoff(4)),
            (&timed_out,   Some("timed_out"),   2, Backoff(4)),
            (&trapped,     Some("trapped"),     2, Backoff(4)),
            (&host_failed, Some("host_failed"), 2, Backoff(4)),
        ];
        for (fault, previous, failures, expected) in table {
            let failed = FailedTry {
                id: "payment:1",
                failures,
                age: Duration::ZERO,
                previous,
            };
            let row = format!("{fault:?} after {previous:?}, failure {failures}");
            check(&row, EVENT.after(fault, failed), expected);
            check(&row, RUN.after(fault, failed), expected);
        }
    }

    #[test]
    fn waits_grow_to_the_longest_and_differ_between_ids() {
        for (failures, seconds) in [(1, 1), (2, 2), (5, 16), (6, 30), (7, 30), (u32::MAX, 30)] {
            let wait = Backoff::RELAY.wait(failures, "relay");
            check("relay", NextTry::After(wait), Expected::Backoff(seconds));
        }
        let of = |id| BACKOFF.wait(3, id);
        assert_eq!(of("payment:1"), of("payment:1"));
        assert_ne!(of("payment:1"), of("payment:2"));
        let constant = Backoff {
            factor: 1,
            ..BACKOFF
        };
        check(
            "constant",
            NextTry::After(constant.wait(9, "a")),
            Expected::Backoff(1),
        );
    }

    #[test]
    fn an_event_waits_for_its_cause_until_it_is_too_old() {
        let limit = Duration::from_secs(DAY);
        for (age, expected) in [
            (0, Expected::Exactly(300)),
            (DAY, Expected::Exactly(300)),
            (DAY + 1, Expected::GiveUp),
        ] {
            let next = wait_for_cause(&BACKOFF, limit, Duration::from_secs(age));
            check("cause", next, expected);
        }
    }

    #[test]
    fn an_event_is_set_aside_for_half_its_age() {
        for (age, seconds) in [(0, 2), (4, 2), (20, 10), (60, 30), (DAY, 30)] {
            assert_eq!(
                set_aside(Duration::from_secs(age)),
                Duration::from_secs(seconds)
            );
        }
    }
}

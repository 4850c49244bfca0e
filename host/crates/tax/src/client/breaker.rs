//! A breaker: after several failed calls in a row, a service is not called for a while. Then one call finds out whether
//! it works again. The time is an argument.

use galleria_ports::tax::BreakerState;
use std::time::{Duration, Instant};

/// The time after which callers may try again while a call finds out whether the service works again.
const PROBING: Duration = Duration::from_secs(1);

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The service works.
    Answered,
    /// The service failed.
    Failed,
    /// The caller stopped waiting, so nothing is known.
    Abandoned,
}

/// A permitted call. It must be passed to [`Breaker::end`].
#[derive(Debug)]
#[must_use]
pub(crate) struct Permit {
    /// Whether the call finds out whether the service works again.
    probe: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

#[derive(Debug)]
pub(crate) struct Breaker {
    limit: u32,
    pause: Duration,
    state: State,
}

impl Breaker {
    /// Opens after `limit` failures in a row, for `pause`.
    pub(crate) const fn new(limit: u32, pause: Duration) -> Self {
        Self {
            limit,
            pause,
            state: State::Closed { failures: 0 },
        }
    }

    /// Permits a call, or returns the time to wait.
    pub(crate) fn begin(&mut self, now: Instant) -> Result<Permit, Duration> {
        match self.state {
            State::Closed { .. } => Ok(Permit { probe: false }),
            State::Open { until } if now < until => Err(until - now),
            State::Open { .. } => {
                self.state = State::Probing;
                Ok(Permit { probe: true })
            }
            State::Probing => Err(PROBING.min(self.pause)),
        }
    }

    /// Ends a call. Returns the new state if the breaker opened or closed.
    pub(crate) fn end(
        &mut self,
        permit: Permit,
        ended: Ended,
        now: Instant,
    ) -> Option<BreakerState> {
        let open = State::Open {
            until: now + self.pause,
        };
        let (state, changed) = match (self.state, ended) {
            // A call that began before the breaker opened decides nothing.
            (State::Open { .. } | State::Probing, _) if !permit.probe => return None,
            (State::Closed { .. }, Ended::Answered) => (State::Closed { failures: 0 }, None),
            (State::Closed { failures }, Ended::Failed) if failures + 1 < self.limit => {
                let failures = failures + 1;
                (State::Closed { failures }, None)
            }
            (State::Closed { .. }, Ended::Abandoned) => return None,
            (State::Closed { .. }, Ended::Failed) => (open, Some(BreakerState::Open)),
            (_, Ended::Answered) => (State::Closed { failures: 0 }, Some(BreakerState::Closed)),
            (_, Ended::Failed) => (open, None),
            (_, Ended::Abandoned) => (State::Open { until: now }, None),
        };
        self.state = state;
        changed
    }

    pub(crate) fn state(&self, now: Instant) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until } if now < until => BreakerState::Open,
            State::Open { .. } | State::Probing => BreakerState::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    fn call(breaker: &mut Breaker, ended: Ended, now: Instant) -> Option<BreakerState> {
        let permit = breaker.begin(now).expect("permitted");
        breaker.end(permit, ended, now)
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_after_one_success() {
        let (mut breaker, start) = (Breaker::new(3, PAUSE), Instant::now());
        for ended in [
            Ended::Failed,
            Ended::Failed,
            Ended::Answered,
            Ended::Failed,
            Ended::Failed,
        ] {
            assert_eq!(call(&mut breaker, ended, start), None);
        }
        assert_eq!(breaker.state(start), BreakerState::Closed);
        assert_eq!(
            call(&mut breaker, Ended::Failed, start),
            Some(BreakerState::Open)
        );
        assert_eq!(
            breaker.begin(after(start, 4)).expect_err("open"),
            Duration::from_secs(6)
        );
        assert_eq!(breaker.state(after(start, 9)), BreakerState::Open);
        assert_eq!(breaker.state(after(start, 10)), BreakerState::HalfOpen);
        // One probe at a time.
        let probe = breaker.begin(after(start, 10)).expect("a probe");
        assert!(breaker.begin(after(start, 11)).is_err());
        assert_eq!(breaker.end(probe, Ended::Failed, after(start, 12)), None);
        assert_eq!(
            breaker.begin(after(start, 13)).expect_err("open again"),
            Duration::from_secs(9)
        );
        assert_eq!(
            call(&mut breaker, Ended::Answered, after(start, 22)),
            Some(BreakerState::Closed)
        );
        assert_eq!(breaker.state(after(start, 22)), BreakerState::Closed);
        // The failures before it opened do not count again.
        assert_eq!(call(&mut breaker, Ended::Failed, after(start, 23)), None);
    }

    #[test]
    fn an_abandoned_probe_lets_the_next_call_probe() {
        let (mut breaker, start) = (Breaker::new(1, PAUSE), Instant::now());
        assert_eq!(
            call(&mut breaker, Ended::Failed, start),
            Some(BreakerState::Open)
        );
        assert_eq!(call(&mut breaker, Ended::Abandoned, after(start, 10)), None);
        assert_eq!(
            call(&mut breaker, Ended::Answered, after(start, 10)),
            Some(BreakerState::Closed)
        );
        assert_eq!(call(&mut breaker, Ended::Abandoned, after(start, 11)), None);
    }

    #[test]
    fn calls_that_began_before_it_opened_decide_nothing() {
        let (mut breaker, start) = (Breaker::new(1, PAUSE), Instant::now());
        let early: Vec<Permit> = (0..3)
            .map(|_| breaker.begin(start).expect("closed"))
            .collect();
        let mut early = early.into_iter();
        let mut end = |breaker: &mut Breaker, ended, seconds| {
            breaker.end(early.next().expect("three"), ended, after(start, seconds))
        };
        assert_eq!(
            end(&mut breaker, Ended::Failed, 1),
            Some(BreakerState::Open)
        );
        assert_eq!(end(&mut breaker, Ended::Answered, 2), None);
        // Nor do late failures prolong the pause.
        assert_eq!(end(&mut breaker, Ended::Failed, 5), None);
        assert_eq!(breaker.state(after(start, 11)), BreakerState::HalfOpen);
    }
}

//! The host's workers as readiness sees them: each beats as it goes on, and none may end early.
//!
//! Owns: when a worker last went on. Never starts, stops or restarts one.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

/// The workers of a host. Clones share them.
#[derive(Clone, Default)]
pub struct Workers(Arc<Mutex<Vec<Watched>>>);

#[derive(Clone)]
struct Watched {
    name: &'static str,
    /// How long it may be silent; none where it may work on one thing for as long as it takes.
    patience: Option<Duration>,
    beat: Arc<Beat>,
}

/// How a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pulse {
    Going,
    Silent(Duration),
    Ended,
}

/// When a worker went on last.
struct Beat {
    began: Instant,
    /// Milliseconds after `began`; [`ENDED`] once it has ended.
    at: AtomicU64,
}

const ENDED: u64 = u64::MAX;

impl Beat {
    fn now(&self) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(ENDED - 1);
        self.at.store(ms, Ordering::Relaxed);
    }
}

/// Ends the beat however a worker ends.
struct End(Arc<Beat>, &'static str);

impl Drop for End {
    fn drop(&mut self) {
        self.0.at.store(ENDED, Ordering::Relaxed);
        if std::thread::panicking() {
            tracing::error!(
                worker = self.1,
                "a worker of the host broke down: it is not ready any more and must be restarted"
            );
        }
    }
}

impl Workers {
    /// The same work, watched: it beats whenever it goes on, and is ended when it ends or panics.
    /// Where it is silent for longer than its patience, the host is not ready.
    pub fn watched<F: Future<Output = ()>>(
        &self,
        name: &'static str,
        patience: Option<Duration>,
        work: F,
    ) -> impl Future<Output = ()> + use<F> {
        let beat = Arc::new(Beat {
            began: Instant::now(),
            at: AtomicU64::new(0),
        });
        let watched = Watched {
            name,
            patience,
            beat: Arc::clone(&beat),
        };
        let mut workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        workers.push(watched);
        let end = End(Arc::clone(&beat), name);
        async move {
            let _end = end;
            let mut work = pin!(work);
            std::future::poll_fn(|cx| -> Poll<()> {
                beat.now();
                work.as_mut().poll(cx)
            })
            .await;
        }
    }

    /// How each is.
    pub(crate) fn pulses(&self) -> Vec<(&'static str, Pulse)> {
        let workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        workers.iter().map(|one| (one.name, one.pulse())).collect()
    }
}

impl Watched {
    fn pulse(&self) -> Pulse {
        let at = self.beat.at.load(Ordering::Relaxed);
        if at == ENDED {
            return Pulse::Ended;
        }
        let silent = self
            .beat
            .began
            .elapsed()
            .saturating_sub(Duration::from_millis(at));
        match self.patience {
            Some(patience) if silent > patience => Pulse::Silent(silent),
            _ => Pulse::Going,
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pulses()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_is_going_until_it_ends_breaks_down_or_falls_silent() {
        let workers = Workers::default();
        let short = Some(Duration::from_millis(20));
        let ends = workers.watched("ends", None, async {});
        let breaks = workers.watched("breaks", None, async { panic!("broken") });
        let _silent = tokio::spawn(workers.watched("silent", short, std::future::pending()));
        let _patient = tokio::spawn(workers.watched("patient", None, std::future::pending()));
        let beats = async {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let beats = workers.watched("beats", Some(Duration::from_secs(5)), beats);
        let _beats = tokio::spawn(beats);
        let going: Vec<_> = workers
            .pulses()
            .into_iter()
            .map(|(_, pulse)| pulse)
            .collect();
        assert_eq!(going, [Pulse::Going; 5]);
        ends.await;
        tokio::spawn(breaks).await.expect_err("broken");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let pulses = workers.pulses();
        assert_eq!(pulses[0], ("ends", Pulse::Ended));
        assert_eq!(pulses[1], ("breaks", Pulse::Ended));
        assert!(
            matches!(pulses[2], ("silent", Pulse::Silent(_))),
            "{pulses:?}"
        );
        assert_eq!(
            pulses[3..],
            [("patient", Pulse::Going), ("beats", Pulse::Going)]
        );
    }
}

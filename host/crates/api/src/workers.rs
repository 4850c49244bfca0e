//! The host's workers as readiness sees them: each beats as it goes on, and none may end early.
//!
//! Owns: when a worker last went on. Never starts, stops or restarts one.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

/// The workers of a host. Clones share them.
#[derive(Clone, Default)]
pub struct Workers {
    list: Arc<Mutex<Vec<Watched>>>,
    /// Whose workers are watched by this clone.
    role: Option<&'static str>,
}

/// What a worker says of itself: whether it stands by while another host does its work, and words for
/// people.
type Note = Arc<dyn Fn() -> (bool, String) + Send + Sync>;

#[derive(Clone)]
struct Watched {
    name: &'static str,
    role: Option<&'static str>,
    note: Option<Note>,
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

/// A worker as a probe tells it.
#[derive(Debug)]
pub(crate) struct Told {
    pub name: &'static str,
    pub role: Option<&'static str>,
    pub pulse: Pulse,
    pub standing_by: bool,
    pub note: Option<String>,
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
    /// The same workers; those that are watched by this clone belong to a role.
    #[must_use]
    pub fn of(&self, role: &'static str) -> Self {
        Self {
            list: Arc::clone(&self.list),
            role: Some(role),
        }
    }

    /// Lets a worker that is watched say of itself whether it stands by, and more for people.
    pub fn noted<N>(&self, name: &'static str, note: N)
    where
        N: Fn() -> (bool, String) + Send + Sync + 'static,
    {
        let mut list = self.list();
        if let Some(worker) = list.iter_mut().find(|worker| worker.name == name) {
            worker.note = Some(Arc::new(note));
        }
    }

    fn list(&self) -> MutexGuard<'_, Vec<Watched>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

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
            role: self.role,
            note: None,
            patience,
            beat: Arc::clone(&beat),
        };
        self.list().push(watched);
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

    /// How each is, where it may be silent for `times` its patience.
    pub(crate) fn told(&self, times: u32) -> Vec<Told> {
        // Notes may look elsewhere: they are asked when the list is free again.
        let list = self.list().clone();
        let told = list.iter().map(|one| {
            let note = one.note.as_ref().map(|note| note());
            Told {
                name: one.name,
                role: one.role,
                pulse: one.pulse(times),
                standing_by: note.as_ref().is_some_and(|(standing_by, _)| *standing_by),
                note: note.map(|(_, words)| words),
            }
        });
        told.collect()
    }
}

impl Watched {
    fn pulse(&self, times: u32) -> Pulse {
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
            Some(patience) if silent > patience * times => Pulse::Silent(silent),
            _ => Pulse::Going,
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.told(1)).finish()
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
        let pulses = |times| -> Vec<_> {
            let told = workers.told(times).into_iter();
            told.map(|one| (one.name, one.pulse)).collect()
        };
        let going: Vec<_> = pulses(1).into_iter().map(|(_, pulse)| pulse).collect();
        assert_eq!(going, [Pulse::Going; 5]);
        ends.await;
        tokio::spawn(breaks).await.expect_err("broken");
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(pulses(1000)[2], ("silent", Pulse::Going));
        let pulses = pulses(1);
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

    #[tokio::test]
    async fn a_worker_has_its_role_and_says_whether_it_stands_by() {
        let workers = Workers::default();
        let _one = workers.of("consumer").watched("one", None, async {});
        let _two = workers.watched("two", None, async {});
        workers.noted("one", || (true, "another host".to_owned()));
        let told = workers.told(1);
        assert_eq!((told[0].role, told[1].role), (Some("consumer"), None));
        assert!(told[0].standing_by && !told[1].standing_by);
        assert_eq!(told[0].note.as_deref(), Some("another host"));
    }
}

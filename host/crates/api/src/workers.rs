//! The workers of the host, as readiness reports them: each has a heartbeat, and none may end early.
//!
//! Owns: the time of the last heartbeat. Never starts, stops or restarts a worker.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

/// The workers of a host. Clones share them.
#[derive(Clone, Default)]
pub struct Workers {
    list: Arc<Mutex<Vec<Worker>>>,
    /// The role of the workers that this clone adds.
    role: Option<&'static str>,
}

/// Describes a worker: whether it stands by while another host does its work, and details for people.
type Describe = Arc<dyn Fn() -> (bool, String) + Send + Sync>;

#[derive(Clone)]
struct Worker {
    name: &'static str,
    role: Option<&'static str>,
    describe: Option<Describe>,
    /// Maximum time without a heartbeat; `None` if one step of its work may take any time.
    max_silence: Option<Duration>,
    heartbeat: Arc<Heartbeat>,
}

/// The state of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkerState {
    Running,
    Silent(Duration),
    Ended,
}

/// A worker in the response of a probe.
#[derive(Debug)]
pub(crate) struct WorkerStatus {
    pub name: &'static str,
    pub role: Option<&'static str>,
    pub state: WorkerState,
    pub standing_by: bool,
    pub detail: Option<String>,
}

/// The last sign of life of a worker.
struct Heartbeat {
    started: Instant,
    /// Milliseconds after `started`; [`ENDED`] after its end.
    at: AtomicU64,
}

const ENDED: u64 = u64::MAX;

impl Heartbeat {
    fn beat(&self) {
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(ENDED - 1);
        self.at.store(ms, Ordering::Relaxed);
    }
}

/// Records the end of a worker, however it ends.
struct EndGuard(Arc<Heartbeat>, &'static str);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0.at.store(ENDED, Ordering::Relaxed);
        if std::thread::panicking() {
            tracing::error!(
                worker = self.1,
                "worker panicked: the host is not ready until it is restarted"
            );
        }
    }
}

impl Workers {
    /// A clone whose added workers belong to a role.
    #[must_use]
    pub fn for_role(&self, role: &'static str) -> Self {
        Self {
            list: Arc::clone(&self.list),
            role: Some(role),
        }
    }

    /// Sets the description of a worker: whether it stands by, and details for people.
    pub fn describe<D>(&self, name: &'static str, describe: D)
    where
        D: Fn() -> (bool, String) + Send + Sync + 'static,
    {
        let mut list = self.list();
        if let Some(worker) = list.iter_mut().find(|worker| worker.name == name) {
            worker.describe = Some(Arc::new(describe));
        }
    }

    fn list(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a worker and returns its work with a heartbeat at every poll. The host is not ready if the work
    /// ends, panics, or has no heartbeat for longer than `max_silence`.
    pub fn watch<F: Future<Output = ()>>(
        &self,
        name: &'static str,
        max_silence: Option<Duration>,
        work: F,
    ) -> impl Future<Output = ()> + use<F> {
        let heartbeat = Arc::new(Heartbeat {
            started: Instant::now(),
            at: AtomicU64::new(0),
        });
        let worker = Worker {
            name,
            role: self.role,
            describe: None,
            max_silence,
            heartbeat: Arc::clone(&heartbeat),
        };
        self.list().push(worker);
        let guard = EndGuard(Arc::clone(&heartbeat), name);
        async move {
            let _guard = guard;
            let mut work = pin!(work);
            std::future::poll_fn(|cx| -> Poll<()> {
                heartbeat.beat();
                work.as_mut().poll(cx)
            })
            .await;
        }
    }

    /// The status of every worker. Each may be silent for `factor` times its `max_silence`.
    pub(crate) fn status(&self, factor: u32) -> Vec<WorkerStatus> {
        // Descriptions may take other locks: call them without holding the lock of the list.
        let list = self.list().clone();
        let status = list.iter().map(|worker| {
            let description = worker.describe.as_ref().map(|describe| describe());
            let standing_by = description.as_ref().map(|(standing_by, _)| *standing_by);
            WorkerStatus {
                name: worker.name,
                role: worker.role,
                state: worker.state(factor),
                standing_by: standing_by.unwrap_or(false),
                detail: description.map(|(_, detail)| detail),
            }
        });
        status.collect()
    }
}

impl Worker {
    fn state(&self, factor: u32) -> WorkerState {
        let at = self.heartbeat.at.load(Ordering::Relaxed);
        if at == ENDED {
            return WorkerState::Ended;
        }
        let silent = self
            .heartbeat
            .started
            .elapsed()
            .saturating_sub(Duration::from_millis(at));
        match self.max_silence {
            Some(max) if silent > max * factor => WorkerState::Silent(silent),
            _ => WorkerState::Running,
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.status(1)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_runs_until_it_ends_panics_or_falls_silent() {
        let workers = Workers::default();
        let short = Some(Duration::from_millis(20));
        let ends = workers.watch("ends", None, async {});
        let panics = workers.watch("panics", None, async { panic!("a test") });
        let _silent = tokio::spawn(workers.watch("silent", short, std::future::pending()));
        let _patient = tokio::spawn(workers.watch("patient", None, std::future::pending()));
        let beats = async {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let beats = workers.watch("beats", Some(Duration::from_secs(5)), beats);
        let _beats = tokio::spawn(beats);
        let states = |factor| -> Vec<_> {
            let status = workers.status(factor).into_iter();
            status.map(|one| (one.name, one.state)).collect()
        };
        let at_first: Vec<_> = states(1).into_iter().map(|(_, state)| state).collect();
        assert_eq!(at_first, [WorkerState::Running; 5]);
        ends.await;
        tokio::spawn(panics).await.expect_err("a panic");
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(states(1000)[2], ("silent", WorkerState::Running));
        let states = states(1);
        assert_eq!(states[0], ("ends", WorkerState::Ended));
        assert_eq!(states[1], ("panics", WorkerState::Ended));
        assert!(
            matches!(states[2], ("silent", WorkerState::Silent(_))),
            "{states:?}"
        );
        assert_eq!(
            states[3..],
            [
                ("patient", WorkerState::Running),
                ("beats", WorkerState::Running)
            ]
        );
    }

    #[tokio::test]
    async fn a_worker_has_a_role_and_a_description() {
        let workers = Workers::default();
        let _one = workers.for_role("consumer").watch("one", None, async {});
        let _two = workers.watch("two", None, async {});
        workers.describe("one", || (true, "another host".to_owned()));
        let status = workers.status(1);
        assert_eq!((status[0].role, status[1].role), (Some("consumer"), None));
        assert!(status[0].standing_by && !status[1].standing_by);
        assert_eq!(status[0].detail.as_deref(), Some("another host"));
    }
}

//! A database with injected failures.

use async_trait::async_trait;
use galleria_db::Db;
use galleria_ports::Error;
use galleria_ports::records::{Records, Work};
use std::sync::Mutex;

/// When an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// Before its work.
    Before,
    /// After its work: only the answer is lost.
    After,
}

/// Passes all operations except one to a real database.
pub struct Shaky {
    db: Db,
    /// The number of operations that still succeed.
    next: Mutex<Option<(usize, Failing)>>,
}

impl Shaky {
    pub fn new(db: Db) -> Self {
        let next = Mutex::new(None);
        Self { db, next }
    }

    /// Makes one operation fail after this many.
    pub fn fail_after(&self, operations: usize, how: Failing) {
        *self.next.lock().expect("next") = Some((operations, how));
    }

    /// Whether the failure has occurred.
    pub fn has_failed(&self) -> bool {
        self.next.lock().expect("next").is_none()
    }

    /// Cancels the failure.
    pub fn never_fail(&self) {
        *self.next.lock().expect("next") = None;
    }

    fn fails_now(&self) -> Option<Failing> {
        let mut next = self.next.lock().expect("next");
        match &mut *next {
            None => None,
            Some((0, how)) => {
                let how = *how;
                *next = None;
                Some(how)
            }
            Some((left, _)) => {
                *left -= 1;
                None
            }
        }
    }
}

fn injected() -> Error {
    Error::records("injected", std::io::Error::other("by the test"))
}

#[async_trait]
impl Records for Shaky {
    async fn write_work(&self, work: Work) -> Result<(), Error> {
        match self.fails_now() {
            None => self.db.write_work(work).await,
            Some(Failing::Before) => Err(injected()),
            Some(Failing::After) => {
                self.db.write_work(work).await?;
                Err(injected())
            }
        }
    }

    async fn read_work(&self, work: Work) -> Result<(), Error> {
        match self.fails_now() {
            None => self.db.read_work(work).await,
            Some(_) => Err(injected()),
        }
    }
}

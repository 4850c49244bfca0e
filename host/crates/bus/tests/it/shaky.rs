//! A database that fails when it is told to.

use async_trait::async_trait;
use galleria_db::Db;
use galleria_ports::Error;
use galleria_ports::records::{Records, Work};
use std::sync::Mutex;

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// Nothing is done.
    Before,
    /// It is done, and only the answer is lost.
    After,
}

/// Passes everything on to a real database, but for one operation.
pub struct Shaky {
    db: Db,
    /// How many operations still go well.
    next: Mutex<Option<(usize, Failing)>>,
}

impl Shaky {
    pub fn new(db: Db) -> Self {
        let next = Mutex::new(None);
        Self { db, next }
    }

    /// After so many operations, one fails.
    pub fn fail_after(&self, operations: usize, how: Failing) {
        *self.next.lock().expect("next") = Some((operations, how));
    }

    /// Whether it has failed, as told.
    pub fn has_failed(&self) -> bool {
        self.next.lock().expect("next").is_none()
    }

    /// From now on everything goes well.
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

fn away() -> Error {
    Error::records("away", std::io::Error::other("as the test wants"))
}

#[async_trait]
impl Records for Shaky {
    async fn write_work(&self, work: Work) -> Result<(), Error> {
        match self.fails_now() {
            None => self.db.write_work(work).await,
            Some(Failing::Before) => Err(away()),
            Some(Failing::After) => {
                self.db.write_work(work).await?;
                Err(away())
            }
        }
    }

    async fn read_work(&self, work: Work) -> Result<(), Error> {
        match self.fails_now() {
            None => self.db.read_work(work).await,
            Some(_) => Err(away()),
        }
    }
}

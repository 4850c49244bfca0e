//! SQLite's one writer, with group commit.
//!
//! A commit waits for the disk, and that is nearly all a small transaction costs. So one task owns
//! the connection that writes: it opens a transaction, does the first work that came, then all that
//! came meanwhile, each in a savepoint of its own, commits once, and only then answers everybody.
//! While the disk syncs, the next ones queue up.
//!
//! Owns: that work is done whole or not at all, and that nobody hears of it before it is durable.
//! Never lets one work's failure reach another's: a failed one goes back to its savepoint; where
//! SQLite gave up the whole transaction (a full disk), each of the others gets one of its own.

use crate::open::{Address, DbError, Figures, Kind};
use crate::transaction::{Failure, Purpose, Transaction};
use galleria_app::Error;
use galleria_app::records::Work;
use sqlx::{AnyConnection, Connection};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, oneshot};

/// Works that share a commit at most. Each waits for the others; at a tenth of a millisecond each
/// that is little beside the disk's sync, and more would gain little.
const TOGETHER: usize = 128;

/// Works that wait at most; who comes then waits for a place.
const WAITING: usize = 1024;

/// The writer, from outside.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Asked>,
}

enum Asked {
    Work(Item),
    Close(oneshot::Sender<Result<(), DbError>>),
}

struct Item {
    work: Work,
    answer: oneshot::Sender<Result<(), Error>>,
}

impl Writer {
    /// Starts the writer's task; it ends with the last clone, or when closed.
    pub(crate) async fn start(address: Address, figures: Arc<Figures>) -> Result<Self, DbError> {
        let connection = Some(address.connect().await?);
        let (queue, asked) = mpsc::channel(WAITING);
        let task = Task {
            address,
            connection,
            figures,
        };
        tokio::spawn(task.serve(asked));
        Ok(Self { queue })
    }

    /// Does the work, and returns when it is durable.
    pub(crate) async fn write(&self, work: Work) -> Result<(), Error> {
        let closed = || Error::Internal("the database is closed".into());
        let (answer, done) = oneshot::channel();
        let item = Item { work, answer };
        let sent = self.queue.send(Asked::Work(item)).await;
        sent.map_err(|_| closed())?;
        done.await.map_err(|_| closed())?
    }

    /// Does what is queued, and closes.
    pub(crate) async fn close(&self) -> Result<(), DbError> {
        let (answer, done) = oneshot::channel();
        if self.queue.send(Asked::Close(answer)).await.is_err() {
            return Ok(());
        }
        done.await.unwrap_or(Ok(()))
    }
}

/// The writer, from inside.
struct Task {
    address: Address,
    /// None after a failure that left it in an unknown state; then a new one is made.
    connection: Option<AnyConnection>,
    figures: Arc<Figures>,
}

/// A work of the open transaction, and how it went.
struct Done {
    item: Item,
    result: Result<(), Error>,
}

impl Task {
    async fn serve(mut self, mut asked: mpsc::Receiver<Asked>) {
        let mut closing = Vec::new();
        while let Some(next) = asked.recv().await {
            match next {
                Asked::Work(first) => self.together(first, &mut asked, &mut closing).await,
                Asked::Close(answer) => closing.push(answer),
            }
            if !closing.is_empty() {
                // What is in the queue is still done; nothing new comes in.
                asked.close();
            }
        }
        let ended = self.end().await;
        let mut answers = closing.into_iter();
        if let Some(first) = answers.next() {
            let _ = first.send(ended);
        } else if let Err(error) = ended {
            tracing::warn!(%error, "the database was not closed cleanly");
        }
        answers.for_each(|other| drop(other.send(Ok(()))));
    }

    /// One transaction for `first` and all that came meanwhile.
    async fn together(
        &mut self,
        first: Item,
        asked: &mut mpsc::Receiver<Asked>,
        closing: &mut Vec<oneshot::Sender<Result<(), DbError>>>,
    ) {
        if let Err(error) = self.begin().await {
            let _ = first.answer.send(Err(error));
            return;
        }
        let mut done: Vec<Done> = Vec::new();
        let mut next = Some(first);
        while let Some(item) = next.take() {
            // Who has gone away wants nothing done.
            if !item.answer.is_closed() {
                let result = self.savepoint(&item.work).await;
                done.push(Done { item, result });
                if self.connection.is_none() {
                    return self.one_by_one(done).await;
                }
            }
            while next.is_none() && done.len() < TOGETHER && closing.is_empty() {
                match asked.try_recv() {
                    Ok(Asked::Work(item)) => next = Some(item),
                    Ok(Asked::Close(answer)) => closing.push(answer),
                    Err(_) => break,
                }
            }
        }
        let committed = self.commit().await;
        let kept = done.iter().filter(|done| done.result.is_ok()).count();
        if committed.is_ok() && kept > 0 {
            self.figures.commits.fetch_add(1, Ordering::Relaxed);
            galleria_app::figures::committed(kept);
            let kept = u64::try_from(kept).unwrap_or(u64::MAX);
            self.figures.works.fetch_add(kept, Ordering::Relaxed);
        }
        for Done { item, result } in done {
            let _ = item.answer.send(result.and_then(|()| committed.clone()));
        }
    }

    /// After the shared transaction was lost: its last work broke it and hears so; each of the
    /// others is done again in a transaction of its own.
    async fn one_by_one(&mut self, done: Vec<Done>) {
        for Done { item, result } in done {
            let result = match result {
                Ok(()) => self.alone(&item.work).await,
                Err(error) => Err(error),
            };
            let _ = item.answer.send(result);
        }
    }

    async fn alone(&mut self, work: &Work) -> Result<(), Error> {
        self.begin().await?;
        if let Err(error) = self.savepoint(work).await {
            // It undid itself; the transaction around it is still open, unless that is lost, too.
            if self.connection.is_some() {
                self.tell("ROLLBACK").await?;
            }
            return Err(error);
        }
        self.commit().await?;
        self.figures.commits.fetch_add(1, Ordering::Relaxed);
        self.figures.works.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn begin(&mut self) -> Result<(), Error> {
        if self.connection.is_none() {
            let made = self.address.connect().await;
            let made = made.map_err(|error| Error::records("the database is away", error))?;
            self.connection = Some(made);
        }
        // At once, so that no other process can come between a read and a write.
        self.tell("BEGIN IMMEDIATE").await
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.tell("COMMIT").await
    }

    /// Does one work. Where it cannot be undone alone, the connection is given up.
    async fn savepoint(&mut self, work: &Work) -> Result<(), Error> {
        self.tell("SAVEPOINT work").await?;
        let Some(connection) = &mut self.connection else {
            return Err(Error::Internal("the database is away".into()));
        };
        let done = Transaction::run(connection, Kind::Sqlite, Purpose::Write, work).await;
        match done {
            Ok(()) => self.tell("RELEASE work").await,
            Err(failure) => {
                // A failure here is told to the log: the work's own error is the caller's.
                for undo in ["ROLLBACK TO work", "RELEASE work"] {
                    if let Err(error) = self.tell(undo).await {
                        tracing::warn!(error = %error.chain(), "a transaction was lost");
                        break;
                    }
                }
                Err(failure.error)
            }
        }
    }

    /// Runs a statement that moves the transaction on. When one fails, nobody knows where the
    /// transaction stands: the connection is dropped, which rolls back.
    async fn tell(&mut self, sql: &'static str) -> Result<(), Error> {
        let Some(connection) = &mut self.connection else {
            return Err(Error::Internal("the database is away".into()));
        };
        match sqlx::query(sql).execute(connection).await {
            Ok(_) => Ok(()),
            Err(error) => {
                self.connection = None;
                Err(Failure::of(sql, error).error)
            }
        }
    }

    /// Moves the log into the file, so that a copy of the file alone is whole, and closes.
    async fn end(mut self) -> Result<(), DbError> {
        let failed = |source| DbError::statement("close", source);
        if let Some(mut connection) = self.connection.take() {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .execute(&mut connection)
                .await
                .map_err(failed)?;
            connection.close().await.map_err(failed)?;
        }
        Ok(())
    }
}

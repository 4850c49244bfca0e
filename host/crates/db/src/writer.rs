//! The only writer of SQLite, with group commit.
//!
//! A commit waits for the disk, which is nearly the whole cost of a small transaction. So one thread
//! owns the writing connection and runs all work: no query waits for another thread. It opens a
//! transaction, runs the first piece of work, then the work that arrived meanwhile, each in its own
//! savepoint. It commits once and then replies to all callers. The next work queues while the disk
//! syncs.
//!
//! Owns: work is applied as a whole or not at all, and a caller gets a reply only after the commit.
//! A failure of one piece of work never reaches another: the writer rolls back to its savepoint. If
//! SQLite ended the whole transaction (full disk), the other pieces of work run in their own
//! transactions.

use crate::connection::Connection;
use crate::counters::CommitCounters;
use crate::error::DbError;
use crate::sqlite::SqliteConnection;
use crate::transaction::{Failure, Mode, Transaction};
use galleria_ports::Error;
use galleria_ports::records::Work;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// Most pieces of work in a commit. Each waits for the others, about 0.1 ms per piece: little
/// beside the sync of the disk. Larger groups would gain little.
const MAX_GROUP: usize = 128;

/// Most pieces of work in the queue. Further callers wait for a free place.
const QUEUE_CAPACITY: usize = 1024;

/// A handle of the writer's thread.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<WriteCommand>,
}

enum WriteCommand {
    Work(WorkItem),
    Close(oneshot::Sender<Result<(), DbError>>),
}

struct WorkItem {
    work: Work,
    mode: Mode,
    reply: oneshot::Sender<Result<(), Error>>,
}

impl Writer {
    /// Starts the thread. It ends when it is closed or when the last handle is dropped.
    pub(crate) async fn start(
        file: PathBuf,
        counters: Arc<CommitCounters>,
    ) -> Result<Self, DbError> {
        let (queue, commands) = mpsc::channel(QUEUE_CAPACITY);
        let (opened, opening) = oneshot::channel();
        let runtime = Handle::current();
        let run = move || {
            let connection = match SqliteConnection::open_writer(&file) {
                Ok(connection) => Some(connection),
                Err(error) => return drop(opened.send(Err(error))),
            };
            let _ = opened.send(Ok(()));
            let task = WriterTask {
                file,
                connection,
                counters,
            };
            runtime.block_on(task.run(commands));
        };
        let failed = |source| DbError::Thread { source };
        let thread = std::thread::Builder::new().name("sqlite-writer".into());
        thread.spawn(run).map_err(failed)?;
        let opened = opening.await;
        opened.unwrap_or_else(|_| Err(failed(std::io::ErrorKind::Interrupted.into())))?;
        Ok(Self { queue })
    }

    /// Runs the work and returns after the commit.
    pub(crate) async fn write(&self, work: Work, mode: Mode) -> Result<(), Error> {
        let closed = || Error::Internal("the database is closed".into());
        let (reply, result) = oneshot::channel();
        let command = WriteCommand::Work(WorkItem { work, mode, reply });
        self.queue.send(command).await.map_err(|_| closed())?;
        result.await.map_err(|_| closed())?
    }

    /// Runs the queued work, then closes the connection.
    pub(crate) async fn close(&self) -> Result<(), DbError> {
        let (reply, result) = oneshot::channel();
        if self.queue.send(WriteCommand::Close(reply)).await.is_err() {
            return Ok(());
        }
        result.await.unwrap_or(Ok(()))
    }
}

struct WriterTask {
    file: PathBuf,
    /// `None` after a failure that left the connection in an unknown state. The next transaction
    /// opens another.
    connection: Option<SqliteConnection>,
    counters: Arc<CommitCounters>,
}

/// A piece of work in the open transaction, and its result.
struct WorkResult {
    item: WorkItem,
    result: Result<(), Error>,
}

impl WriterTask {
    async fn run(mut self, mut commands: mpsc::Receiver<WriteCommand>) {
        let mut closing = Vec::new();
        while let Some(command) = commands.recv().await {
            match command {
                WriteCommand::Work(first) => {
                    self.commit_group(first, &mut commands, &mut closing).await;
                }
                WriteCommand::Close(reply) => closing.push(reply),
            }
            if !closing.is_empty() {
                // The queued work still runs; new work is rejected.
                commands.close();
            }
        }
        let closed = self.close();
        let mut replies = closing.into_iter();
        if let Some(first) = replies.next() {
            let _ = first.send(closed);
        } else if let Err(error) = closed {
            tracing::warn!(%error, "database not closed cleanly");
        }
        replies.for_each(|other| drop(other.send(Ok(()))));
    }

    /// Commits `first` and the work that arrives meanwhile in one transaction.
    async fn commit_group(
        &mut self,
        first: WorkItem,
        commands: &mut mpsc::Receiver<WriteCommand>,
        closing: &mut Vec<oneshot::Sender<Result<(), DbError>>>,
    ) {
        if let Err(error) = self.begin() {
            let _ = first.reply.send(Err(error));
            return;
        }
        let mut results: Vec<WorkResult> = Vec::new();
        let mut next = Some(first);
        while let Some(item) = next.take() {
            // Skip work whose caller no longer waits.
            if !item.reply.is_closed() {
                let result = self.run_in_savepoint(&item).await;
                results.push(WorkResult { item, result });
                if self.connection.is_none() {
                    return self.commit_separately(results).await;
                }
            }
            while next.is_none() && results.len() < MAX_GROUP && closing.is_empty() {
                match commands.try_recv() {
                    Ok(WriteCommand::Work(item)) => next = Some(item),
                    Ok(WriteCommand::Close(reply)) => closing.push(reply),
                    Err(_) => break,
                }
            }
        }
        let committed = self.execute("COMMIT");
        let works = results.iter().filter(|work| work.result.is_ok()).count();
        if committed.is_ok() && works > 0 {
            galleria_ports::metrics::committed(works);
            self.counters.add(works);
        }
        for WorkResult { item, result } in results {
            let _ = item.reply.send(result.and_then(|()| committed.clone()));
        }
    }

    /// Handles the loss of a shared transaction. The last piece of work caused it and gets the error;
    /// each of the others runs again in its own transaction.
    async fn commit_separately(&mut self, results: Vec<WorkResult>) {
        for WorkResult { item, result } in results {
            let result = match result {
                Ok(()) => self.commit_one(&item).await,
                Err(error) => Err(error),
            };
            let _ = item.reply.send(result);
        }
    }

    async fn commit_one(&mut self, item: &WorkItem) -> Result<(), Error> {
        self.begin()?;
        if let Err(error) = self.run_in_savepoint(item).await {
            // The savepoint is rolled back; the transaction is still open unless it was lost, too.
            if self.connection.is_some() {
                self.execute("ROLLBACK")?;
            }
            return Err(error);
        }
        self.execute("COMMIT")?;
        self.counters.add(1);
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Error> {
        if self.connection.is_none() {
            let opened = SqliteConnection::open_writer(&self.file);
            let opened = opened.map_err(|error| Error::records("database unavailable", error))?;
            self.connection = Some(opened);
        }
        // Immediate, so that no other process writes between a read and a write.
        self.execute("BEGIN IMMEDIATE")
    }

    /// Runs one piece of work. Drops the connection if the work cannot be rolled back alone.
    async fn run_in_savepoint(&mut self, item: &WorkItem) -> Result<(), Error> {
        self.execute("SAVEPOINT work")?;
        let Some(connection) = &mut self.connection else {
            return Err(Error::Internal("database unavailable".into()));
        };
        let result = Transaction::run(Connection::Sqlite(connection), item.mode, &item.work).await;
        match result {
            Ok(()) => self.execute("RELEASE work"),
            Err(failure) => {
                // The caller gets the work's own error, so a failure of the rollback is only logged.
                for undo in ["ROLLBACK TO work", "RELEASE work"] {
                    if let Err(error) = self.execute(undo) {
                        tracing::warn!(error = %error.chain(), "transaction lost");
                        break;
                    }
                }
                Err(failure.error)
            }
        }
    }

    /// Runs a transaction command. If it fails, the state of the transaction is unknown: dropping the
    /// connection rolls back.
    fn execute(&mut self, command: &'static str) -> Result<(), Error> {
        let Some(connection) = &mut self.connection else {
            return Err(Error::Internal("database unavailable".into()));
        };
        match connection.command(command) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.connection = None;
                Err(Failure::query(command, error).error)
            }
        }
    }

    fn close(self) -> Result<(), DbError> {
        let closed = self.connection.map(SqliteConnection::checkpoint_and_close);
        closed
            .unwrap_or(Ok(()))
            .map_err(|source| DbError::operation("close database", source))
    }
}

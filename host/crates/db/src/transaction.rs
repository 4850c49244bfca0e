//! One open transaction, and running a piece of work in it.
//!
//! Owns: that a statement which failed is never committed, and that a panic or a stuck piece of
//! work ends as an error. Never knows who opened the transaction: the writer or a pool.

use crate::open::Kind;
use crate::session::{self, Cure};
use crate::statement::{Found, Statement};
use futures_util::FutureExt;
use galleria_app::Error;
use galleria_app::records::Work;
use sqlx::{AnyConnection, AssertSqlSafe, SqlSafeStr, SqlStr};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// Work that takes longer is given up: it holds the one writer of SQLite, or locks that others wait
/// for. Work only speaks to the database, in milliseconds; half a minute means it waits for itself.
const WORK_LIMIT: Duration = Duration::from_secs(30);

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is rolled back, and takes no locks.
    Read,
    /// It is committed.
    Write,
}

/// How a row found is kept from others until the transaction ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lock {
    /// Waits for another's lock.
    Wait,
    /// Leaves out what another has locked.
    Skip,
}

/// An open transaction: the ports are implemented on it, one file for each.
pub(crate) struct Transaction<'c> {
    connection: &'c mut AnyConnection,
    kind: Kind,
    purpose: Purpose,
    /// PostgreSQL answers COMMIT after a failed statement with a silent ROLLBACK. So a failure is
    /// remembered even where the work passed over it.
    failed: Option<Failure>,
}

/// Why some work was not done.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) cure: Cure,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            cure: Cure::None,
        }
    }
}

impl Failure {
    /// A failed statement.
    pub(crate) fn of(doing: &str, source: sqlx::Error) -> Self {
        let cure = Cure::of(&source);
        Self {
            error: Error::records(format!("the database did not do {doing}"), source),
            cure,
        }
    }

    /// A failed commit.
    pub(crate) fn of_commit(source: sqlx::Error) -> Self {
        let cure = Cure::of_commit(&source);
        let doing = match session::is_lost(&source) {
            true => "the database broke off in a commit: whether it was kept is not known",
            false => "the database did not do commit",
        };
        Self {
            error: Error::records(doing, source),
            cure,
        }
    }
}

impl<'c> Transaction<'c> {
    /// Runs `work` in the transaction that is open on `connection`; ends it neither way.
    pub(crate) async fn run(
        connection: &'c mut AnyConnection,
        kind: Kind,
        purpose: Purpose,
        work: &Work,
    ) -> Result<(), Failure> {
        let mut open = Self {
            connection,
            kind,
            purpose,
            failed: None,
        };
        let done = AssertUnwindSafe(async { work(&mut open).await }).catch_unwind();
        let result = match tokio::time::timeout(WORK_LIMIT, done).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Error::Internal(format!(
                "work in a transaction panicked: {}",
                words(&*panic)
            ))),
            Err(_) => Err(Error::Internal(format!(
                "work in a transaction was not done after {} s",
                WORK_LIMIT.as_secs()
            ))),
        };
        match (result, open.failed) {
            (Ok(()), None) => Ok(()),
            (Err(error), None) => Err(error.into()),
            (Ok(()), Some(failure)) => Err(failure),
            (Err(error), Some(failure)) => Err(Failure {
                error,
                cure: failure.cure,
            }),
        }
    }

    /// The statement that also locks what it finds.
    pub(crate) fn locking(&self, sql: &'static str, lock: Lock) -> SqlStr {
        let end = match lock {
            _ if !self.locks() => return sql.into_sql_str(),
            Lock::Wait => " FOR UPDATE",
            Lock::Skip => " FOR UPDATE SKIP LOCKED",
        };
        AssertSqlSafe(format!("{sql}{end}")).into_sql_str()
    }

    /// Whether locks keep others from what it reads. SQLite has one writer, who needs none and has no
    /// word for them; a read takes none.
    pub(crate) fn locks(&self) -> bool {
        self.kind == Kind::Postgres && self.purpose == Purpose::Write
    }

    /// Whether the database is PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        self.kind == Kind::Postgres
    }

    /// What makes a text be compared by bytes, written behind it.
    pub(crate) fn bytewise(&self) -> &'static str {
        self.kind.bytewise()
    }

    /// Another transaction came first: the work is done again, and then sees what that one did.
    pub(crate) fn overtaken(&mut self, name: &str) -> Error {
        let error = Error::Internal(format!(
            "{name}: another transaction came first, every time"
        ));
        self.failed.get_or_insert_with(|| Failure {
            error: error.clone(),
            cure: Cure::Again,
        });
        error
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, Error> {
        let Statement {
            name,
            query,
            mistake,
        } = statement;
        mistake.map_or(Ok(()), Err)?;
        match query.execute(&mut *self.connection).await {
            Ok(result) => Ok(result.rows_affected()),
            Err(error) => Err(self.fail(name, error)),
        }
    }

    /// The row that a statement finds, or none.
    pub(crate) async fn one(&mut self, statement: Statement<'_>) -> Result<Option<Found>, Error> {
        let Statement {
            name,
            query,
            mistake,
        } = statement;
        mistake.map_or(Ok(()), Err)?;
        match query.fetch_optional(&mut *self.connection).await {
            Ok(row) => Ok(row.map(|row| Found { name, row })),
            Err(error) => Err(self.fail(name, error)),
        }
    }

    /// The row that a statement always finds.
    pub(crate) async fn only(&mut self, statement: Statement<'_>) -> Result<Found, Error> {
        let name = statement.name;
        self.one(statement)
            .await?
            .ok_or_else(|| Error::Internal(format!("{name} found no row where one must be")))
    }

    /// All rows that a statement finds.
    pub(crate) async fn all(&mut self, statement: Statement<'_>) -> Result<Vec<Found>, Error> {
        let Statement {
            name,
            query,
            mistake,
        } = statement;
        mistake.map_or(Ok(()), Err)?;
        match query.fetch_all(&mut *self.connection).await {
            Ok(rows) => Ok(rows.into_iter().map(|row| Found { name, row }).collect()),
            Err(error) => Err(self.fail(name, error)),
        }
    }

    fn fail(&mut self, name: &str, error: sqlx::Error) -> Error {
        let failure = Failure::of(name, error);
        self.failed.get_or_insert_with(|| failure.clone());
        failure.error
    }
}

/// `done`, or the error that `id` is there already.
pub(crate) fn inserted(rows: u64, what: &'static str, id: &str) -> Result<(), Error> {
    match rows {
        0 => Err(Error::Exists {
            what,
            id: id.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// What a panic said.
fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without words")
}

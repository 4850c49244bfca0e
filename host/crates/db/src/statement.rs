//! One statement and the rows it finds: binding and reading in the types of the host.
//!
//! Owns: how a value of ours becomes a column and back. Never knows which tables there are.

use galleria_app::Error;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::any::{Any, AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Decode, Encode, Row, SqlSafeStr, Type};

/// A statement with what is bound to it so far. Its name is the port's method, for error messages.
pub(crate) struct Statement<'q> {
    pub(crate) name: &'static str,
    pub(crate) query: Query<'q, Any, AnyArguments>,
    /// A value that could not be written as a column; told when the statement is run.
    pub(crate) mistake: Option<Error>,
}

/// Begins a statement. It is prepared once on each connection.
pub(crate) fn statement<'q>(name: &'static str, sql: impl SqlSafeStr) -> Statement<'q> {
    let sql = sql.into_sql_str();
    #[cfg(test)]
    crate::plans::note(name, sql.as_str());
    Statement {
        name,
        query: sqlx::query(sql),
        mistake: None,
    }
}

impl<'q> Statement<'q> {
    /// Binds the next `$n`.
    pub(crate) fn bind<T: Encode<'q, Any> + Type<Any>>(mut self, value: T) -> Self {
        self.query = self.query.bind(value);
        self
    }

    /// Binds text that may be missing.
    pub(crate) fn maybe(self, value: Option<&str>) -> Self {
        self.bind(value.map(str::to_owned))
    }

    /// Binds an instant, to the millisecond.
    pub(crate) fn at(self, value: Timestamp) -> Self {
        self.bind(value.as_millisecond())
    }

    /// Binds a truth value as 0 or 1.
    pub(crate) fn flag(self, value: bool) -> Self {
        self.bind(i64::from(value))
    }

    /// Binds a value as JSON text.
    pub(crate) fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        let text = serde_json::to_string(value).unwrap_or_else(|error| {
            self.mistake = Some(Error::records(format!("{}: no JSON", self.name), error));
            String::new()
        });
        self.bind(text)
    }

    /// Binds a value as JSON text, or NULL.
    pub(crate) fn maybe_json<T: Serialize>(self, value: Option<&T>) -> Self {
        match value {
            Some(value) => self.json(value),
            None => self.bind(None::<String>),
        }
    }

    /// Binds one word of a closed set.
    pub(crate) fn word<T: Word>(self, value: T) -> Self {
        self.bind(value.word())
    }
}

/// A closed set whose members are written as words.
pub(crate) trait Word: Copy + 'static {
    /// Every member.
    const ALL: &'static [Self];
    /// How it is written. Rows hold these words: a changed one needs a migration.
    fn word(self) -> &'static str;
}

/// A row, read column by column.
pub(crate) struct Found {
    pub(crate) name: &'static str,
    pub(crate) row: AnyRow,
}

impl Found {
    fn get<'r, T: Decode<'r, Any> + Type<Any>>(&'r self, column: &str) -> Result<T, Error> {
        self.row
            .try_get(column)
            .map_err(|error| Error::records(format!("{}: cannot read {column}", self.name), error))
    }

    fn odd(&self, column: &str) -> Error {
        Error::Internal(format!("{}: {column} holds what it never may", self.name))
    }

    /// Text.
    pub(crate) fn text(&self, column: &str) -> Result<String, Error> {
        self.get(column)
    }

    /// Text, or none.
    pub(crate) fn maybe(&self, column: &str) -> Result<Option<String>, Error> {
        self.get(column)
    }

    /// A whole number.
    pub(crate) fn int(&self, column: &str) -> Result<i64, Error> {
        self.get(column)
    }

    /// A whole number, or none.
    pub(crate) fn maybe_int(&self, column: &str) -> Result<Option<i64>, Error> {
        self.get(column)
    }

    /// A whole number of a narrower type.
    pub(crate) fn narrow<T: TryFrom<i64>>(&self, column: &str) -> Result<T, Error> {
        T::try_from(self.int(column)?).map_err(|_| self.odd(column))
    }

    /// Bytes, or none.
    pub(crate) fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Error> {
        self.get(column)
    }

    /// 0 or 1.
    pub(crate) fn flag(&self, column: &str) -> Result<bool, Error> {
        Ok(self.int(column)? != 0)
    }

    /// An instant.
    pub(crate) fn at(&self, column: &str) -> Result<Timestamp, Error> {
        Timestamp::from_millisecond(self.int(column)?).map_err(|_| self.odd(column))
    }

    /// An instant, or none.
    pub(crate) fn maybe_at(&self, column: &str) -> Result<Option<Timestamp>, Error> {
        self.maybe_int(column)?
            .map(|ms| Timestamp::from_millisecond(ms).map_err(|_| self.odd(column)))
            .transpose()
    }

    /// A value from JSON text.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, Error> {
        self.parse(column, self.get(column)?)
    }

    /// A value from JSON text, or none.
    pub(crate) fn maybe_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, Error> {
        self.get::<Option<&str>>(column)?
            .map(|text| self.parse(column, text))
            .transpose()
    }

    /// One word of a closed set.
    pub(crate) fn word<T: Word>(&self, column: &str) -> Result<T, Error> {
        let text: &str = self.get(column)?;
        T::ALL
            .iter()
            .copied()
            .find(|member| member.word() == text)
            .ok_or_else(|| self.odd(column))
    }

    fn parse<T: DeserializeOwned>(&self, column: &str, text: &str) -> Result<T, Error> {
        // serde_json's message quotes no more than a word of the text.
        serde_json::from_str(text)
            .map_err(|error| Error::records(format!("{}: cannot read {column}", self.name), error))
    }
}

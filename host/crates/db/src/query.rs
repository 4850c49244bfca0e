//! SQL queries and their rows, bound and read in the host's types.
//!
//! Owns the conversion between a host value and a column. Never names a table.

use galleria_ports::Error;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::any::{Any, AnyArguments, AnyRow};
use sqlx::{Decode, Encode, Row as _, SqlSafeStr, Type};

/// A query with the values bound to it so far. `name` is the port's method, for error messages.
pub(crate) struct Query<'q> {
    pub(crate) name: &'static str,
    pub(crate) inner: sqlx::query::Query<'q, Any, AnyArguments>,
    /// A value could not be converted. Running the query returns this error.
    pub(crate) bind_error: Option<Error>,
}

/// Starts a query. Each connection prepares a text once.
pub(crate) fn query<'q>(name: &'static str, sql: impl SqlSafeStr) -> Query<'q> {
    let sql = sql.into_sql_str();
    tracing::trace!(name, "query");
    #[cfg(test)]
    crate::query_log::record(name, sql.as_str());
    Query {
        name,
        inner: sqlx::query(sql),
        bind_error: None,
    }
}

impl<'q> Query<'q> {
    /// Binds the next `$n`.
    pub(crate) fn bind<T: Encode<'q, Any> + Type<Any>>(mut self, value: T) -> Self {
        self.inner = self.inner.bind(value);
        self
    }

    /// Binds text or NULL.
    pub(crate) fn bind_opt(self, value: Option<&str>) -> Self {
        self.bind(value.map(str::to_owned))
    }

    /// Binds a timestamp as milliseconds since 1970.
    pub(crate) fn bind_timestamp(self, value: Timestamp) -> Self {
        self.bind(value.as_millisecond())
    }

    /// Binds a Boolean as 0 or 1.
    pub(crate) fn bind_bool(self, value: bool) -> Self {
        self.bind(i64::from(value))
    }

    /// Binds a value as JSON text.
    pub(crate) fn bind_json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        let text = serde_json::to_string(value).unwrap_or_else(|error| {
            let context = format!("{}: cannot serialise a value as JSON", self.name);
            self.bind_error = Some(Error::records(context, error));
            String::new()
        });
        self.bind(text)
    }

    /// Binds a value as JSON text, or NULL.
    pub(crate) fn bind_opt_json<T: Serialize>(self, value: Option<&T>) -> Self {
        match value {
            Some(value) => self.bind_json(value),
            None => self.bind(None::<String>),
        }
    }

    /// Binds a member of a closed set.
    pub(crate) fn bind_enum<T: SqlEnum>(self, value: T) -> Self {
        self.bind(value.as_sql())
    }
}

/// A closed set whose members are stored as text.
pub(crate) trait SqlEnum: Copy + 'static {
    /// Every member.
    const ALL: &'static [Self];
    /// The stored text. Changing it needs a migration.
    fn as_sql(self) -> &'static str;
}

/// A row, read column by column.
pub(crate) struct Row {
    /// The query's name, for error messages.
    pub(crate) query: &'static str,
    pub(crate) inner: AnyRow,
}

impl Row {
    fn get<'r, T: Decode<'r, Any> + Type<Any>>(&'r self, column: &str) -> Result<T, Error> {
        let value = self.inner.try_get(column);
        value.map_err(|error| self.unreadable(column, error))
    }

    fn unreadable(
        &self,
        column: &str,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> Error {
        Error::records(
            format!("{}: cannot read column {column}", self.query),
            error,
        )
    }

    fn invalid(&self, column: &str) -> Error {
        Error::Internal(format!("{}: invalid value in column {column}", self.query))
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, Error> {
        self.get(column)
    }

    pub(crate) fn opt_text(&self, column: &str) -> Result<Option<String>, Error> {
        self.get(column)
    }

    pub(crate) fn int(&self, column: &str) -> Result<i64, Error> {
        self.get(column)
    }

    pub(crate) fn opt_int(&self, column: &str) -> Result<Option<i64>, Error> {
        self.get(column)
    }

    /// An integer of a narrower or unsigned type.
    pub(crate) fn int_as<T: TryFrom<i64>>(&self, column: &str) -> Result<T, Error> {
        T::try_from(self.int(column)?).map_err(|_| self.invalid(column))
    }

    pub(crate) fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Error> {
        self.get(column)
    }

    /// A Boolean stored as 0 or 1.
    pub(crate) fn bool(&self, column: &str) -> Result<bool, Error> {
        Ok(self.int(column)? != 0)
    }

    /// A timestamp stored as milliseconds since 1970.
    pub(crate) fn timestamp(&self, column: &str) -> Result<Timestamp, Error> {
        Timestamp::from_millisecond(self.int(column)?).map_err(|_| self.invalid(column))
    }

    pub(crate) fn opt_timestamp(&self, column: &str) -> Result<Option<Timestamp>, Error> {
        self.opt_int(column)?
            .map(|ms| Timestamp::from_millisecond(ms).map_err(|_| self.invalid(column)))
            .transpose()
    }

    /// A value parsed from JSON text.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, Error> {
        self.parse(column, self.get(column)?)
    }

    pub(crate) fn opt_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, Error> {
        self.get::<Option<&str>>(column)?
            .map(|text| self.parse(column, text))
            .transpose()
    }

    /// A member of a closed set.
    pub(crate) fn enum_value<T: SqlEnum>(&self, column: &str) -> Result<T, Error> {
        let text: &str = self.get(column)?;
        T::ALL
            .iter()
            .copied()
            .find(|member| member.as_sql() == text)
            .ok_or_else(|| self.invalid(column))
    }

    fn parse<T: DeserializeOwned>(&self, column: &str, text: &str) -> Result<T, Error> {
        // The message of serde_json quotes at most one token of the text.
        serde_json::from_str(text).map_err(|error| self.unreadable(column, error))
    }
}

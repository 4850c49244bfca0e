//! SQL queries and their rows, bound and read in the host's types.
//!
//! Owns the conversion between a host value and a column. Never names a table.

use crate::driver_error::DriverError;
use crate::value::Value;
use galleria_ports::Error;
use jiff::Timestamp;
use rusqlite::types::Value as SqliteValue;
use serde::{Serialize, de::DeserializeOwned};
use std::borrow::Cow;
use std::sync::Arc;
use tokio_postgres::types::{FromSql, Type};

/// A query with the values bound to it so far. `name` is the port's method, for error messages.
pub(crate) struct Query<'q> {
    pub(crate) name: &'static str,
    pub(crate) sql: Cow<'static, str>,
    /// The values of `$1`, `$2` and so on.
    pub(crate) values: Vec<Value<'q>>,
    /// A value could not be converted. Running the query returns this error.
    pub(crate) bind_error: Option<Error>,
}

/// Starts a query. Each connection prepares a text once. A value never becomes part of the text: bind it.
pub(crate) fn query<'q>(name: &'static str, sql: impl Into<Cow<'static, str>>) -> Query<'q> {
    let sql = sql.into();
    tracing::trace!(name, "query");
    #[cfg(test)]
    crate::query_log::record(name, &sql);
    Query {
        name,
        sql,
        values: Vec::new(),
        bind_error: None,
    }
}

impl<'q> Query<'q> {
    /// Removes the clause ON CONFLICT from an insert, at its end: a row that exists fails it.
    pub(crate) fn without_conflict_clause(mut self) -> Self {
        self.sql = match self.sql {
            Cow::Borrowed(sql) => {
                let plain = sql.split_once("ON CONFLICT").map(|(plain, _)| plain);
                Cow::Borrowed(plain.unwrap_or(sql))
            }
            Cow::Owned(mut sql) => {
                sql.truncate(sql.find("ON CONFLICT").unwrap_or(sql.len()));
                Cow::Owned(sql)
            }
        };
        self
    }

    /// Binds the next `$n`.
    pub(crate) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds text or NULL.
    pub(crate) fn bind_opt(self, value: Option<&'q str>) -> Self {
        self.bind(value)
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
    pub(crate) cells: Cells,
}

/// The values of a row, as the driver returns them.
pub(crate) enum Cells {
    Sqlite {
        columns: Arc<[Box<str>]>,
        values: Vec<SqliteValue>,
    },
    Postgres(tokio_postgres::Row),
}

impl Cells {
    fn sqlite<'c, T>(
        columns: &[Box<str>],
        values: &'c [SqliteValue],
        column: &str,
        read: impl Fn(&'c SqliteValue) -> Option<T>,
    ) -> Result<Option<T>, DriverError> {
        let index = columns.iter().position(|name| **name == *column);
        match index.and_then(|index| values.get(index)) {
            None => Err(DriverError::NoColumn),
            Some(SqliteValue::Null) => Ok(None),
            Some(value) => read(value).map(Some).ok_or(DriverError::ColumnType),
        }
    }

    pub(crate) fn int(&self, column: &str) -> Result<Option<i64>, DriverError> {
        match self {
            Self::Sqlite { columns, values } => {
                Self::sqlite(columns, values, column, |value| match value {
                    SqliteValue::Integer(value) => Some(*value),
                    _ => None,
                })
            }
            Self::Postgres(row) => {
                let value: Option<AnyInt> = row.try_get(column)?;
                Ok(value.map(|AnyInt(value)| value))
            }
        }
    }

    pub(crate) fn text(&self, column: &str) -> Result<Option<&str>, DriverError> {
        match self {
            Self::Sqlite { columns, values } => {
                Self::sqlite(columns, values, column, |value| match value {
                    SqliteValue::Text(value) => Some(&**value),
                    _ => None,
                })
            }
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    pub(crate) fn bytes(&self, column: &str) -> Result<Option<&[u8]>, DriverError> {
        match self {
            Self::Sqlite { columns, values } => {
                Self::sqlite(columns, values, column, |value| match value {
                    SqliteValue::Blob(value) => Some(&**value),
                    _ => None,
                })
            }
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }
}

/// An integer of any width of PostgreSQL.
struct AnyInt(i64);

impl<'a> FromSql<'a> for AnyInt {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let value = match *ty {
            Type::INT2 => i16::from_sql(ty, raw)?.into(),
            Type::INT4 => i32::from_sql(ty, raw)?.into(),
            _ => i64::from_sql(ty, raw)?,
        };
        Ok(Self(value))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT2 | Type::INT4 | Type::INT8)
    }
}

impl Row {
    /// The value of a column, which must not be NULL.
    fn required<T>(&self, column: &str, value: Result<Option<T>, DriverError>) -> Result<T, Error> {
        value
            .and_then(|value| value.ok_or(DriverError::Null))
            .map_err(|error| self.unreadable(column, error))
    }

    fn optional<T>(
        &self,
        column: &str,
        value: Result<Option<T>, DriverError>,
    ) -> Result<Option<T>, Error> {
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

    fn str(&self, column: &str) -> Result<&str, Error> {
        self.required(column, self.cells.text(column))
    }

    fn opt_str(&self, column: &str) -> Result<Option<&str>, Error> {
        self.optional(column, self.cells.text(column))
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, Error> {
        self.str(column).map(str::to_owned)
    }

    pub(crate) fn opt_text(&self, column: &str) -> Result<Option<String>, Error> {
        Ok(self.opt_str(column)?.map(str::to_owned))
    }

    pub(crate) fn int(&self, column: &str) -> Result<i64, Error> {
        self.required(column, self.cells.int(column))
    }

    pub(crate) fn opt_int(&self, column: &str) -> Result<Option<i64>, Error> {
        self.optional(column, self.cells.int(column))
    }

    /// An integer of a narrower or unsigned type.
    pub(crate) fn int_as<T: TryFrom<i64>>(&self, column: &str) -> Result<T, Error> {
        T::try_from(self.int(column)?).map_err(|_| self.invalid(column))
    }

    pub(crate) fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Error> {
        let bytes = self.optional(column, self.cells.bytes(column))?;
        Ok(bytes.map(<[u8]>::to_vec))
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
        self.parse(column, self.str(column)?)
    }

    pub(crate) fn opt_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, Error> {
        self.opt_str(column)?
            .map(|text| self.parse(column, text))
            .transpose()
    }

    /// A member of a closed set.
    pub(crate) fn enum_value<T: SqlEnum>(&self, column: &str) -> Result<T, Error> {
        let text = self.str(column)?;
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

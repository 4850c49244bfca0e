//! The host of a native test: the inputs of a plugin, and its recorded calls.

use super::double;
use super::{ProductRow, SaleLineRow, SettlementRow};
use crate::bindings::words::log::Level;
use crate::capabilities::{Refusal, Sealed};
use crate::{Activity, Outgoing, Reply, StatementHeader, StatementLine, Store};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// Replaces the host while a plugin is called natively. Fill in the inputs, call the plugin within, and
/// check what it did.
///
/// ```
/// use galleria_sdk::testkit::Host;
/// use galleria_sdk::log;
///
/// let (answer, host) = Host::default().within(|| {
///     log::info("hello", &[]);
///     7
/// });
/// assert_eq!((answer, host.logged[0].message.as_str()), (7, "hello"));
/// ```
#[derive(Default)]
pub struct Host {
    /// Rows of the feed `sale-lines`.
    pub sale_lines: VecDeque<SaleLineRow>,
    /// Rows of the feed `products`.
    pub products: VecDeque<ProductRow>,
    /// Rows of the feed `settlement`.
    pub settlement: VecDeque<SettlementRow>,
    /// The feed `activities`.
    pub activities: VecDeque<(Store, Activity)>,
    /// The name of the file that the run reads.
    pub input_name: String,
    /// The file that the run reads.
    pub input: VecDeque<u8>,
    /// Secrets by name.
    pub keys: HashMap<String, Rc<dyn KeyDouble>>,
    /// Claims by issuer and token. Other tokens are rejected.
    pub tokens: HashMap<(String, String), String>,
    /// HTTP replies, in order. After the last one, targets are unreachable.
    pub replies: VecDeque<Result<Reply, Refusal>>,
    /// The HTTP requests that were sent.
    pub requests: Vec<Outgoing>,
    /// The log lines.
    pub logged: Vec<Logged>,
    /// The written files, in the order of opening.
    pub files: Vec<WrittenFile>,
    /// The header of the statement.
    pub statement_header: Option<StatementHeader>,
    /// The statement lines.
    pub statement: Vec<StatementLine>,
}

impl Host {
    /// Runs `call` with this host, and returns it with all recorded calls.
    pub fn within<R>(self, call: impl FnOnce() -> R) -> (R, Self) {
        double::within(self, call)
    }
}

/// One log line.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// Its level.
    pub level: Level,
    /// Its message.
    pub message: String,
    /// Its fields.
    pub fields: Vec<(String, String)>,
}

/// A file that a run wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// The directory in the grant.
    pub directory: String,
    /// Its name in the directory.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// A fake key for tests. `None` is a refusal.
pub trait KeyDouble {
    /// See [`Key::decrypt`](crate::Key::decrypt).
    fn decrypt(
        &self,
        _key_id: Option<&str>,
        _nonce: &[u8],
        _body: &[u8],
        _associated: &[u8],
    ) -> Option<Vec<u8>> {
        None
    }

    /// See [`Key::encrypt`](crate::Key::encrypt).
    fn encrypt(&self, _body: &[u8], _associated: &[u8]) -> Option<Sealed> {
        None
    }

    /// See [`Key::mac`](crate::Key::mac).
    fn mac(&self, _body: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

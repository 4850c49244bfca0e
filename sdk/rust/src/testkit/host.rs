//! The host as a native test sees it: what a plugin may read, and what it did.

use super::double;
use super::{ProductRow, SaleLineRow, SettlementRow};
use crate::ask::{Refusal, Sealed};
use crate::bindings::words::log::Level;
use crate::{Activity, Outgoing, Reply, StatementHeader, StatementLine, Store};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// Stands for the host while a plugin is called natively. Fill in what the plugin reads, call it
/// within, look at what it did.
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
    /// Claims by issuer and token. Any other token is refused.
    pub tokens: HashMap<(String, String), String>,
    /// Answers to what is asked over HTTP, in order. Beyond them, everything is unreachable.
    pub replies: VecDeque<Result<Reply, Refusal>>,
    /// What was asked over HTTP.
    pub asked: Vec<Outgoing>,
    /// What was logged.
    pub logged: Vec<Logged>,
    /// Files that were written, in the order they were opened.
    pub files: Vec<WrittenFile>,
    /// What the run said of its statement.
    pub statement_header: Option<StatementHeader>,
    /// Statement lines that were pushed.
    pub statement: Vec<StatementLine>,
}

impl Host {
    /// Runs `call` with this host, and gives it back with what was done to it.
    pub fn within<R>(self, call: impl FnOnce() -> R) -> (R, Self) {
        double::within(self, call)
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// How loud.
    pub level: Level,
    /// The line.
    pub message: String,
    /// Its fields.
    pub fields: Vec<(String, String)>,
}

/// A file that a run wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// The directory that the grant names.
    pub directory: String,
    /// Its name in there.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// A key as a test fakes it. None: refused.
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

//! Why a use case could not be done.

use galleria_domain::{CallFault, Problem};

/// A use case's error. The variants but `Records` and `Internal` may be shown to callers.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("there is no {what} {id}")]
    NotFound {
        /// `store`, `order`...
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// It is there already.
    #[error("{what} {id} is there already")]
    Exists {
        /// `order`, `payment`...
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The state of things forbids it.
    #[error("{message}")]
    Conflict {
        /// A stable word, such as `shift_closed`.
        code: &'static str,
        /// One sentence.
        message: String,
    },
    /// The request is wrong.
    #[error("{}", listed(.0))]
    Invalid(Vec<Problem>),
    /// A document's name is taken by another document.
    #[error("{directory}/{name} is the name of another document")]
    NameTaken {
        /// The directory.
        directory: String,
        /// The name in it.
        name: String,
    },
    /// Tried too often; nothing was done.
    #[error("no more attempts for now")]
    Limited {
        /// How long until there may be another.
        wait: std::time::Duration,
    },
    /// Who asked for it stopped it on the way; nothing of it is left.
    #[error("it was stopped, and nothing of it is left")]
    Stopped,
    /// A plugin did not answer.
    #[error("the plugin did not answer")]
    Plugin(CallFault),
    /// The database failed; the message names the statement, the source tells why.
    #[error("{doing}")]
    Records {
        /// What was attempted.
        doing: String,
        /// What the database said.
        #[source]
        source: std::sync::Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A mistake of ours.
    #[error("{0}")]
    Internal(String),
}

fn listed(problems: &[Problem]) -> String {
    let all: Vec<_> = problems.iter().map(Problem::to_string).collect();
    all.join("; ")
}

impl Error {
    /// One problem of one field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::new(field, message)])
    }

    /// A failed statement.
    pub fn records(
        doing: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Records {
            doing: doing.into(),
            source: std::sync::Arc::new(source),
        }
    }

    /// The whole chain in one line, for the operator.
    pub fn chain(&self) -> String {
        use std::error::Error as _;
        let mut text = self.to_string();
        let mut next = self.source();
        while let Some(cause) = next {
            text = format!("{text}: {cause}");
            next = cause.source();
        }
        text
    }
}

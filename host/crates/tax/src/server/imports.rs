//! Imports of tax tables, from one message or from many.

use super::caller::{check_store, qualified};
use super::status;
use crate::proto;
use galleria_app::tabular::{Format, Guards, ImportOptions, NotImported, Problems};
use galleria_app::tax::{TaxTableImport, TaxTableImported};
use galleria_app::{App, Reply};
use galleria_domain::digest::Hasher;
use galleria_domain::tax::{MAX_TABLE_ROWS, TaxRow};
use galleria_domain::{Digest, Problem};
use galleria_ports::Error;
use galleria_ports::access::Caller;
use prost::Message as _;
use tonic::Status;

/// The rows of an import, so far.
pub(super) struct Import {
    caller: Caller,
    store: String,
    request: TaxTableImport,
    rows: Vec<Result<TaxRow, Vec<Problem>>>,
    /// The digest does not depend on how rows are distributed over messages.
    digest: Hasher,
}

impl Import {
    /// An import with the fields of its first message, without its rows.
    pub fn new(caller: Caller, first: &proto::ImportStoreTaxDataRequest) -> Self {
        let head = proto::ImportStoreTaxDataRequest {
            rows: Vec::new(),
            ..first.clone()
        };
        let mut digest = Hasher::default();
        digest.update(b"import\n");
        digest.update(&head.encode_length_delimited_to_vec());
        Self {
            store: head.store_id.clone(),
            request: TaxTableImport {
                store: Some(head.store_id),
                format: Format::JsonLines,
                options: ImportOptions {
                    dry_run: head.dry_run,
                    allow_empty: head.allow_empty,
                    guards: Guards::Keep,
                },
                replace: head.replace,
                reach: caller.reach.clone(),
                actor: caller.actor(""),
                reason: head.reason,
            },
            caller,
            rows: Vec::new(),
            digest,
        }
    }

    pub const fn dry_run(&self) -> bool {
        self.request.options.dry_run
    }

    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds rows. A table with more rows than the maximum is rejected at once, so that no stream fills the memory.
    pub fn add(&mut self, rows: Vec<proto::TaxRow>) -> Result<(), Status> {
        for row in rows {
            self.digest.update(&row.encode_length_delimited_to_vec());
            self.rows.push(TaxRow::try_from(row));
        }
        if self.rows.len() > MAX_TABLE_ROWS {
            let rule = format!("must have at most {MAX_TABLE_ROWS} rows in all");
            return Err(status::of(Error::invalid("rows", rule)));
        }
        Ok(())
    }

    /// Rejects a message after the first one with other fields than `rows`.
    pub fn check_further(&self, message: &proto::ImportStoreTaxDataRequest) -> Result<(), Status> {
        let proto::ImportStoreTaxDataRequest {
            store_id,
            rows: _,
            replace,
            allow_empty,
            dry_run,
            reason,
        } = message;
        let fields = [
            ("store_id", !store_id.is_empty() && *store_id != self.store),
            ("replace", *replace && !self.request.replace),
            (
                "allow_empty",
                *allow_empty && !self.request.options.allow_empty,
            ),
            ("dry_run", *dry_run && !self.request.options.dry_run),
            (
                "reason",
                !reason.is_empty() && *reason != self.request.reason,
            ),
        ];
        let differing = fields.into_iter().filter(|(_, differs)| *differs);
        let problems: Vec<_> = differing
            .map(|(field, _)| {
                Problem::new(
                    field,
                    "must be absent, or as in the first message of the stream",
                )
            })
            .collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(status::of(Error::Invalid(problems))),
        }
    }

    /// Imports the rows, or returns their problems.
    pub async fn run(
        self,
        app: &App,
        key: Option<String>,
    ) -> Result<Result<Reply, Problems>, Status> {
        check_store(app, &self.caller, &self.store).await?;
        let digest: Digest = self.digest.finish();
        let key = key.map(|key| qualified(&self.caller, key, digest));
        match app.taxes.import_rows(self.request, self.rows, key).await {
            Ok(reply) => Ok(Ok(reply)),
            Err(NotImported::Refused(problems)) => Ok(Err(problems)),
            Err(NotImported::Other(error)) => Err(status::of(error)),
            Err(error) => Err(status::of(Error::Internal(error.to_string()))),
        }
    }
}

impl From<TaxTableImported> for proto::ImportSummary {
    fn from(imported: TaxTableImported) -> Self {
        Self {
            added: imported.added,
            changed: imported.changed,
            removed: imported.removed,
            unchanged: imported.unchanged,
            ..Self::default()
        }
    }
}

impl From<Problems> for proto::ImportSummary {
    fn from(problems: Problems) -> Self {
        let listed = problems.listed.into_iter();
        Self {
            problems: listed
                .map(|problem| proto::RowProblem {
                    row: problem.row.unwrap_or_default(),
                    field: problem.field,
                    message: problem.message,
                })
                .collect(),
            invalid: problems.total,
            ..Self::default()
        }
    }
}

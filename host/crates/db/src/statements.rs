//! Settlement statements.

use crate::query::{SqlEnum, query};
use crate::statement_rows as rows;
use crate::transaction::{Lock, Transaction, inserted};
use async_trait::async_trait;
use galleria_domain::StatementHeader;
use galleria_ports::Error;
use galleria_ports::records::{StatementRow, StatementState, Statements};

#[async_trait]
impl Statements for Transaction<'_> {
    async fn matching_lock(&mut self, retailer: &str) -> Result<(), Error> {
        let take = query(
            "matching_lock",
            "INSERT INTO matching_turns (retailer, turns) VALUES ($1, 1)
             ON CONFLICT (retailer) DO UPDATE SET turns = matching_turns.turns + 1",
        );
        self.execute_later(take.bind(retailer)).await
    }

    async fn statement_insert(&mut self, row: &StatementRow) -> Result<(), Error> {
        let rows_changed = self.execute(rows::statement_insert(row)).await?;
        inserted(rows_changed, "statement", &row.id)
    }

    async fn statement_get(&mut self, id: &str) -> Result<Option<StatementRow>, Error> {
        let sql = self.locking("SELECT * FROM statements WHERE id = $1", Lock::Wait);
        self.fetch_optional_as(query("statement_get", sql).bind(id), rows::statement_row)
            .await
    }

    async fn statement_get_by_payout(
        &mut self,
        retailer: &str,
        header: &StatementHeader,
    ) -> Result<Option<StatementRow>, Error> {
        let get = query(
            "statement_get_by_payout",
            "SELECT * FROM statements
             WHERE retailer = $1 AND provider = $2 AND account = $3 AND reference = $4",
        )
        .bind(retailer)
        .bind(&*header.provider)
        .bind(&*header.account)
        .bind(&*header.reference);
        self.fetch_optional_as(get, rows::statement_row).await
    }

    async fn statement_replace(&mut self, row: &StatementRow) -> Result<(), Error> {
        let header = &row.header;
        let set = query(
            "statement_replace",
            "UPDATE statements SET plugin = $1, component = $2, provider = $3, account = $4,
                 reference = $5, currency = $6, minor_digits = $7, paid_on = $8, total = $9,
                 attributes = $10, net = $11, line_count = $12, state = $13, matched_to = $14
             WHERE id = $15",
        )
        .bind(&*row.plugin)
        .bind(&*row.component)
        .bind(&*header.provider)
        .bind(&*header.account)
        .bind(&*header.reference)
        .bind(&*header.currency)
        .bind(i64::from(header.minor_digits))
        .bind(&*header.paid_on)
        .bind(header.total)
        .bind_json(&header.attributes)
        .bind(row.net)
        .bind(rows::count(row.lines))
        .bind_enum(row.state)
        .bind(rows::count(row.matched_to))
        .bind(&*row.id);
        self.execute_later(set).await
    }

    async fn statement_advance(
        &mut self,
        id: &str,
        state: StatementState,
        matched_to: u64,
    ) -> Result<(), Error> {
        let set = query(
            "statement_advance",
            "UPDATE statements SET state = $1, matched_to = $2 WHERE id = $3",
        )
        .bind_enum(state)
        .bind(rows::count(matched_to))
        .bind(id);
        self.execute_later(set).await
    }

    async fn statement_list_unfinished(&mut self) -> Result<Vec<StatementRow>, Error> {
        let list = query(
            "statement_list_unfinished",
            "SELECT * FROM statements WHERE state <> 'matched' ORDER BY id",
        );
        self.fetch_all_as(list, rows::statement_row).await
    }

    async fn statement_list(
        &mut self,
        retailer: Option<&str>,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<StatementRow>, Error> {
        // "~" sorts after every date.
        let (day, id) = after.unwrap_or(("~", ""));
        let list = match retailer {
            Some(retailer) => query(
                "statement_list",
                "SELECT * FROM statements
                 WHERE retailer = $1 AND (paid_on, id) < ($2, $3) AND state <> 'importing'
                 ORDER BY paid_on DESC, id DESC LIMIT $4",
            )
            .bind(retailer),
            None => query(
                "statement_list",
                "SELECT * FROM statements
                 WHERE (paid_on, id) < ($1, $2) AND state <> 'importing'
                 ORDER BY paid_on DESC, id DESC LIMIT $3",
            ),
        };
        let list = list.bind(day).bind(id).bind(i64::from(limit));
        self.fetch_all_as(list, rows::statement_row).await
    }

    async fn statement_remove(&mut self, id: &str) -> Result<(), Error> {
        let remove = query("statement_remove", "DELETE FROM statements WHERE id = $1");
        self.execute_later(remove.bind(id)).await
    }
}

impl SqlEnum for StatementState {
    const ALL: &'static [Self] = &[Self::Importing, Self::Matching, Self::Matched];

    fn as_sql(self) -> &'static str {
        match self {
            Self::Importing => "importing",
            Self::Matching => "matching",
            Self::Matched => "matched",
        }
    }
}

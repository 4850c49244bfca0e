//! Tenders, which matching compares with statement lines.

use crate::placeholders::CHUNK;
use crate::query::query;
use crate::statement_rows as rows;
use crate::transaction::{Transaction, inserted};
use async_trait::async_trait;
use galleria_domain::matching::ReferenceKind;
use galleria_domain::{Money, RecordedTender};
use galleria_ports::Error;
use galleria_ports::records::{PaidPart, Tenders, UncoveredCursor};
use jiff::Timestamp;

/// Finds tenders by one of three references. The query repeats the condition of the partial index,
/// because the database does not know that the bound reference is not empty.
macro_rules! by_reference {
    ($column:literal) => {
        concat!(
            "SELECT * FROM tenders WHERE retailer = $1 AND ",
            $column,
            " = $2 AND ",
            $column,
            " <> '' ORDER BY accepted_ms, id LIMIT $3"
        )
    };
}

#[async_trait]
impl Tenders for Transaction<'_> {
    async fn tender_insert_many(
        &mut self,
        tenders: &[RecordedTender],
        accepted_at: Timestamp,
    ) -> Result<(), Error> {
        for chunk in tenders.chunks(CHUNK) {
            let insert = rows::tender_insert(chunk, accepted_at);
            // A payment and a refund with the same id would have tenders with the same ids.
            let missing = chunk.len() as u64 - self.insert(insert, chunk.len()).await?;
            inserted(u64::from(missing == 0), "entry", &chunk[0].entry_id)?;
        }
        Ok(())
    }

    async fn tender_void(&mut self, entry_id: &str) -> Result<(), Error> {
        let set = query(
            "tender_void",
            "UPDATE tenders SET voided = 1 WHERE entry_id = $1",
        );
        self.execute_later(set.bind(entry_id)).await
    }

    async fn tender_retailer_list_unchecked(&mut self) -> Result<Vec<String>, Error> {
        // One step along the index for each retailer, however many of its tenders wait.
        let list = query(
            "tender_retailer_list_unchecked",
            "WITH RECURSIVE retailers(name) AS (
                 SELECT (SELECT retailer FROM tenders WHERE fresh = 1 ORDER BY retailer LIMIT 1)
                 UNION ALL
                 SELECT (SELECT retailer FROM tenders WHERE fresh = 1 AND retailer > retailers.name
                     ORDER BY retailer LIMIT 1)
                 FROM retailers WHERE name IS NOT NULL)
             SELECT name FROM retailers WHERE name IS NOT NULL",
        );
        self.fetch_all_as(list, |row| row.text("name")).await
    }

    async fn tender_list_unchecked(
        &mut self,
        retailer: &str,
        limit: u32,
    ) -> Result<Vec<RecordedTender>, Error> {
        let list = query(
            "tender_list_unchecked",
            "SELECT * FROM tenders WHERE retailer = $1 AND fresh = 1
             ORDER BY accepted_ms, id LIMIT $2",
        );
        let list = list.bind(retailer).bind(i64::from(limit));
        self.fetch_all_as(list, rows::tender).await
    }

    async fn tender_mark_checked(&mut self, id: &str) -> Result<(), Error> {
        let set = query(
            "tender_mark_checked",
            "UPDATE tenders SET fresh = 0 WHERE id = $1",
        );
        self.execute_later(set.bind(id)).await
    }

    async fn tender_list_by_reference(
        &mut self,
        retailer: &str,
        kind: ReferenceKind,
        reference: &str,
        limit: u32,
    ) -> Result<Vec<RecordedTender>, Error> {
        let sql = match kind {
            ReferenceKind::Psp => by_reference!("psp_reference"),
            ReferenceKind::Modification => by_reference!("modification_reference"),
            ReferenceKind::Merchant => by_reference!("merchant_reference"),
        };
        let list = query("tender_list_by_reference", sql)
            .bind(retailer)
            .bind(reference)
            .bind(i64::from(limit));
        self.fetch_all_as(list, rows::tender).await
    }

    async fn tender_get(&mut self, id: &str) -> Result<Option<RecordedTender>, Error> {
        let get = query("tender_get", "SELECT * FROM tenders WHERE id = $1").bind(id);
        self.fetch_optional_as(get, rows::tender).await
    }

    async fn tender_list_by_entry(
        &mut self,
        retailer: &str,
        entry_id: &str,
    ) -> Result<Vec<RecordedTender>, Error> {
        let list = query(
            "tender_list_by_entry",
            "SELECT * FROM tenders WHERE entry_id = $1 AND retailer = $2",
        )
        .bind(entry_id)
        .bind(retailer);
        let rows = self.fetch_all(list).await?;
        let mut tenders: Vec<_> = rows.iter().map(rows::tender).collect::<Result<_, _>>()?;
        // An entry has few tenders.
        tenders.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(tenders)
    }

    async fn tender_allocation_list(&mut self, id: &str) -> Result<Vec<PaidPart>, Error> {
        let list = query(
            "tender_allocation_list",
            "SELECT statement_id, number, amount FROM allocations
             WHERE tender_id = $1 ORDER BY statement_id, number",
        );
        self.fetch_all_as(list.bind(id), |row| {
            Ok(PaidPart {
                statement: row.text("statement_id")?,
                number: row.int_as("number")?,
                amount: row.int("amount")?,
            })
        })
        .await
    }

    async fn tender_settle(
        &mut self,
        id: &str,
        settled: Money,
        covered: bool,
    ) -> Result<(), Error> {
        let set = query(
            "tender_settle",
            "UPDATE tenders SET settled = $1, covered = $2
             WHERE id = $3 AND (settled <> $1 OR covered <> $2)",
        );
        let set = set.bind(settled).bind_bool(covered).bind(id);
        self.execute_later(set).await
    }

    async fn tender_list_uncovered(
        &mut self,
        retailer: &str,
        last: &str,
        kinds: &[String],
        after: &UncoveredCursor,
        limit: u32,
    ) -> Result<Vec<(RecordedTender, Timestamp)>, Error> {
        let list = query(
            "tender_list_uncovered",
            "SELECT * FROM tenders
             WHERE retailer = $1 AND covered = 0 AND voided = 0
               AND (business_date, id) > ($2, $3) AND business_date <= $4
               AND (($5 = '' AND psp_reference <> '')
                    OR ($5 <> '' AND $5 LIKE '%/' || kind || '/%'))
             ORDER BY business_date, id LIMIT $6",
        )
        .bind(retailer)
        .bind(&*after.business_date)
        .bind(&*after.id)
        .bind(last)
        .bind(rows::joined(kinds))
        .bind(i64::from(limit));
        let rows = self.fetch_all(list).await?;
        rows.iter()
            .map(|row| Ok((rows::tender(row)?, row.timestamp("accepted_ms")?)))
            .collect()
    }
}

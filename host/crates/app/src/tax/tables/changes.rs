//! The differences between the table of a store and the rows of a file.

use crate::tabular::{Step, Watch};
use galleria_domain::Problem;
use galleria_domain::tax::{MAX_TABLE_ROWS, MAX_TAXES, TaxRow, TaxRowKey};
use galleria_ports::Error;
use galleria_ports::records::Tx;
use jiff::civil::Date;
use std::collections::{BTreeMap, HashMap};

/// Rows that are written between two checks whether the import should stop.
pub(super) const WRITTEN: usize = 1_024;

/// The differences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Rows with new keys.
    pub added: Vec<TaxRow>,
    /// Rows that differ, before and after.
    pub changed: Vec<(TaxRow, TaxRow)>,
    /// Rows that the file does not have.
    pub removed: Vec<TaxRow>,
    /// The number of rows of the file that the table has already.
    pub unchanged: u64,
    /// The number of rows of the table before.
    pub before: u64,
    /// The rules that the table would violate.
    pub problems: Vec<Problem>,
}

impl Changes {
    /// Compares a table with the rows of a file, whose keys are unique. With `replace`, rows that the file does not
    /// have are removed.
    pub fn between(store: &str, table: Vec<TaxRow>, rows: &[TaxRow], replace: bool) -> Self {
        let mut changes = Self {
            before: table.len() as u64,
            ..Self::default()
        };
        let table = table.into_iter().map(|row| (row.key(), row));
        let mut table: BTreeMap<TaxRowKey, TaxRow> = table.collect();
        for row in rows {
            match table.remove(&row.key()) {
                None => changes.added.push(row.clone()),
                Some(before) if before.is_same(row) => changes.unchanged += 1,
                Some(before) => changes.changed.push((before, row.clone())),
            }
        }
        let rest: Vec<TaxRow> = table.into_values().collect();
        let kept = if replace { &[][..] } else { &rest };
        changes.problems = problems(store, rows, kept);
        if replace {
            changes.removed = rest;
        }
        changes
    }

    /// The number of differences.
    pub fn count(&self) -> u64 {
        (self.added.len() + self.changed.len() + self.removed.len()) as u64
    }

    /// The number of rows of the table after the changes.
    pub fn after(&self) -> u64 {
        self.before + self.added.len() as u64 - self.removed.len() as u64
    }

    /// Removes and changes rows.
    pub async fn write_others(
        &self,
        tx: &mut dyn Tx,
        store: &str,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        let removed: Vec<TaxRowKey> = self.removed.iter().map(TaxRow::key).collect();
        for keys in removed.chunks(WRITTEN) {
            tx.tax_row_delete_many(store, keys).await?;
            progress.add(keys.len())?;
        }
        let changed: Vec<TaxRow> = self.changed.iter().map(|(_, row)| row.clone()).collect();
        for rows in changed.chunks(WRITTEN) {
            tx.tax_row_put_many(store, rows).await?;
            progress.add(rows.len())?;
        }
        Ok(())
    }
}

/// The progress of writing.
pub(super) struct Progress<'w> {
    watch: &'w Watch,
    done: u64,
    all: u64,
}

impl<'w> Progress<'w> {
    pub fn new(watch: &'w Watch, all: u64) -> Self {
        Self {
            watch,
            done: 0,
            all,
        }
    }

    /// Adds written rows. Fails if the import should stop, so that the transaction is rolled back.
    pub fn add(&mut self, rows: usize) -> Result<(), Error> {
        self.done += rows as u64;
        (self.watch.steps)(Step::Written(self.done, self.all));
        let stopped = self.watch.go_on();
        stopped.map_err(|stopped| Error::Internal(stopped.to_string()))
    }
}

/// The rules for a table that has these rows together.
fn problems(store: &str, rows: &[TaxRow], kept: &[TaxRow]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let count = rows.len() + kept.len();
    if count > MAX_TABLE_ROWS {
        let rule = format!(
            "a table must have at most {MAX_TABLE_ROWS} rows; that of store {store} would have {count}"
        );
        problems.push(Problem::new("file", rule));
    }
    let mut taxes: HashMap<(&str, Option<Date>), usize> = HashMap::new();
    for row in rows.iter().chain(kept) {
        *taxes.entry((&row.tax_code, row.valid_from)).or_default() += 1;
    }
    let mut above: Vec<_> = taxes
        .into_iter()
        .filter(|(_, count)| *count > MAX_TAXES)
        .collect();
    above.sort_unstable();
    for ((code, date), count) in above {
        let from = date.map_or_else(String::new, |date| format!(" from {date}"));
        let rule = format!(
            "a code must have at most {MAX_TAXES} taxes at the same time; {code} of store {store} would have \
             {count}{from}"
        );
        problems.push(Problem::new("tax_code", rule));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(code: &str, id: &str, percent: &str) -> TaxRow {
        let row = serde_json::json!({ "tax_code": code, "tax_level": "VAT", "retailer_tax_level_id": id,
            "tax_percent": percent });
        serde_json::from_value(row).expect("a row")
    }

    #[test]
    fn a_file_is_compared_row_by_row() {
        let table = vec![
            row("A", "a", "21.00"),
            row("B", "b", "10.00"),
            row("C", "c", "4.00"),
        ];
        let file = [row("D", "d", "1"), row("B", "b", "11"), row("A", "a", "21")];
        let merged = Changes::between("s", table.clone(), &file, false);
        assert_eq!(merged.added, [file[0].clone()]);
        assert_eq!(merged.changed, [(table[1].clone(), file[1].clone())]);
        assert_eq!((merged.removed.len(), merged.unchanged), (0, 1));
        assert_eq!((merged.count(), merged.before, merged.after()), (2, 3, 4));
        let replaced = Changes::between("s", table.clone(), &file, true);
        assert_eq!(replaced.removed, [table[2].clone()]);
        assert_eq!((replaced.count(), replaced.after()), (3, 3));
        let same = Changes::between("s", table.clone(), &table, true);
        assert_eq!((same.count(), same.unchanged), (0, 3));
    }

    #[test]
    fn the_limits_apply_to_the_table_and_not_to_the_file() {
        let taxes = |from: usize, to: usize| -> Vec<TaxRow> {
            (from..to).map(|n| row("A", &n.to_string(), "1")).collect()
        };
        let problems = |table: usize, file: (usize, usize), replace| {
            let changes = Changes::between("s", taxes(0, table), &taxes(file.0, file.1), replace);
            let texts = changes.problems.iter().map(ToString::to_string);
            texts.collect::<Vec<_>>()
        };
        assert_eq!(problems(10, (10, 20), false), [""; 0]);
        assert_eq!(problems(10, (5, 20), false), [""; 0]);
        assert_eq!(problems(15, (15, 21), true), [""; 0]);
        assert_eq!(
            problems(15, (15, 21), false),
            [
                "tax_code: a code must have at most 20 taxes at the same time; A of store s would have 21"
            ]
        );
        let many: Vec<TaxRow> = (0..=MAX_TABLE_ROWS)
            .map(|n| row(&n.to_string(), "", "1"))
            .collect();
        let changes = Changes::between("s", many[1..].to_vec(), &many[..1], false);
        assert_eq!(
            changes.problems[0].to_string(),
            "file: a table must have at most 50000 rows; that of store s would have 50001"
        );
    }
}

//! The records of finished and dropped evaluations in the background, written in one transaction.

use super::ShadowPolicy;
use galleria_ports::Error;
use galleria_ports::records::{ComparisonCount, ComparisonRow, ComparisonTerms, ShadowOutcome, Tx};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Finished evaluations by terms, day and outcome, and the number of dropped ones.
pub(super) struct Batch {
    pub rows: BTreeMap<(ComparisonTerms, Date, ShadowOutcome), Vec<ComparisonRow>>,
    pub dropped: BTreeMap<ComparisonTerms, u64>,
    day: Date,
}

impl Batch {
    pub fn new(
        all: Vec<ComparisonRow>,
        dropped: BTreeMap<ComparisonTerms, u64>,
        now: Timestamp,
    ) -> Self {
        let mut rows: BTreeMap<_, Vec<ComparisonRow>> = BTreeMap::new();
        for row in all {
            let key = (
                row.terms.clone(),
                ComparisonCount::day_of(row.at),
                row.outcome,
            );
            rows.entry(key).or_default().push(row);
        }
        Self {
            rows,
            dropped,
            day: ComparisonCount::day_of(now),
        }
    }

    pub async fn write(&self, tx: &mut dyn Tx, policy: ShadowPolicy) -> Result<(), Error> {
        for ((terms, day, outcome), rows) in &self.rows {
            let before = tx.tax_comparison_count_get(terms, *day, *outcome).await?;
            let numbered = (before.baskets..).zip(rows);
            let sampled = numbered.filter(|(number, _)| is_recorded(*outcome, *number, policy));
            let left = policy.per_day.saturating_sub(before.recorded);
            let recorded = sampled.take(usize::try_from(left).unwrap_or(usize::MAX));
            let recorded: Vec<ComparisonRow> = recorded.map(|(_, row)| row.clone()).collect();
            tx.tax_comparison_insert_many(&recorded).await?;
            tx.tax_comparison_count_add(&ComparisonCount {
                baskets: rows.len() as u64,
                recorded: recorded.len() as u64,
                ..before
            })
            .await?;
        }
        for (terms, baskets) in &self.dropped {
            tx.tax_comparison_count_add(&ComparisonCount {
                terms: terms.clone(),
                day: self.day,
                outcome: ShadowOutcome::Dropped,
                baskets: *baskets,
                recorded: 0,
            })
            .await?;
        }
        Ok(())
    }
}

/// Whether the basket with this number of its outcome and day is recorded: of equal baskets a sample, which begins
/// with the first one.
fn is_recorded(outcome: ShadowOutcome, number: u64, policy: ShadowPolicy) -> bool {
    match outcome {
        ShadowOutcome::Equal => policy.sample > 0 && number.is_multiple_of(policy.sample),
        ShadowOutcome::Different | ShadowOutcome::Failed => true,
        ShadowOutcome::Dropped => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_baskets_a_sample_is_recorded() {
        let recorded = |outcome, sample| {
            let policy = ShadowPolicy {
                sample,
                ..ShadowPolicy::default()
            };
            let numbers = (0..10).filter(|number| is_recorded(outcome, *number, policy));
            numbers.collect::<Vec<_>>()
        };
        assert_eq!(recorded(ShadowOutcome::Equal, 4), [0, 4, 8]);
        assert_eq!(recorded(ShadowOutcome::Equal, 0), [0_u64; 0]);
        assert_eq!(recorded(ShadowOutcome::Different, 4).len(), 10);
        assert_eq!(recorded(ShadowOutcome::Failed, 0).len(), 10);
    }
}

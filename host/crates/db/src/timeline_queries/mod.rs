//! The queries of a timeline: one for each kind of entry of a subject.
//!
//! `$1` is the subject's id and `$2` the limit. Each query returns `at_ms`, `id` and its columns as
//! text.

mod document;
mod event;
mod lookup;
mod order;
mod run;
mod shift;
mod statement;
mod taxes;

pub(crate) use lookup::{EVENT_STORE, LINE_EXISTS, ORDER_EVENTS, SUBJECTS, SUBJECTS_OF_RETAILER};

use galleria_ports::records::Subject;

/// A column with the JSON text of the store or line that defines the currency of the amounts. The entry shows
/// `currency` and `minor_digits` of it.
pub(crate) const CURRENCY_OF: &str = "currency_of";

/// A column with the JSON text of [`galleria_domain::tax::OrderTaxes`]. The entry shows its facts.
pub(crate) const ORDER_TAXES: &str = "order_taxes";

/// A column with the JSON text of a recorded evaluation. The entry shows its totals and its route.
pub(crate) const TAX_EVALUATION: &str = "tax_evaluation";

/// A query for one kind of entry.
pub(crate) struct TimelineQuery {
    pub(crate) kind: &'static str,
    /// The entry shows these columns unless they are empty.
    pub(crate) columns: &'static [&'static str],
    pub(crate) sql: &'static str,
}

/// Returns the queries for a subject.
pub(crate) fn queries_for(subject: Subject) -> &'static [TimelineQuery] {
    match subject {
        Subject::Order => order::QUERIES,
        Subject::Shift => shift::QUERIES,
        Subject::Event => event::QUERIES,
        Subject::Run => run::QUERIES,
        Subject::Statement => statement::QUERIES,
        Subject::Line => statement::LINE_QUERIES,
        Subject::Document => document::QUERIES,
        Subject::Store => taxes::STORE_QUERIES,
        Subject::TaxEvaluation => taxes::EVALUATION_QUERIES,
    }
}

#[cfg(test)]
mod tests {
    use super::queries_for;
    use galleria_ports::records::Subject::*;
    use galleria_ports::records::TIMELINE_ORDER;
    use std::collections::BTreeSet;

    #[test]
    fn each_kind_has_one_position_in_the_timeline_order() {
        let subjects = [
            Order,
            Shift,
            Event,
            Run,
            Statement,
            Line,
            Document,
            Store,
            TaxEvaluation,
        ];
        let queries = subjects.into_iter().flat_map(queries_for);
        let kinds: BTreeSet<_> = queries.map(|query| query.kind).collect();
        assert_eq!(kinds, BTreeSet::from(TIMELINE_ORDER));
        let ordered: BTreeSet<_> = TIMELINE_ORDER.into();
        assert_eq!(
            ordered.len(),
            TIMELINE_ORDER.len(),
            "no kind is listed twice"
        );
    }
}

//! Queries of lists and timelines.

use crate::Db;
use galleria_ports::in_tx;
use galleria_ports::records::{
    DocumentState, ListFilter, ListKind, ListScope, OrderStatus, Records, StatusFilter, Subject,
};

/// Runs the queries of lists, which run while tills sell.
pub(super) async fn run_list_queries(db: &Db) {
    let records: &dyn Records = db;
    let result = records.read(in_tx!(|tx| {
        let scopes = |own: ListScope| [ListScope::All, ListScope::Retailer("r".into()), own];
        for listing in [
            ListKind::Orders,
            ListKind::Payments,
            ListKind::Refunds,
            ListKind::Voids,
            ListKind::Verifications,
            ListKind::Shifts,
            ListKind::Documents,
        ] {
            let statuses = match listing {
                ListKind::Orders => OrderStatus::ALL
                    .iter()
                    .copied()
                    .map(StatusFilter::Order)
                    .collect(),
                ListKind::Shifts => [true, false]
                    .map(|open| StatusFilter::Shift { open })
                    .to_vec(),
                ListKind::Documents => {
                    let states = DocumentState::ALL.iter().copied();
                    states.map(StatusFilter::Document).collect()
                }
                _ => Vec::new(),
            };
            let any = std::iter::once(None).chain(statuses.into_iter().map(Some));
            for standing in any {
                let filter = ListFilter {
                    standing,
                    ..ListFilter::default()
                };
                for place in scopes(ListScope::Store("s".into())) {
                    tx.list_cursors(listing, &place, &filter, 1).await?;
                }
            }
            if ![ListKind::Orders, ListKind::Shifts].contains(&listing) {
                let (place, filter) = (ListScope::Order("o".into()), ListFilter::default());
                tx.list_cursors(listing, &place, &filter, 1).await?;
            }
        }
        let filter = ListFilter {
            directory: Some("poslog".into()),
            ..ListFilter::default()
        };
        for place in scopes(ListScope::Event("e".into())) {
            tx.list_cursors(ListKind::Documents, &place, &filter, 1)
                .await?;
        }
        for place in scopes(ListScope::Name("n".into())) {
            tx.list_cursors(ListKind::Documents, &place, &filter, 1)
                .await?;
        }
        let ids = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        tx.order_list_rows(&ids).await?;
        tx.payment_list_rows(&ids).await?;
        tx.refund_list_rows(&ids).await?;
        tx.void_list_rows(&ids).await?;
        tx.verification_list_rows(&ids).await?;
        tx.shift_list_rows(&ids).await?;
        tx.document_list_rows(&ids).await?;
        tx.document_body("d").await.map(drop)
    }));
    result.await.expect("queries");
}

/// Runs the queries of timelines, which run while tills sell.
pub(super) async fn run_timeline_queries(db: &Db) {
    let records: &dyn Records = db;
    let result = records.read(in_tx!(|tx| {
        for subject in [
            Subject::Order,
            Subject::Shift,
            Subject::Event,
            Subject::Run,
            Subject::Statement,
            Subject::Line,
            Subject::Document,
            Subject::Store,
            Subject::TaxEvaluation,
        ] {
            tx.timeline_rows(subject, "s.1", 1).await?;
        }
        tx.timeline_events("o", 1).await?;
        tx.timeline_store("e").await?;
        tx.timeline_subjects("s.1", 1).await.map(drop)
    }));
    result.await.expect("queries");
}

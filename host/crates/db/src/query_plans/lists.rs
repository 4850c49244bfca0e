//! Queries of lists and timelines.

use crate::Db;
use galleria_ports::records::{
    DocumentState, ListFilter, Listing, OrderStatus, Place, Records, Standing, Subject,
};

/// Runs the queries of lists, which run while tills sell.
pub(super) async fn run_list_queries(db: &Db) {
    let records: &dyn Records = db;
    let result = records.read(|tx| {
        Box::pin(async move {
            let scopes = |own: Place| [Place::Everywhere, Place::Retailer("r".into()), own];
            for listing in [
                Listing::Orders,
                Listing::Payments,
                Listing::Refunds,
                Listing::Voids,
                Listing::Verifications,
                Listing::Shifts,
                Listing::Documents,
            ] {
                let statuses = match listing {
                    Listing::Orders => OrderStatus::ALL
                        .iter()
                        .copied()
                        .map(Standing::Order)
                        .collect(),
                    Listing::Shifts => [true, false].map(|open| Standing::Shift { open }).to_vec(),
                    Listing::Documents => {
                        let states = DocumentState::ALL.iter().copied();
                        states.map(Standing::Document).collect()
                    }
                    _ => Vec::new(),
                };
                let any = std::iter::once(None).chain(statuses.into_iter().map(Some));
                for standing in any {
                    let filter = ListFilter {
                        standing,
                        ..ListFilter::default()
                    };
                    for place in scopes(Place::Store("s".into())) {
                        tx.list_keys(listing, &place, &filter, 1).await?;
                    }
                }
                if ![Listing::Orders, Listing::Shifts].contains(&listing) {
                    let (place, filter) = (Place::Order("o".into()), ListFilter::default());
                    tx.list_keys(listing, &place, &filter, 1).await?;
                }
            }
            let filter = ListFilter {
                directory: Some("poslog".into()),
                ..ListFilter::default()
            };
            for place in scopes(Place::Event("e".into())) {
                tx.list_keys(Listing::Documents, &place, &filter, 1).await?;
            }
            for place in scopes(Place::Name("n".into())) {
                tx.list_keys(Listing::Documents, &place, &filter, 1).await?;
            }
            let ids = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
            tx.orders_listed(&ids).await?;
            tx.payments_listed(&ids).await?;
            tx.refunds_listed(&ids).await?;
            tx.voids_listed(&ids).await?;
            tx.verifications_listed(&ids).await?;
            tx.shifts_listed(&ids).await?;
            tx.documents_listed(&ids).await?;
            tx.document_body("d").await.map(drop)
        })
    });
    result.await.expect("queries");
}

/// Runs the queries of timelines, which run while tills sell.
pub(super) async fn run_timeline_queries(db: &Db) {
    let records: &dyn Records = db;
    let result = records.read(|tx| {
        Box::pin(async move {
            for subject in [
                Subject::Order,
                Subject::Shift,
                Subject::Event,
                Subject::Run,
                Subject::Statement,
                Subject::Line,
                Subject::Document,
            ] {
                tx.story_rows(subject, "s.1", 1).await?;
            }
            tx.story_events("o", 1).await?;
            tx.story_store("e").await?;
            tx.story_subjects("s.1", 1).await.map(drop)
        })
    });
    result.await.expect("queries");
}

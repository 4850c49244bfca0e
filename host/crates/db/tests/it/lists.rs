//! Lists: the order of pages in each scope, filters, and rows of an earlier host version.

use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_ports::records::{
    DocumentState, ListCursor, ListFilter, ListKind, ListScope, OrderStatus, StatusFilter,
};

on_both!(
    pages_are_ordered_by_time_and_bytes_of_the_id,
    a_list_is_filtered_by_scope_time_and_status,
    rows_without_a_retailer_are_listed,
    a_list_shows_the_inserted_rows,
    documents_are_listed_by_event_name_and_directory,
);

/// Inserts stores `s1` and `s2` of `r`, and `t1` of `q`.
async fn with_stores(stage: &Stage) {
    let stores = [("s1", "r"), ("s2", "r"), ("t1", "q")].map(|(id, r)| rows::store(id, r));
    write_tx!(stage, [stores], |tx| {
        for store in &stores {
            tx.store_put(store).await?;
        }
        Ok(())
    })
    .expect("stores");
}

async fn order(stage: &Stage, id: &str, store: &str, ms: i64, status: OrderStatus) {
    let mut order = rows::bare_order(id, store);
    order.created_at = at(ms);
    order.status = status;
    write_tx!(stage, [order], |tx| tx.order_insert(&order).await).expect("an order");
}

async fn ids(
    stage: &Stage,
    listing: ListKind,
    place: &ListScope,
    filter: &ListFilter,
    limit: u32,
) -> Vec<ListCursor> {
    let keys = read_tx!(stage, [place, filter], |tx| tx
        .list_cursors(listing, &place, &filter, limit)
        .await);
    keys.expect("keys")
}

fn joined(keys: &[ListCursor]) -> String {
    let ids: Vec<_> = keys.iter().map(|key| key.id.as_str()).collect();
    ids.join(" ")
}

async fn pages_are_ordered_by_time_and_bytes_of_the_id(stage: &Stage) {
    with_stores(stage).await;
    // At the same time, ids are ordered by bytes, unlike in any locale.
    for id in ["a", "B", "b_1", "b-1", "b.1"] {
        order(stage, id, "s1", 5, OrderStatus::Paid).await;
    }
    order(stage, "later", "s1", 6, OrderStatus::Paid).await;
    order(stage, "first", "s1", 4, OrderStatus::Paid).await;
    for place in [
        ListScope::All,
        ListScope::Retailer("r".into()),
        ListScope::Store("s1".into()),
    ] {
        for limit in [1, 2, 3, 9] {
            let (mut filter, mut keys) = (ListFilter::default(), Vec::new());
            loop {
                let page = ids(stage, ListKind::Orders, &place, &filter, limit).await;
                filter.after = page.last().cloned();
                keys.extend(page);
                if keys.len() == 7 || filter.after.is_none() {
                    break;
                }
            }
            assert_eq!(joined(&keys), "later b_1 b.1 b-1 a B first", "{place:?}");
        }
    }
}

async fn a_list_is_filtered_by_scope_time_and_status(stage: &Stage) {
    with_stores(stage).await;
    let all = [
        ("o1", "s1", OrderStatus::Open),
        ("o2", "s2", OrderStatus::Paid),
        ("o3", "t1", OrderStatus::Voided),
        ("o4", "s1", OrderStatus::Paid),
        ("o5", "t1", OrderStatus::Open),
    ];
    for (ms, (id, store, status)) in all.into_iter().enumerate() {
        order(
            stage,
            id,
            store,
            i64::try_from(ms).expect("a small number"),
            status,
        )
        .await;
    }
    let listed = async |place: ListScope, filter: ListFilter| {
        joined(&ids(stage, ListKind::Orders, &place, &filter, 9).await)
    };
    let any = ListFilter::default;
    assert_eq!(listed(ListScope::All, any()).await, "o5 o4 o3 o2 o1");
    assert_eq!(
        listed(ListScope::Retailer("r".into()), any()).await,
        "o4 o2 o1"
    );
    assert_eq!(listed(ListScope::Store("t1".into()), any()).await, "o5 o3");
    assert_eq!(listed(ListScope::Store("unknown".into()), any()).await, "");
    let window = ListFilter {
        from: Some(at(1)),
        until: Some(at(3)),
        ..any()
    };
    assert_eq!(listed(ListScope::All, window.clone()).await, "o3 o2");
    assert_eq!(listed(ListScope::Store("s2".into()), window).await, "o2");
    for (status, expected) in [
        (OrderStatus::Open, "o5 o1"),
        (OrderStatus::Paid, "o4 o2"),
        (OrderStatus::Voided, "o3"),
    ] {
        let filter = ListFilter {
            standing: Some(StatusFilter::Order(status)),
            ..any()
        };
        assert_eq!(listed(ListScope::All, filter).await, expected);
    }
    let filter = ListFilter {
        standing: Some(StatusFilter::Order(OrderStatus::Open)),
        ..any()
    };
    assert_eq!(listed(ListScope::Retailer("q".into()), filter).await, "o5");
}

async fn rows_without_a_retailer_are_listed(stage: &Stage) {
    with_stores(stage).await;
    for (id, store, ms) in [
        ("o1", "s1", 1),
        ("o2", "s2", 2),
        ("o3", "s1", 3),
        ("o4", "t1", 4),
    ] {
        order(stage, id, store, ms, OrderStatus::Open).await;
    }
    stage
        .run("UPDATE orders SET retailer = '' WHERE id IN ('o2', 'o4')")
        .await;
    let place = ListScope::Retailer("r".into());
    let keys = ids(stage, ListKind::Orders, &place, &ListFilter::default(), 2).await;
    assert_eq!(joined(&keys), "o3 o2");
    let filter = ListFilter {
        after: keys.last().cloned(),
        ..ListFilter::default()
    };
    assert_eq!(
        joined(&ids(stage, ListKind::Orders, &place, &filter, 2).await),
        "o1"
    );
}

async fn a_list_shows_the_inserted_rows(stage: &Stage) {
    with_stores(stage).await;
    let order = rows::full_order("o1", "s1");
    let (payment, refund) = (rows::payment("p1", "o1"), rows::full_refund("r1", "o1"));
    let (waiting, void) = (rows::bare_refund("r2", "o1"), rows::void("v1"));
    let mut shift = rows::shift("shift", "s1");
    shift.closed = Some(rows::closed("shift"));
    shift.closed_at = Some(at(99));
    write_tx!(
        stage,
        [order, payment, refund, waiting, void, shift],
        |tx| {
            tx.order_insert(&order).await?;
            tx.payment_insert(&payment).await?;
            tx.refund_insert(&refund).await?;
            tx.refund_insert(&waiting).await?;
            tx.void_insert(&void).await?;
            tx.shift_insert(&shift).await
        }
    )
    .expect("written");
    let ids = |all: &[&str]| -> Vec<String> { all.iter().map(|id| (*id).to_owned()).collect() };
    let (orders, payments, refunds) = (ids(&["o1", "o9"]), ids(&["p1"]), ids(&["r1", "r2"]));
    let (voids, shifts) = (ids(&["v1"]), ids(&["shift"]));
    let rows = read_tx!(stage, [orders, payments, refunds, voids, shifts], |tx| {
        Ok((
            tx.order_list_rows(&orders).await?,
            tx.payment_list_rows(&payments).await?,
            tx.refund_list_rows(&refunds).await?,
            tx.void_list_rows(&voids).await?,
            tx.shift_list_rows(&shifts).await?,
        ))
    });
    let (orders, payments, mut refunds, voids, shifts) = rows.expect("rows");
    assert_eq!(orders.len(), 1);
    assert_eq!((&orders[0].member, orders[0].gross), (&order.member, -5));
    assert_eq!(payments[0].entry, payment.sale.entry);
    assert_eq!(payments[0].sums.tenders, payment.sale.tenders);
    assert_eq!(payments[0].sums.gross, 1493);
    refunds.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(refunds[0].sums.as_ref().map(|sums| sums.net), Some(1194));
    assert_eq!(
        (&refunds[0].extent, &refunds[1].sums),
        (&refund.extent, &None)
    );
    assert_eq!(voids[0].cause, void.cancellation.cause);
    assert_eq!(shifts, [shift]);
    let of_order = ListScope::Order("o1".into());
    let filter = ListFilter::default();
    let keys = self::ids(stage, ListKind::Refunds, &of_order, &filter, 9).await;
    assert_eq!(joined(&keys), "r2 r1");
    let closed = ListFilter {
        standing: Some(StatusFilter::Shift { open: false }),
        ..ListFilter::default()
    };
    let keys = self::ids(stage, ListKind::Shifts, &ListScope::All, &closed, 9).await;
    assert_eq!(joined(&keys), "shift");
}

async fn documents_are_listed_by_event_name_and_directory(stage: &Stage) {
    let mut documents = [("d1", 1), ("d2", 2), ("d3", 3)].map(|(id, ms)| {
        let mut document = rows::document(id);
        document.created_at = at(ms);
        document
    });
    documents[1].event_id = "payment:2".into();
    documents[1].directory = "product_data".into();
    documents[1].state = DocumentState::Blocked;
    documents[2].event_id = "run".into();
    documents[2].store_id = String::new();
    write_tx!(stage, [documents], |tx| {
        for document in &documents {
            tx.document_insert_many(std::slice::from_ref(document))
                .await?;
        }
        Ok(())
    })
    .expect("documents");
    let listed = async |place: ListScope, filter: ListFilter| {
        joined(&ids(stage, ListKind::Documents, &place, &filter, 9).await)
    };
    let any = ListFilter::default;
    assert_eq!(listed(ListScope::All, any()).await, "d3 d2 d1");
    assert_eq!(
        listed(ListScope::Retailer("r".into()), any()).await,
        "d3 d2 d1"
    );
    assert_eq!(listed(ListScope::Store("s1".into()), any()).await, "d2 d1");
    assert_eq!(listed(ListScope::Event("run".into()), any()).await, "d3");
    assert_eq!(listed(ListScope::Name("d2.xml".into()), any()).await, "d2");
    assert_eq!(
        listed(ListScope::Order("o1".into()), any()).await,
        "d3 d2 d1"
    );
    let poslog = ListFilter {
        directory: Some("poslog".into()),
        until: Some(at(3)),
        ..any()
    };
    for place in [
        ListScope::Retailer("r".into()),
        ListScope::Order("o1".into()),
    ] {
        assert_eq!(listed(place, poslog.clone()).await, "d1");
    }
    let blocked = ListFilter {
        standing: Some(StatusFilter::Document(DocumentState::Blocked)),
        ..any()
    };
    assert_eq!(listed(ListScope::All, blocked).await, "d2");
    let body = read_tx!(stage, [], |tx| tx.document_body("d1").await).expect("read");
    assert_eq!(body, rows::document("d1").body);
    let none = read_tx!(stage, [], |tx| tx.document_body("d9").await).expect("read");
    assert_eq!(none, None);
}

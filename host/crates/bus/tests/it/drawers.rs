//! The expected amount in a drawer at the end of a shift.

use crate::host::TestHost;
use crate::sale::{line, tender};
use galleria_app::orders::{
    EndShift, NewOrder, NewPayment, NewRefund, NewShift, NewVoid, ShiftView,
};
use galleria_domain::refunding::Extent;
use galleria_domain::{Tender, VoidCause};
use galleria_ports::clock::Clock as _;

fn cash(amount: i64) -> Vec<Tender> {
    vec![Tender {
        kind: "cash".into(),
        amount,
        tendered: amount,
        ..tender()
    }]
}

async fn sell_for_cash(host: &TestHost, order: &str, training: bool) {
    let now = host.clock.now();
    let new = NewOrder {
        id: order.into(),
        store_id: "s1".into(),
        external_id: None,
        workstation: "w1".into(),
        cashier: None,
        training,
        begun_at: now,
        lines: vec![line()],
        member: None,
        consents: vec![],
        attributes: vec![],
    };
    let placed = host.app.orders.place(TestHost::key(order), new).await;
    placed.expect("an order");
    let new = NewPayment {
        id: format!("p-{order}"),
        at: now,
        tenders: cash(1000),
        rounding: 0,
        shift_id: Some("shift".into()),
    };
    let key = TestHost::key(&format!("pay-{order}"));
    let paid = host.app.orders.accept_payment(key, order, new).await;
    paid.expect("a payment");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drawer_counts_all_movements_except_training() {
    let host = TestHost::new().await;
    host.store("s1").await;
    let now = host.clock.now();
    let new = NewShift {
        id: "shift".into(),
        store_id: "s1".into(),
        workstation: "w1".into(),
        till: "t1".into(),
        cashier: None,
        opened_at: now,
        opening_float: 10_000,
    };
    let opened = host.app.orders.open_shift(TestHost::key("open"), new).await;
    opened.expect("a shift");
    for order in ["o1", "o2", "o3"] {
        sell_for_cash(&host, order, false).await;
    }
    sell_for_cash(&host, "practice", true).await;
    let back = NewRefund {
        id: "r1".into(),
        at: now,
        reason: "defect".into(),
        extent: Extent::Amount(300),
        tenders: cash(300),
        rounding: None,
        shift_id: Some("shift".into()),
        workstation: None,
        cashier: None,
        attributes: vec![],
    };
    let refunded = host
        .app
        .orders
        .accept_refund(TestHost::key("back"), "o1", back)
        .await;
    refunded.expect("a refund");
    for order in ["o2", "practice"] {
        let undo = NewVoid {
            id: format!("v-{order}"),
            at: now,
            cause: VoidCause::PostVoid,
            shift_id: Some("shift".into()),
            cashier: None,
            attributes: vec![],
        };
        let key = TestHost::key(&format!("undo-{order}"));
        let voided = host.app.orders.accept_void(key, order, undo).await;
        voided.expect("a void");
    }
    let end = EndShift {
        at: now,
        counted: 11_700,
        paid_in: 0,
        paid_out: 0,
        pickups: 0,
        cashier: None,
    };
    let ended = host
        .app
        .orders
        .end_shift(TestHost::key("end"), "shift", end)
        .await;
    let ended = ended.expect("an ended shift").body;
    let ended: ShiftView = serde_json::from_str(&ended).expect("a shift");
    assert_eq!((ended.expected, ended.difference), (Some(11_700), Some(0)));
}

//! Moves of stores to another route, and the comparisons that allow them.

use crate::stage::Stage;
use crate::tax_kit::operations;
use crate::tax_shop::{Shop, policy, settings};
use galleria_app::tax::{NewTaxMove, TaxMoved};
use galleria_domain::tax::{TaxRoute, TaxSettings};
use galleria_ports::Error;

on_both!(
    a_store_moves_after_enough_equal_baskets,
    a_difference_refuses_the_move_until_the_settings_or_the_table_change,
    a_forced_move_is_recorded_with_its_reason,
    of_two_concurrent_moves_one_is_rejected,
);

fn to(route: TaxRoute) -> NewTaxMove {
    NewTaxMove {
        route,
        force: false,
        keep_shadow: false,
        actor: "ana".into(),
        reason: String::new(),
    }
}

async fn moved(shop: &Shop, request: NewTaxMove) -> Result<TaxMoved, Error> {
    let reply = shop.app.taxes.move_store(None, "s", request).await?;
    Ok(serde_json::from_str(&reply.body).expect("a move"))
}

async fn refused(shop: &Shop, request: NewTaxMove) -> String {
    match moved(shop, request).await {
        Err(Error::Conflict {
            code: "tax_move_refused",
            message,
        }) => message,
        other => panic!("{other:?}"),
    }
}

async fn current(stage: &Stage) -> TaxSettings {
    let read = read_tx!(stage, [], |tx| tx.tax_store_get("s").await);
    read.expect("a store").settings.expect("settings")
}

async fn a_store_moves_after_enough_equal_baskets(stage: &Stage) {
    let shop = Shop::open(stage, policy(), 100).await;
    for number in 1..=2 {
        shop.sell(1).await;
        shop.settle(number).await;
    }
    let message = refused(&shop, to(TaxRoute::Http)).await;
    let expected = "store s cannot move from embedded to http: 2 of 3 required baskets were compared with http, since";
    assert!(message.starts_with(expected), "{message}");
    assert!(
        message.contains("`galleria tax compare --store s`"),
        "{message}"
    );
    let message = refused(&shop, to(TaxRoute::Grpc)).await;
    let expected = "0 of 3 required baskets were compared with grpc (the shadow of the store is not grpc: set it)";
    assert!(message.contains(expected), "{message}");
    assert_eq!(current(stage).await, settings());

    shop.sell(1).await;
    shop.settle(3).await;
    let done = moved(&shop, to(TaxRoute::Http)).await.expect("moved");
    assert!(done.readiness.ready && !done.forced);
    let after = TaxSettings {
        route: TaxRoute::Http,
        shadow: None,
        ..settings()
    };
    assert_eq!((&done.before, &done.after), (&settings(), &after));
    assert_eq!(current(stage).await, after);
    let operations = operations(&shop.app, "s", Some("tax_move")).await;
    assert_eq!((operations.len(), &*operations[0].actor), (1, "ana"));
    assert_eq!(operations[0].before["route"], "embedded");
    assert_eq!(operations[0].after["comparison"]["compared"], 3);

    // The current route is no target.
    let same = moved(&shop, to(TaxRoute::Http))
        .await
        .expect_err("the current route");
    assert_eq!(
        same.to_string(),
        "route: must differ from the current route, which is http"
    );
}

async fn a_difference_refuses_the_move_until_the_settings_or_the_table_change(stage: &Stage) {
    let shop = Shop::open(stage, policy(), 100).await;
    shop.service.set_rate("20");
    shop.sell(1).await;
    shop.settle(1).await;
    shop.service.set_rate("25");
    for number in 2..=5 {
        shop.sell(1).await;
        shop.settle(number).await;
    }
    let message = refused(&shop, to(TaxRoute::Http)).await;
    let expected = "cannot move from embedded to http: 1 of 5 compared baskets differ, since";
    assert!(message.contains(expected), "{message}");

    // A changed table: the earlier comparisons count no more, neither equal nor different ones.
    write_tx!(stage, [], |tx| tx.tax_table_change("s").await).expect("changed");
    let message = refused(&shop, to(TaxRoute::Http)).await;
    assert!(
        message.contains("http: 0 of 3 required baskets"),
        "{message}"
    );
    for number in 6..=8 {
        shop.sell(1).await;
        shop.settle(number).await;
    }
    // Changed settings.
    let mut changed = settings();
    changed.fallback = Some(TaxRoute::Http);
    write_tx!(stage, [changed], |tx| tx
        .tax_settings_put("s", &changed)
        .await)
    .expect("put");
    let message = refused(&shop, to(TaxRoute::Http)).await;
    assert!(
        message.contains("http: 0 of 3 required baskets"),
        "{message}"
    );
    for number in 9..=11 {
        shop.sell(1).await;
        shop.settle(number).await;
    }
    let done = moved(&shop, to(TaxRoute::Http)).await.expect("moved");
    assert_eq!(done.readiness.comparison.baskets.equal, 3);
    assert_eq!(done.after.fallback, None, "it was the new route");
}

async fn a_forced_move_is_recorded_with_its_reason(stage: &Stage) {
    let shop = Shop::open(stage, policy(), 100).await;
    shop.service.set_rate("20");
    shop.sell(1).await;
    shop.settle(1).await;
    let forced = NewTaxMove {
        force: true,
        keep_shadow: true,
        ..to(TaxRoute::Http)
    };
    let error = moved(&shop, forced.clone()).await.expect_err("no reason");
    assert_eq!(
        error.to_string(),
        "reason: must not be empty if `force` is set"
    );
    let reason = "the old rate was wrong".to_owned();
    let done = moved(&shop, NewTaxMove { reason, ..forced })
        .await
        .expect("moved");
    assert!(done.forced && !done.readiness.ready);
    assert_eq!(current(stage).await.shadow, Some(TaxRoute::Embedded));
    let operation = &operations(&shop.app, "s", Some("tax_move")).await[0];
    assert_eq!(operation.reason, "the old rate was wrong");
    assert_eq!(operation.after["forced"], true);
    assert_eq!(operation.after["comparison"]["different"], 1);
}

async fn of_two_concurrent_moves_one_is_rejected(stage: &Stage) {
    let shop = Shop::open(stage, policy(), 100).await;
    let forced = |route| NewTaxMove {
        force: true,
        reason: "a test".into(),
        ..to(route)
    };
    let (one, other) = tokio::join!(
        moved(&shop, forced(TaxRoute::Http)),
        moved(&shop, forced(TaxRoute::Http)),
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert_eq!(operations(&shop.app, "s", Some("tax_move")).await.len(), 1);
}

//! Evaluations in the background: the first route never waits for them, and their results are recorded.

use crate::rows;
use crate::stage::Stage;
use crate::tax_kit::basket;
use crate::tax_shop::{Shop, policy, settings};
use galleria_app::tax::{ComparedBaskets, ShadowPolicy};
use galleria_domain::Problem;
use galleria_domain::tax::{TaxRoute, TaxSettings};
use galleria_ports::records::ShadowOutcome;
use galleria_ports::tax::TaxFault;
use std::time::Duration;

on_both!(
    equal_baskets_are_counted_and_a_sample_is_recorded,
    differences_are_recorded_with_both_answers,
    a_failing_shadow_is_recorded_and_the_route_answers,
    a_blocked_shadow_delays_nothing_and_drops_are_counted,
    a_slow_shadow_of_a_store_drops_only_its_own_baskets,
    a_shadow_that_does_not_answer_in_time_failed,
    at_the_end_waiting_baskets_are_dropped_and_others_finish,
    a_store_records_a_limited_number_of_baskets_a_day,
    comparisons_are_removed_after_their_retention,
);

fn counts(equal: u64, different: u64, failed: u64, dropped: u64) -> ComparedBaskets {
    ComparedBaskets {
        compared: equal + different,
        equal,
        different,
        failed,
        dropped,
    }
}

async fn equal_baskets_are_counted_and_a_sample_is_recorded(stage: &Stage) {
    let shop = Shop::open(stage, policy(), 100).await;
    for number in 1..=5 {
        shop.sell(2).await;
        assert_eq!(shop.settle(number).await, counts(number, 0, 0, 0));
    }
    let page = shop.page(None).await;
    assert_eq!(page.comparisons.len(), 3, "the first, third and fifth");
    let one = &page.comparisons[0];
    assert_eq!(one.outcome, ShadowOutcome::Equal);
    assert!(one.differences.is_empty() && one.error.is_empty());
    assert_eq!(one.shadow_response.as_ref(), Some(&one.response));
    let readiness = page.summary.readiness.expect("a shadow");
    assert!(readiness.ready && readiness.comparison.baskets == counts(5, 0, 0, 0));
}

async fn differences_are_recorded_with_both_answers(stage: &Stage) {
    let shop = Shop::open(stage, policy(), 100).await;
    shop.service.set_rate("20");
    let mut request = basket("s", &["10.00"]);
    request.commit = true;
    let evaluation = shop.app.taxes.evaluate(request.clone()).await;
    let response = evaluation.expect("taxes").response;
    assert_eq!(shop.settle(1).await, counts(0, 1, 0, 0));
    assert!(
        !shop.service.services.last_request().commit,
        "a shadow records nothing"
    );

    let page = shop.page(Some(ShadowOutcome::Different)).await;
    let one = &page.comparisons[0];
    assert_eq!(
        (one.route, one.shadow),
        (TaxRoute::Embedded, TaxRoute::Http)
    );
    assert_eq!(one.response, response);
    let shadow = one.shadow_response.as_ref().expect("an answer");
    let taxes = (response.total_tax.to_string(), shadow.total_tax.to_string());
    assert_eq!(taxes, ("2.00".to_owned(), "1.67".to_owned()));
    request.commit = false;
    request.business_date = Some("2026-11-18".parse().expect("a date"));
    assert_eq!(one.request, request, "with the date of the basket");
    assert_eq!(one.differences.items[0].item_id, "1");

    let report = shop.app.taxes.comparison_report("s", None).await;
    let differences = report.expect("a report").differences;
    let row = &differences.taxes[0];
    let rates =
        [row.route_percent, row.shadow_percent].map(|rate| rate.map(|rate| rate.to_string()));
    assert_eq!(rates, [Some("25".to_owned()), Some("20".to_owned())]);
    assert_eq!(row.difference.to_string(), "-0.33");
    assert_eq!(row.examples[0].items, ["1"]);
}

async fn a_failing_shadow_is_recorded_and_the_route_answers(stage: &Stage) {
    let shop = Shop::open(stage, policy(), 100).await;
    shop.service.services.fail(TaxFault::NotConfigured);
    shop.sell(1).await;
    assert_eq!(shop.settle(1).await, counts(0, 0, 1, 0));
    // A till would get no taxes: not a failure of the service, but a difference.
    let rule = Problem::new("items.0.tax_code", "must be in the table");
    shop.service.services.fail(TaxFault::Rejected(vec![rule]));
    shop.sell(1).await;
    assert_eq!(shop.settle(2).await, counts(0, 1, 1, 0));
    let page = shop.page(None).await;
    let errors = page
        .comparisons
        .iter()
        .map(|one| (one.outcome, one.shadow_response.is_none()));
    let expected = [
        (ShadowOutcome::Different, true),
        (ShadowOutcome::Failed, true),
    ];
    assert_eq!(errors.collect::<Vec<_>>(), expected);
    let report = shop.app.taxes.comparison_report("s", None).await;
    let differences = report.expect("a report").differences;
    assert!(
        differences.rejected[0]
            .message
            .contains("must be in the table")
    );
    assert!(
        differences.failed[0].message.contains("http"),
        "{differences:?}"
    );
}

async fn a_blocked_shadow_delays_nothing_and_drops_are_counted(stage: &Stage) {
    let small = ShadowPolicy {
        queue: 6,
        at_once: 1,
        ..policy()
    };
    let shop = Shop::open(stage, small, 0).await;
    let expected = shop.sell(2).await;
    shop.requested(1).await;
    // The first one is being evaluated, one waits, and three do not fit: 2 + 2 + 2 items.
    for _ in 0..2 {
        assert_eq!(shop.sell(2).await, expected);
    }
    for _ in 0..3 {
        assert_eq!(shop.sell(2).await, expected);
    }
    assert_eq!(shop.service.services.requests().len(), 1);
    shop.service.permits.add_permits(100);
    assert_eq!(shop.settle(6).await, counts(3, 0, 0, 3));
    // The queue is free again; a basket that is larger than the queue never fits.
    shop.sell(2).await;
    assert_eq!(shop.settle(7).await, counts(4, 0, 0, 3));
    shop.sell(7).await;
    shop.sell(1).await;
    assert_eq!(shop.settle(9).await, counts(5, 0, 0, 4));
}

/// The service answers each store, but not `s`.
async fn a_slow_shadow_of_a_store_drops_only_its_own_baskets(stage: &Stage) {
    let small = ShadowPolicy {
        queue: 10,
        at_once: 2,
        ..policy()
    };
    let shop = Shop::open(stage, small, 0).await;
    let (same, other) = (
        settings(),
        TaxSettings {
            shadow: Some(TaxRoute::Grpc),
            ..settings()
        },
    );
    write_tx!(stage, [same, other], |tx| {
        for (id, settings) in [("same", &same), ("other", &other)] {
            tx.store_put(&rows::store(id, "shop")).await?;
            tx.tax_settings_put(id, settings).await?;
        }
        Ok(())
    })
    .expect("stores");
    *shop.service.slow.lock().expect("a store") = Some("s");
    shop.service.permits.add_permits(100);
    // The store fills the lane of its shadow, and loses what does not fit.
    for _ in 0..30 {
        shop.sell(1).await;
    }
    // One of its evaluations is in progress, the other place is free for other stores.
    shop.requested(1).await;
    for number in 1..=8 {
        // `same` has the same shadow.
        shop.sell_in("same", 1).await;
        assert_eq!(
            shop.settle_of("same", number).await,
            counts(number, 0, 0, 0)
        );
        shop.sell_in("other", 2).await;
        assert_eq!(
            shop.settle_of("other", number).await,
            counts(number, 0, 0, 0)
        );
    }
    // The first basket of `same` displaced one of `s`.
    *shop.service.slow.lock().expect("a store") = None;
    shop.service.answer.notify_waiters();
    assert_eq!(shop.settle(30).await, counts(9, 0, 0, 21));
}

async fn a_shadow_that_does_not_answer_in_time_failed(stage: &Stage) {
    let shop = Shop::open(stage, policy(), 0).await;
    shop.sell(1).await;
    shop.requested(1).await;
    while shop.clock.sleepers() == 0 {
        tokio::task::yield_now().await;
    }
    shop.clock.advance(Duration::from_secs(5));
    assert_eq!(shop.settle(1).await, counts(0, 0, 1, 0));
    let error = &shop.page(None).await.comparisons[0].error;
    assert_eq!(error, "http did not answer within 5s (tax.shadow.timeout)");
}

async fn at_the_end_waiting_baskets_are_dropped_and_others_finish(stage: &Stage) {
    let one = ShadowPolicy {
        at_once: 1,
        ..policy()
    };
    let shop = Shop::open(stage, one, 0).await;
    for _ in 0..3 {
        shop.sell(1).await;
    }
    shop.requested(1).await;
    shop.stop.cancel();
    shop.service.permits.add_permits(100);
    let shop = shop.stop().await;
    assert_eq!(shop.counts().await, counts(1, 0, 0, 2));
    // The route answers until the process ends.
    shop.sell(1).await;
    assert_eq!(shop.service.services.requests().len(), 1);
}

async fn a_store_records_a_limited_number_of_baskets_a_day(stage: &Stage) {
    let limited = ShadowPolicy {
        per_day: 2,
        ..policy()
    };
    let shop = Shop::open(stage, limited, 100).await;
    shop.service.set_rate("20");
    for _ in 0..4 {
        shop.sell(1).await;
    }
    assert_eq!(shop.settle(4).await, counts(0, 4, 0, 0));
    assert_eq!(shop.page(None).await.comparisons.len(), 2);
    shop.clock.advance(Duration::from_hours(24));
    shop.sell(1).await;
    assert_eq!(shop.settle(5).await, counts(0, 5, 0, 0));
    assert_eq!(shop.page(None).await.comparisons.len(), 3);
}

async fn comparisons_are_removed_after_their_retention(stage: &Stage) {
    let short = ShadowPolicy {
        keep: Duration::from_hours(48),
        ..policy()
    };
    let shop = Shop::open(stage, short, 100).await;
    shop.service.set_rate("20");
    shop.sell(1).await;
    shop.settle(1).await;
    shop.clock.advance(Duration::from_hours(47));
    shop.sell(1).await;
    shop.settle(2).await;
    assert_eq!(shop.app.taxes.sweep_comparisons().await.expect("swept"), 0);
    shop.clock.advance(Duration::from_hours(2));
    assert_eq!(shop.app.taxes.sweep_comparisons().await.expect("swept"), 1);
    assert_eq!(shop.page(None).await.comparisons.len(), 1);
    shop.clock.advance(Duration::from_hours(72));
    assert_eq!(shop.app.taxes.sweep_comparisons().await.expect("swept"), 1);
    assert_eq!(shop.page(None).await.summary.routes, []);
}

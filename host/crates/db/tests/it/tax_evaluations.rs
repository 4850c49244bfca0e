//! Recorded evaluations of taxes: listed, found by id, and in timelines.

use crate::no_plugins::NoPlugins;
use crate::rows::{self, at};
use crate::stage::Stage;
use crate::tax_kit;
use galleria_app::operations::{TimelineEntry, TimelineView};
use galleria_app::tax::{EvaluationPage, EvaluationQuery};
use galleria_app::{App, Policy};
use galleria_domain::tax::{TaxRoute, TaxSettings};
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::clock::DrivenClock;
use galleria_ports::records::Subject;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

on_both!(
    evaluations_are_listed_since_a_time_and_found_by_id,
    a_store_has_its_evaluations_and_operations_in_its_timeline,
    a_timeline_finds_an_evaluation_by_its_id_and_its_key,
);

struct Shop {
    app: App,
    clock: Arc<DrivenClock>,
}

impl Shop {
    /// A process with the stores `s` and `t`.
    async fn open(stage: &Stage) -> Self {
        let rows = tax_kit::one_tax("STD", "25.00");
        write_tx!(stage, [rows], |tx| {
            for store in ["s", "t"] {
                tx.store_put(&rows::store(store, "shop")).await?;
                tx.tax_table_change(store).await?;
                tx.tax_row_put_many(store, &rows).await?;
            }
            Ok(())
        })
        .expect("stores");
        let clock = Arc::new(DrivenClock::new(at(0)));
        let records = Arc::new(stage.db.clone());
        let app = App::new(
            records,
            Arc::new(NoPlugins),
            clock.clone(),
            Policy::default(),
        );
        Self { app, clock }
    }

    /// Records an evaluation of a basket of this amount, a minute after the one before.
    async fn commit(&self, store: &str, key: Option<&str>, amount: &str) {
        self.clock.advance(Duration::from_mins(1));
        tax_kit::commit(&self.app, store, key, amount).await;
    }

    async fn page(&self, query: EvaluationQuery) -> EvaluationPage {
        let query = EvaluationQuery {
            store: "s".into(),
            ..query
        };
        self.app.taxes.evaluations(query).await.expect("a page")
    }

    async fn timeline(&self, id: &str, reach: Reach) -> Result<TimelineView, Error> {
        self.app.operations.timeline(id, &reach).await
    }
}

fn amounts(page: &EvaluationPage) -> Vec<String> {
    let rows = page.evaluations.iter();
    rows.map(|row| row.request.items[0].total_amount.to_string())
        .collect()
}

fn query(limit: u32) -> EvaluationQuery {
    EvaluationQuery {
        limit,
        ..EvaluationQuery::default()
    }
}

async fn evaluations_are_listed_since_a_time_and_found_by_id(stage: &Stage) {
    let shop = Shop::open(stage).await;
    for (key, amount) in [(Some("a"), "1.00"), (None, "2.00"), (Some("c"), "3.00")] {
        shop.commit("s", key, amount).await;
    }
    shop.commit("t", Some("d"), "4.00").await;
    let all = shop.page(query(10)).await;
    assert_eq!(amounts(&all), ["3.00", "2.00", "1.00"]);
    assert_eq!(all.next, None);
    let first = shop.page(query(2)).await;
    assert_eq!(amounts(&first), ["3.00", "2.00"]);
    let after = EvaluationQuery {
        after: first.next,
        ..query(2)
    };
    assert_eq!(amounts(&shop.page(after).await), ["1.00"]);
    let since = EvaluationQuery {
        since: Some(all.evaluations[1].recorded_at.parse().expect("a time")),
        ..query(10)
    };
    assert_eq!(amounts(&shop.page(since).await), ["3.00", "2.00"]);
    let of_key = EvaluationQuery {
        idempotency_key: Some("a".into()),
        ..query(10)
    };
    assert_eq!(amounts(&shop.page(of_key).await), ["1.00"]);

    let one = &all.evaluations[1];
    let found = shop.app.taxes.evaluation("s", &one.id).await;
    assert_eq!(&found.expect("found"), one);
    assert_eq!((&*one.actor, &one.idempotency_key), ("till-4", &None));
    for (store, id) in [("t", &*one.id), ("s", "none")] {
        let missing = shop.app.taxes.evaluation(store, id).await;
        assert!(
            matches!(missing, Err(Error::NotFound { .. })),
            "{missing:?}"
        );
    }
    let wrong = EvaluationQuery {
        store: "s".into(),
        after: Some("yesterday".into()),
        ..query(1)
    };
    let error = shop
        .app
        .taxes
        .evaluations(wrong)
        .await
        .expect_err("no cursor");
    assert!(error.to_string().starts_with("after: must be"), "{error}");
}

fn entry<'t>(timeline: &'t TimelineView, what: &str) -> Vec<&'t TimelineEntry> {
    let entries = timeline.entries.iter();
    entries.filter(|entry| entry.what == what).collect()
}

async fn a_store_has_its_evaluations_and_operations_in_its_timeline(stage: &Stage) {
    let shop = Shop::open(stage).await;
    let settings = TaxSettings {
        tax_included_in_price: false,
        ..TaxSettings::default()
    };
    let put = shop
        .app
        .taxes
        .put_settings(None, "s", settings, "ana", "net prices");
    put.await.expect("settings");
    shop.commit("s", Some("a"), "10.00").await;
    shop.commit("t", Some("b"), "20.00").await;
    let deleted = shop.app.taxes.delete_settings(None, "s", "ana", "gross");
    deleted.await.expect("deleted");

    let timeline = shop.timeline("s", Reach::Everything).await.expect("found");
    assert_eq!(timeline.about.len(), 1);
    assert_eq!(timeline.about[0].kind, Subject::Store);
    let kinds = timeline.entries.iter().map(|entry| &*entry.what);
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        ["operation", "tax_evaluation", "operation"]
    );
    let actions = entry(&timeline, "operation");
    let actions = actions.iter().map(|entry| &*entry.facts["action"]);
    assert_eq!(
        actions.collect::<Vec<_>>(),
        ["tax_settings_put", "tax_settings_delete"]
    );
    let evaluation = &entry(&timeline, "tax_evaluation")[0].facts;
    let expected = [
        ("actor", "till-4"),
        ("key", "a"),
        ("route", TaxRoute::Embedded.name()),
        ("total_tax", "2.50"),
        ("total_after_tax", "12.50"),
        ("currency", "DKK"),
    ];
    for (name, text) in expected {
        assert_eq!(evaluation[name], text, "{name}");
    }

    // More entries than the timeline shows: the newest remain.
    for number in 1..=201 {
        shop.commit("s", None, &format!("{number}.00")).await;
    }
    let timeline = shop.timeline("s", Reach::Everything).await.expect("found");
    assert_eq!(timeline.cut, ["tax_evaluation"]);
    let shown = entry(&timeline, "tax_evaluation");
    assert_eq!(shown.len(), 200);
    assert_eq!(shown[199].facts["total_after_tax"], "201.00");
    assert_eq!(shown[0].facts["total_after_tax"], "2.00");
}

async fn a_timeline_finds_an_evaluation_by_its_id_and_its_key(stage: &Stage) {
    let shop = Shop::open(stage).await;
    shop.commit("s", Some("receipt-7"), "10.00").await;
    shop.commit("t", None, "20.00").await;
    let id = shop.page(query(1)).await.evaluations[0].id.clone();
    let of = |store: &str| Reach::Some {
        retailers: BTreeSet::new(),
        stores: [store.to_owned()].into(),
    };
    for name in [&*id, "receipt-7"] {
        for reach in [Reach::Everything, of("s")] {
            let timeline = shop.timeline(name, reach).await.expect("found");
            assert_eq!(timeline.about[0].kind, Subject::TaxEvaluation, "{name}");
            assert_eq!(timeline.about[0].id, id);
            assert_eq!(timeline.entries.len(), 1);
            assert_eq!(timeline.entries[0].facts["store"], "s");
            assert_eq!(timeline.entries[0].facts["total_tax"], "2.00");
        }
        let beyond = shop.timeline(name, of("t")).await;
        assert!(matches!(beyond, Err(Error::NotFound { .. })), "{beyond:?}");
    }
    // A store out of reach has no timeline either, and the empty key of an evaluation finds nothing.
    for (name, reach) in [("s", of("t")), ("", Reach::Everything)] {
        assert!(shop.timeline(name, reach).await.is_err(), "{name:?}");
    }
    let timeline = shop.timeline("t", of("t")).await.expect("in reach");
    assert_eq!(timeline.entries.len(), 1);
}

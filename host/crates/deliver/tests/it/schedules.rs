//! Schedules create one run for each firing, across clock changes and outages.

use crate::scripted::Fixture;
use galleria_domain::plugin::Point;
use galleria_domain::schedule::{CatchUp, Cron, Per, Schedule, Span};
use galleria_ports::clock::Clock as _;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ZONES: [&str; 6] = [
    "Europe/Madrid",
    "Europe/Copenhagen",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Sao_Paulo",
];

fn schedule(name: &str, slot: &str, at: &str, catch_up: CatchUp) -> Schedule {
    Schedule {
        retailer: "example".into(),
        name: name.into(),
        file: "retailer.toml".into(),
        slot: slot.into(),
        point: Some(if slot == "report" {
            Point::Report
        } else {
            Point::ExportCatalogue
        }),
        at: Cron::parse(at).expect("an expression"),
        zone: None,
        per: Per::Store,
        span: Span::Yesterday,
        catch_up,
        tries: 3,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_with_clock_changes_creates_every_run_once() {
    let fixture = Fixture::at("2026-01-01T00:00:00Z").await;
    for zone in ZONES {
        fixture.add_store(&zone.replace('/', "-"), zone, 0).await;
    }
    let schedules = vec![
        schedule("nightly", "report", "30 2 * * *", CatchUp::All),
        schedule("feed", "catalogue", "0 */2 * * *", CatchUp::All),
    ];
    // Two hosts, which plan at random times.
    let hosts = ["a", "b"].map(|owner| fixture.worker(owner, schedules.clone()));
    let mut chance = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let begun = fixture.clock.now();
    hosts[0].plan().await.expect("planned");
    let end = "2027-01-01T12:00:00Z".parse().expect("an instant");
    while fixture.clock.now() < end {
        let minutes = chance.random_range(1..2_500);
        fixture.clock.advance(Duration::from_secs(60 * minutes));
        let worker = &hosts[chance.random_range(0..2)];
        worker.plan().await.expect("planned");
        if chance.random_range(0..4) == 0 {
            let (one, other) = tokio::join!(hosts[0].plan(), hosts[1].plan());
            one.and(other).expect("planned");
        }
    }
    let runs = fixture.runs().await;
    let mut nights: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut feeds: BTreeMap<&str, Vec<jiff::Timestamp>> = BTreeMap::new();
    for run in &runs {
        if run.schedule == "nightly" {
            let new = nights.entry(&run.store_id).or_default().insert(&run.first);
            assert!(new, "{} {} twice", run.store_id, run.first);
            assert_eq!(run.first, run.last);
        } else {
            feeds.entry(&run.store_id).or_default().push(run.due_at);
        }
    }
    let now = fixture.clock.now();
    for zone in ZONES {
        let store = zone.replace('/', "-");
        let clock = TimeZone::get(zone).expect("a zone");
        // Every night with a local time of 02:30 in the period, and no other.
        let (first, last) = (clock.to_datetime(begun), clock.to_datetime(now));
        let mut expected = BTreeSet::new();
        let mut day = first.date();
        while day <= last.date() {
            let fires = day.at(2, 30, 0, 0);
            if fires > first && fires <= last {
                expected.insert(day.yesterday().expect("a day").to_string());
            }
            day = day.tomorrow().expect("a day");
        }
        let found: BTreeSet<String> = nights[store.as_str()]
            .iter()
            .map(|d| (*d).to_owned())
            .collect();
        assert_eq!(found, expected, "{zone}");
        assert!(expected.len() >= 365);
        // Twelve a day, also on days of 23 and 25 hours.
        let (mut expected, mut fires) = (0, first.date().at(0, 0, 0, 0));
        while fires <= last {
            expected += usize::from(fires > first);
            fires = fires.checked_add(2.hours()).expect("a moment");
        }
        assert_eq!(feeds[store.as_str()].len(), expected, "{zone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_days_are_caught_up_as_configured() {
    let fixture = Fixture::at("2026-11-20T12:00:00Z").await;
    fixture.add_store("s", "Europe/Madrid", 0).await;
    let kinds = [
        ("all", "0 6 * * *", CatchUp::All),
        ("latest", "1 6 * * *", CatchUp::Latest),
        ("none", "2 6 * * *", CatchUp::None),
    ];
    let schedules = kinds.map(|(name, at, kind)| schedule(name, "catalogue", at, kind));
    let schedules = Vec::from(schedules);
    fixture
        .worker("a", schedules.clone())
        .plan()
        .await
        .expect("planned");
    assert!(
        fixture.runs().await.is_empty(),
        "a new schedule does not cover the past"
    );
    // Friday noon to Monday noon, when another host starts.
    fixture.clock.advance(Duration::from_secs(3 * 86_400));
    fixture
        .worker("b", schedules)
        .plan()
        .await
        .expect("planned");
    let runs = fixture.runs().await;
    let days = |name: &str| -> Vec<&str> {
        let of = runs.iter().filter(|run| run.schedule == name);
        of.map(|run| run.first.as_str()).collect()
    };
    assert_eq!(days("all"), ["2026-11-20", "2026-11-21", "2026-11-22"]);
    assert_eq!(days("latest"), ["2026-11-22"]);
    assert!(days("none").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_store_is_scheduled_from_then_on() {
    let fixture = Fixture::at("2026-11-20T12:00:00Z").await;
    fixture.add_store("old", "Europe/Madrid", 0).await;
    let hourly = vec![schedule("feed", "catalogue", "0 * * * *", CatchUp::All)];
    let worker = fixture.worker("a", hourly.clone());
    let hour = Duration::from_secs(3_600);
    worker.plan().await.expect("planned");
    fixture.clock.advance(5 * hour);
    fixture.add_store("new", "Asia/Kolkata", 0).await;
    worker.plan().await.expect("planned");
    fixture.clock.advance(2 * hour);
    worker.plan().await.expect("planned");
    let count = async |store: &str| {
        let runs = fixture.runs().await;
        runs.iter().filter(|run| run.store_id == store).count()
    };
    assert_eq!(count("old").await, 7);
    assert_eq!(count("new").await, 2, "only future firings");
    // A changed expression does not cover the past either.
    fixture.clock.advance(Duration::from_secs(1_800));
    let mut changed = hourly;
    changed[0].at = Cron::parse("10 * * * *").expect("an expression");
    fixture.worker("b", changed).plan().await.expect("planned");
    assert_eq!(count("old").await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_day_that_ends_late_is_reported_after_its_end() {
    let fixture = Fixture::at("2026-11-20T12:00:00Z").await;
    fixture.add_store("midnight", "Europe/Madrid", 0).await;
    fixture.add_store("late", "Europe/Madrid", 240).await;
    let nightly = schedule("nightly", "report", "30 2 * * *", CatchUp::All);
    let worker = fixture.worker("a", vec![nightly]);
    worker.plan().await.expect("planned");
    let next = worker
        .plan()
        .await
        .expect("planned")
        .expect("it fires again");
    assert_eq!(next.to_string(), "2026-11-21T01:30:00Z");
    fixture.clock.advance(Duration::from_secs(86_400));
    worker.plan().await.expect("planned");
    let runs = fixture.runs().await;
    let days = runs
        .iter()
        .map(|run| (run.store_id.as_str(), run.first.as_str()));
    let days: BTreeMap<_, _> = days.collect();
    assert_eq!(days["midnight"], "2026-11-20");
    // At 02:30 the business date is still the 20th.
    assert_eq!(days["late"], "2026-11-19");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_due_after_its_last_day_has_ended_at_every_store() {
    let fixture = Fixture::at("2026-11-20T12:00:00Z").await;
    fixture.add_store("late", "Europe/Madrid", 240).await;
    fixture.add_store("west", "America/New_York", 0).await;
    let of = |name: &str, per: Per, zone: &str, span: Span| Schedule {
        zone: Some(zone.into()),
        per,
        span,
        ..schedule(name, "report", "0 2 * * *", CatchUp::All)
    };
    let all = Per::Retailer;
    let madrid = "Europe/Madrid";
    let worker = fixture.worker(
        "a",
        vec![
            of("all", all, madrid, Span::Yesterday),
            of("each", Per::Store, madrid, Span::Yesterday),
            of("so-far", all, madrid, Span::MonthToDate),
        ],
    );
    worker.plan().await.expect("planned");
    fixture.clock.advance(Duration::from_secs(86_400));
    worker.plan().await.expect("planned");
    let due: BTreeMap<_, _> = fixture
        .runs()
        .await
        .into_iter()
        .map(|run| {
            let name = format!("{} {}", run.schedule, run.store_id);
            (name, format!("{} {}", run.last, run.due_at))
        })
        .collect();
    // It fires at 01:00 UTC. The 20th ends at 03:00 UTC in the store in Madrid and at 05:00 UTC in New York.
    assert_eq!(due["all "], "2026-11-20 2026-11-21T05:00:00Z");
    // At each store's own date it is still the 20th: in Madrid by its late day end, in New York at 20:00.
    assert_eq!(due["each late"], "2026-11-19 2026-11-21T01:00:00Z");
    assert_eq!(due["each west"], "2026-11-19 2026-11-21T01:00:00Z");
    assert_eq!(due["so-far "], "2026-11-21 2026-11-21T01:00:00Z");
}

//! Catalogue versions: visible as a whole, one writer at a time, removed when obsolete.

use crate::rows::at;
use crate::stage::Stage;
use galleria_domain::Decimal;
use galleria_ports::Error;
use galleria_ports::records::{
    CatalogueDraft, CatalogueEntry, DraftStart, Price, PriceRow, ProductRow,
};
use jiff::Timestamp;

on_both!(
    a_version_becomes_visible_as_a_whole,
    one_writer_at_a_time_and_abandoned_drafts_are_cleared,
    a_store_has_its_own_price_until_it_is_removed,
    replaced_versions_are_deleted,
);

pub fn product(sku: &str, cents: i64) -> ProductRow {
    ProductRow {
        sku: sku.into(),
        gtin: String::new(),
        name: format!("Thing {sku}"),
        category: "things".into(),
        unit: "EA".into(),
        price: Some(price(cents)),
        tax_code: "VAT".into(),
        active: true,
    }
}

fn price(cents: i64) -> Price {
    Price {
        amount: Decimal {
            unscaled: cents,
            scale: 2,
        },
        currency: "EUR".into(),
    }
}

fn own(sku: &str, store_id: &str, cents: Option<i64>) -> PriceRow {
    PriceRow {
        sku: sku.into(),
        store_id: store_id.into(),
        price: cents.map(price),
    }
}

async fn begin(stage: &Stage, writer: &'static str, now: i64) -> DraftStart {
    write_tx!(stage, [], |tx| {
        tx.catalogue_draft_begin("r", writer, at(now), at(now + 100))
            .await
    })
    .expect("read")
}

async fn draft(stage: &Stage, writer: &'static str, now: i64) -> CatalogueDraft {
    match begin(stage, writer, now).await {
        DraftStart::Draft(draft) => draft,
        other => panic!("{other:?}"),
    }
}

async fn add(
    stage: &Stage,
    draft: &CatalogueDraft,
    products: Vec<ProductRow>,
    prices: Vec<PriceRow>,
) -> Result<(), Error> {
    let draft = draft.clone();
    write_tx!(stage, [draft, products, prices], |tx| {
        tx.catalogue_draft_add(&draft, &products, &prices, at(1_000), at(0))
            .await
    })
}

async fn publish(stage: &Stage, draft: &CatalogueDraft, now: i64) -> Result<Timestamp, Error> {
    let draft = draft.clone();
    write_tx!(stage, [draft], |tx| tx
        .catalogue_draft_publish(&draft, at(now))
        .await)
}

async fn page(stage: &Stage, store: Option<&'static str>, as_of: Timestamp) -> Vec<CatalogueEntry> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = read_tx!(stage, [after], |tx| {
            tx.catalogue_list("r", store, as_of, &after, 3).await
        })
        .expect("a page");
        let Some(last) = page.last else {
            return all;
        };
        after = last;
        all.extend(page.listed);
    }
}

/// SKUs and prices in cents.
async fn prices_at(stage: &Stage, as_of: Timestamp) -> Vec<(String, i64)> {
    let page = page(stage, None, as_of).await.into_iter();
    page.map(|listed| {
        let price = listed.product.price.expect("a price");
        (listed.product.sku, price.amount.unscaled)
    })
    .collect()
}

fn expected(prices: &[(&str, i64)]) -> Vec<(String, i64)> {
    prices
        .iter()
        .map(|(sku, n)| ((*sku).to_owned(), *n))
        .collect()
}

async fn a_version_becomes_visible_as_a_whole(stage: &Stage) {
    let skus = ["B", "a", "b", "b-1", "é", "0", "00"];
    let first = draft(stage, "one", 10).await;
    let products = skus.map(|sku| product(sku, 100)).into();
    add(stage, &first, products, vec![]).await.expect("added");
    assert_eq!(prices_at(stage, Timestamp::MAX).await, []);
    assert_eq!(publish(stage, &first, 20).await.expect("published"), at(20));
    let all = [
        ("0", 100),
        ("00", 100),
        ("B", 100),
        ("a", 100),
        ("b", 100),
        ("b-1", 100),
        ("é", 100),
    ];
    assert_eq!(
        prices_at(stage, Timestamp::MAX).await,
        expected(&all),
        "ordered by bytes"
    );
    assert_eq!(prices_at(stage, at(19)).await, [], "not visible yet");

    // A frozen time stays unchanged, even if the clock goes back.
    write_tx!(stage, [], |tx| tx.catalogue_freeze("r", at(50)).await).expect("frozen");
    let second = draft(stage, "two", 30).await;
    add(
        stage,
        &second,
        vec![product("a", 200), product("c", 300)],
        vec![],
    )
    .await
    .expect("added");
    let published = publish(stage, &second, 40).await.expect("published");
    assert_eq!(published, at(51));
    assert_eq!(prices_at(stage, at(50)).await, expected(&all));
    let now = page(stage, None, at(51)).await;
    let changed: Vec<_> = now
        .iter()
        .filter(|listed| listed.changed_at > at(50))
        .map(|listed| listed.product.sku.as_str())
        .collect();
    assert_eq!(changed, ["a", "c"]);
    assert_eq!(now.len(), 8);
    let skus: Vec<String> = ["a", "c", "nothing"].map(str::to_owned).into();
    let mut read = read_tx!(stage, [skus], |tx| tx
        .catalogue_product_list("r", &skus)
        .await)
    .expect("read");
    read.sort_by(|one, other| one.0.sku.cmp(&other.0.sku));
    assert_eq!(
        read,
        [(product("a", 200), at(51)), (product("c", 300), at(51))]
    );
}

async fn one_writer_at_a_time_and_abandoned_drafts_are_cleared(stage: &Stage) {
    let abandoned = draft(stage, "gone", 10).await;
    let products: Vec<_> = (0..150).map(|n| product(&format!("s{n}"), n)).collect();
    let prices = vec![own("s1", "st", Some(1))];
    add(stage, &abandoned, products, prices)
        .await
        .expect("added");
    // `add` extends the lease to 1,000 ms.
    assert_eq!(begin(stage, "other", 999).await, DraftStart::Busy);
    assert_eq!(begin(stage, "other", 1_000).await, DraftStart::LeftOver);
    let none = write_tx!(stage, [], |tx| tx
        .catalogue_draft_take_over("sweeper", at(999), at(2_000))
        .await);
    assert_eq!(none.expect("read"), None);
    let left_over = write_tx!(stage, [], |tx| tx
        .catalogue_draft_take_over("sweeper", at(1_000), at(2_000))
        .await);
    let left_over = left_over.expect("read").expect("a draft");
    assert_eq!(left_over.version, abandoned.version);
    for late in [
        add(stage, &abandoned, vec![product("late", 1)], vec![]).await,
        publish(stage, &abandoned, 1_001).await.map(drop),
    ] {
        assert!(matches!(late, Err(Error::Records { .. })), "{late:?}");
    }
    let mut rounds = 0;
    loop {
        rounds += 1;
        let done = write_tx!(stage, [left_over], |tx| tx
            .catalogue_draft_clear(&left_over, 100)
            .await);
        if done.expect("cleared") {
            break;
        }
    }
    assert_eq!(rounds, 2);
    for table in ["products", "product_prices", "catalogue_versions"] {
        let sql = match table {
            "products" => "SELECT 'n', COUNT(*) FROM products",
            "product_prices" => "SELECT 'n', COUNT(*) FROM product_prices",
            _ => "SELECT 'n', COUNT(*) FROM catalogue_versions",
        };
        assert_eq!(stage.rows(sql).await[0].1, 0, "{table}");
    }
    let next = draft(stage, "other", 1_000).await;
    assert!(next.version > abandoned.version, "versions are unique");
    // Retailers do not block each other.
    let elsewhere = write_tx!(stage, [], |tx| tx
        .catalogue_draft_begin("q", "w", at(1), at(2))
        .await);
    assert!(matches!(elsewhere.expect("read"), DraftStart::Draft(_)));
}

async fn a_store_has_its_own_price_until_it_is_removed(stage: &Stage) {
    let first = draft(stage, "w", 10).await;
    let prices = vec![own("a", "s1", Some(90)), own("a", "s2", Some(80))];
    add(
        stage,
        &first,
        vec![product("a", 100), product("b", 50)],
        prices,
    )
    .await
    .expect("added");
    publish(stage, &first, 20).await.expect("published");
    let second = draft(stage, "w", 30).await;
    add(stage, &second, vec![], vec![own("a", "s1", None)])
        .await
        .expect("added");
    publish(stage, &second, 40).await.expect("published");

    let own_of = |listed: &[CatalogueEntry]| -> Vec<_> {
        let all = listed.iter();
        all.map(|listed| {
            listed
                .own
                .clone()
                .map(|(price, at)| (price.map(|p| p.amount.unscaled), at))
        })
        .collect()
    };
    let s1 = page(stage, Some("s1"), Timestamp::MAX).await;
    assert_eq!(own_of(&s1), [Some((None, at(40))), None]);
    let before = page(stage, Some("s1"), at(39)).await;
    assert_eq!(own_of(&before), [Some((Some(90), at(20))), None]);
    let s2 = page(stage, Some("s2"), Timestamp::MAX).await;
    assert_eq!(own_of(&s2), [Some((Some(80), at(20))), None]);
    let keys: Vec<(String, String)> = [("a", "s1"), ("a", "s2"), ("b", "s1")]
        .map(|(sku, store)| (sku.to_owned(), store.to_owned()))
        .into();
    let mut read = read_tx!(stage, [keys], |tx| tx
        .catalogue_price_list("r", &keys)
        .await)
    .expect("read");
    read.sort_by(|one, other| one.store_id.cmp(&other.store_id));
    assert_eq!(read, [own("a", "s1", None), own("a", "s2", Some(80))]);
    let all = read_tx!(stage, [], |tx| tx
        .catalogue_price_list_by_product("r", "a")
        .await)
    .expect("read");
    assert_eq!(
        all,
        [
            (own("a", "s1", None), at(40)),
            (own("a", "s2", Some(80)), at(20))
        ]
    );
}

async fn replaced_versions_are_deleted(stage: &Stage) {
    for version in 0..4 {
        let next = draft(stage, "w", version).await;
        let (products, prices) = (
            vec![product("a", version)],
            vec![own("a", "s", Some(version))],
        );
        let forget = at(10 * version - 15);
        write_tx!(stage, [next, products, prices], |tx| {
            tx.catalogue_draft_add(&next, &products, &prices, at(1_000), forget)
                .await
        })
        .expect("added");
        publish(stage, &next, 10 * version)
            .await
            .expect("published");
    }
    // Published at 0, 10, 20 and 30 ms. Writing the last version deleted the rows replaced at 10 ms.
    let rows = stage
        .rows("SELECT sku, version FROM products ORDER BY version")
        .await;
    assert_eq!(rows, expected(&[("a", 2), ("a", 3), ("a", 4)]));
    let rows = stage
        .rows("SELECT sku, version FROM product_prices ORDER BY version")
        .await;
    assert_eq!(rows.len(), 3);
    let deleted = write_tx!(stage, [], |tx| tx
        .catalogue_version_remove(at(1_000), 10)
        .await);
    assert_eq!(deleted.expect("deleted"), 1);
}

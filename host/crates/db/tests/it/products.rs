//! Files of products, imported: all of a file or nothing, and told what is wrong with it.

use crate::rows;
use crate::stage::Stage;
use galleria_app::plugins::{Argument, Called, Loaded, Plugins, Stream, Streams};
use galleria_app::products::{
    Format, ImportAsk, Imported, Missing, NotImported, ProductAsk, Watch,
};
use galleria_app::{App, Policy, SystemClock};
use galleria_domain::{Context, Decision, Member, Totals};
use std::fmt::Write as _;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

on_both!(
    forty_wrong_cells_are_told_in_one_answer,
    an_import_again_changes_nothing,
    a_stores_price_holds_there,
    a_full_file_ends_what_it_does_not_name,
    json_lines_say_the_same,
    two_at_once_are_never_mixed,
    a_stopped_import_leaves_nothing,
    tills_go_on_while_a_large_file_is_imported,
);

pub struct NoPlugins;

impl Plugins for NoPlugins {
    fn all(&self) -> &[Loaded] {
        &[]
    }
    fn react(&self, _: &Loaded, _: &Context, _: &Argument) -> Called<Decision> {
        unreachable!("no plugin is asked")
    }
    fn identify(&self, _: &Loaded, _: &Context, _: &str) -> Called<Option<Member>> {
        unreachable!("no plugin is asked")
    }
    fn run(&self, _: &Loaded, _: &Context, _: &Stream, _: Streams) -> Called<Totals> {
        unreachable!("no plugin is asked")
    }
}

const HEADER: &str = "sku,gtin,name,category,unit,price,currency,tax_code,active,store\n";

async fn house(stage: &Stage) -> App {
    for (id, currency, retailer) in [("s1", "EUR", "r"), ("s2", "DKK", "r"), ("q1", "EUR", "q")] {
        let mut store = rows::store(id, retailer);
        store.currency = currency.into();
        write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    }
    let records = Arc::new(stage.db.clone());
    App::new(
        records,
        Arc::new(NoPlugins),
        Arc::new(SystemClock),
        Policy::default(),
    )
}

fn ask() -> ImportAsk {
    ImportAsk {
        retailer: "r".into(),
        format: Format::Csv,
        decimal_comma: false,
        dry_run: false,
        missing: Missing::Keep,
    }
}

async fn import(app: &App, ask: ImportAsk, text: &str) -> Result<Imported, NotImported> {
    import_watched(app, ask, text, Watch::default()).await
}

async fn import_watched(
    app: &App,
    ask: ImportAsk,
    text: &str,
    watch: Watch,
) -> Result<Imported, NotImported> {
    let file = Box::new(Cursor::new(text.as_bytes().to_vec()));
    let reply = app.products_import(ask, file, None, watch).await?;
    Ok(serde_json::from_str(&reply.body).expect("an answer"))
}

/// Sku, price as digits and scale, active.
async fn listed(app: &App, store: Option<&str>) -> Vec<(String, Option<(i64, u8)>, bool)> {
    let ask = ProductAsk {
        retailer: "r".into(),
        store: store.map(str::to_owned),
        limit: 1000,
        ..ProductAsk::default()
    };
    let page = app.products(ask).await.expect("a list");
    let all = page.products.into_iter();
    all.map(|view| {
        let price = view
            .price
            .map(|price| (price.amount.unscaled, price.amount.scale));
        (view.sku, price, view.active)
    })
    .collect()
}

fn row(sku: &str, price: Option<(i64, u8)>, active: bool) -> (String, Option<(i64, u8)>, bool) {
    (sku.into(), price, active)
}

async fn nothing_is_there(stage: &Stage) {
    for sql in [
        "SELECT 'products', COUNT(*) FROM products",
        "SELECT 'prices', COUNT(*) FROM product_prices",
        "SELECT 'versions', COUNT(*) FROM catalogue_versions",
        "SELECT 'writers', COUNT(*) FROM catalogues WHERE writer IS NOT NULL",
    ] {
        let found = stage.rows(sql).await;
        assert_eq!(found[0].1, 0, "{}", found[0].0);
    }
}

async fn forty_wrong_cells_are_told_in_one_answer(stage: &Stage) {
    let app = house(stage).await;
    let mut text = HEADER.to_owned();
    let mut wrong = Vec::new();
    let mut line = |cells: &str, columns: &[&'static str]| {
        text.push_str(cells);
        text.push('\n');
        let row = text.lines().count() as u64;
        wrong.extend(columns.iter().map(|column| (row, *column)));
    };
    line("ok,4006381333931,Good,a/b,EA,1.00,EUR,VAT,true,", &[]);
    line(",,No sku,,,1,EUR,,,", &["sku"]);
    line("n1,,,,,1,EUR,,,", &["name"]);
    for gtin in ["4006381333932", "123", "400638133393a", "10012345678903"] {
        line(&format!("g-{gtin},{gtin},G,,,1,EUR,,,"), &["gtin"]);
    }
    for (n, price) in [
        "-1",
        "1e3",
        "1E-80000000",
        "one",
        "\"1,00\"",
        "1.2345678",
        "1000000000000",
        "",
    ]
    .into_iter()
    .enumerate()
    {
        line(&format!("p{n},,P,,,{price},EUR,,,"), &["price"]);
    }
    for currency in ["eur", "EURO", "ZZZ", ""] {
        line(&format!("c-{currency},,C,,,1,{currency},,,"), &["currency"]);
    }
    line("u1,,U,,piece,1,EUR,,,", &["unit"]);
    line("a1,,A,,,1,EUR,,perhaps,", &["active"]);
    line(
        &format!("t1,,T,,,1,EUR,{},,", "x".repeat(65)),
        &["tax_code"],
    );
    line(
        &format!("k1,,T,{},,1,EUR,,,", "x".repeat(201)),
        &["category"],
    );
    line("ok,,Again,,,1,EUR,,,", &["sku"]);
    line("ok,,,,,2,EUR,,,nowhere", &["store"]);
    line("ok,,,,,2,EUR,,,q1", &["store"]);
    line("ok,,,,,2,EUR,,,s2", &["currency"]);
    line("ok,,Other,,,2,EUR,,,s1", &["name"]);
    line("ok,,,,,3,EUR,,,s1", &["store"]);
    line("nothing,,,,,2,EUR,,,s1", &["sku"]);
    line("short,,S", &["row"]);
    line(
        "b\u{1},,B,,ea,-2,E,,2,",
        &["sku", "unit", "active", "price", "currency"],
    );
    line("quote,,\"Q,,,1,EUR,,,", &["row"]);
    line("d1,1,,,x,1,EUR,,,", &["name", "gtin", "unit"]);
    line("e1,,E,,,1 000,EUR,,,", &["price"]);
    assert_eq!(wrong.len(), 40, "as the name says");
    let said = import(&app, ask(), &text).await;
    let Err(NotImported::Refused(problems)) = said else {
        panic!("{said:?}");
    };
    let mut told: Vec<_> = problems
        .told
        .iter()
        .map(|problem| (problem.row.expect("a row"), problem.field.as_str()))
        .collect();
    told.sort_unstable();
    wrong.sort_unstable();
    assert_eq!(told, wrong);
    assert_eq!(problems.total, 40);
    nothing_is_there(stage).await;

    let many: String = (0..3000).map(|n| format!("s{n},,,,,1,EUR,,,\n")).collect();
    let said = import(&app, ask(), &format!("{HEADER}{many}")).await;
    let Err(NotImported::Refused(problems)) = said else {
        panic!("{said:?}");
    };
    assert_eq!((problems.total, problems.told.len()), (3000, 1000));
    nothing_is_there(stage).await;
}

async fn an_import_again_changes_nothing(stage: &Stage) {
    let app = house(stage).await;
    let text = format!(
        "{HEADER}a,4006381333931,Ä,x/y,EA,1.50,EUR,VAT,yes,\nb,,B,,KGM,2,EUR,,no,\na,,,,,1.40,EUR,,,s1\n"
    );
    let dry = ImportAsk {
        dry_run: true,
        ..ask()
    };
    let would = import(&app, dry, &text).await.expect("right");
    assert_eq!(
        (would.rows, would.added, would.store_prices.added),
        (3, 2, 1)
    );
    assert!(would.dry_run);
    nothing_is_there(stage).await;

    let first = import(&app, ask(), &text).await.expect("imported");
    assert_eq!(
        Imported {
            dry_run: true,
            ..first
        },
        would
    );
    let before = app.product("r", "a").await.expect("there");
    // Other words for the same: 1.5 for 1.50, columns in another order, no column for what is empty.
    let same = "\u{feff}price;currency;store;sku;name;gtin;category;tax_code;active;unit\r\n\
        1.500;EUR;;a;Ä;4006381333931;x/y;VAT;;\r\n2.0;EUR;;b;B;;;;0;KGM\r\n\
        1.4;EUR;Xs1;a;Ä;;x/y;;TRUE;EA\r\n";
    let again = import(&app, ask(), same).await.expect("imported");
    assert_eq!((again.unchanged, again.store_prices.unchanged), (2, 1));
    assert_eq!((again.added, again.changed, again.deactivated), (0, 0, 0));
    assert_eq!(app.product("r", "a").await.expect("there"), before);
    let versions = stage
        .rows("SELECT retailer, version FROM catalogue_versions")
        .await;
    assert_eq!(versions.len(), 1);

    let comma = ImportAsk {
        decimal_comma: true,
        ..ask()
    };
    let changed = import(
        &app,
        comma,
        "sku;name;price;currency;unit\nb;B;2,05;EUR;KGM\n",
    )
    .await
    .expect("imported");
    assert_eq!((changed.changed, changed.rows), (1, 1));
    let b = app.product("r", "b").await.expect("there").product;
    assert!(b.active && b.changed_at > before.product.changed_at);
    assert_eq!(app.product("r", "a").await.expect("there"), before);
}

async fn a_stores_price_holds_there(stage: &Stage) {
    let app = house(stage).await;
    let text = format!(
        "{HEADER}a,,A,,,1,EUR,,,\nb,,B,,,2,EUR,,,\nc,,C,,,,,,,\na,,,,,0.9,EUR,,,s1\nb,,,,,15,DKK,,,s2\nc,,,,,3,EUR,,,s1\n"
    );
    let done = import(&app, ask(), &text).await.expect("imported");
    assert_eq!((done.added, done.store_prices.added), (3, 3));
    assert_eq!(
        listed(&app, None).await,
        [
            row("a", Some((1, 0)), true),
            row("b", Some((2, 0)), true),
            row("c", None, false)
        ]
    );
    assert_eq!(
        listed(&app, Some("s1")).await,
        [
            row("a", Some((9, 1)), true),
            row("b", Some((2, 0)), true),
            row("c", Some((3, 0)), true)
        ]
    );
    // In another currency a common price does not hold.
    assert_eq!(
        listed(&app, Some("s2")).await,
        [
            row("a", None, false),
            row("b", Some((15, 0)), true),
            row("c", None, false)
        ]
    );
    let removal = format!("{HEADER}a,,,,,,,,,s1\nb,,,,,,,,,s1\n");
    let done = import(&app, ask(), &removal).await.expect("imported");
    let counts = done.store_prices;
    assert_eq!((counts.removed, counts.unchanged), (1, 1));
    assert_eq!(
        listed(&app, Some("s1")).await[0],
        row("a", Some((1, 0)), true)
    );
}

async fn a_full_file_ends_what_it_does_not_name(stage: &Stage) {
    let app = house(stage).await;
    let rows: String = (0..700)
        .map(|n| format!("s{n:03},,N,,,1,EUR,,,\n"))
        .collect();
    import(&app, ask(), &format!("{HEADER}{rows}"))
        .await
        .expect("imported");
    let full = |dry_run| ImportAsk {
        missing: Missing::Deactivate,
        dry_run,
        ..ask()
    };
    let text = format!("{HEADER}s001,,N,,,1,EUR,,,\nnew,,N,,,1,EUR,,,\ns002,,N,,,1,EUR,,no,\n");
    let would = import(&app, full(true), &text).await.expect("right");
    let done = import(&app, full(false), &text).await.expect("imported");
    assert_eq!(
        Imported {
            dry_run: true,
            ..done.clone()
        },
        would
    );
    assert_eq!((done.added, done.unchanged, done.deactivated), (1, 1, 699));
    let sold: Vec<_> = listed(&app, None)
        .await
        .into_iter()
        .filter(|row| row.2)
        .collect();
    assert_eq!(
        sold,
        [
            row("new", Some((1, 0)), true),
            row("s001", Some((1, 0)), true)
        ]
    );
    let again = import(&app, full(false), &text).await.expect("imported");
    assert_eq!((again.unchanged, again.deactivated), (3, 0));
    // What was cut off behind its header is no file of everything.
    for dry_run in [true, false] {
        let said = import(&app, full(dry_run), HEADER).await;
        let Err(NotImported::Refused(problems)) = said else {
            panic!("refused: {said:?}");
        };
        assert_eq!(problems.total, 1);
    }
    let sold_yet = listed(&app, None).await;
    assert_eq!(sold_yet.iter().filter(|row| row.2).count(), 2);
}

async fn json_lines_say_the_same(stage: &Stage) {
    let app = house(stage).await;
    import(
        &app,
        ask(),
        &format!("{HEADER}a,,A,,,1.5,EUR,VAT,true,\na,,,,,1.4,EUR,,,s1\n"),
    )
    .await
    .expect("imported");
    let lines = ImportAsk {
        format: Format::JsonLines,
        ..ask()
    };
    let text = concat!(
        r#"{"sku":"a","name":"A","price":"1.50","currency":"EUR","tax_code":"VAT","active":true}"#,
        "\n",
        r#"{"sku":"a","price":"1.40","currency":"EUR","store":"s1"}"#,
    );
    let done = import(&app, lines.clone(), text).await.expect("imported");
    assert_eq!((done.unchanged, done.store_prices.unchanged), (1, 1));
    let said = import(
        &app,
        lines,
        r#"{"sku":"a","name":"A","price":1.5,"currency":"EUR"}"#,
    )
    .await;
    let Err(NotImported::Refused(problems)) = said else {
        panic!("{said:?}");
    };
    assert_eq!(problems.told[0].field, "price");
}

/// `count` products, each for `cents` cents.
fn catalogue(count: usize, cents: i64) -> String {
    let mut text = HEADER.to_owned();
    for n in 0..count {
        let (whole, part) = (cents / 100, cents % 100);
        writeln!(
            text,
            "sku-{n:06},,Product number {n},books/novels,EA,{whole}.{part:02},EUR,VAT-STD,true,"
        )
        .expect("text");
    }
    text
}

async fn two_at_once_are_never_mixed(stage: &Stage) {
    let app = house(stage).await;
    let files = [catalogue(2000, 101), catalogue(2000, 202)];
    let both = files.map(|text| {
        let app = app.clone();
        tokio::spawn(async move { import(&app, ask(), &text).await })
    });
    let mut done = 0;
    for import in both {
        match import.await.expect("no panic") {
            Ok(_) => done += 1,
            Err(NotImported::Other(galleria_app::Error::Conflict { code, .. })) => {
                assert_eq!(code, "catalogue_busy");
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(done > 0);
    let prices = listed(&app, None).await;
    assert_eq!(prices.len(), 1000);
    assert!(prices.iter().all(|row| row.1 == prices[0].1), "of one file");
}

async fn a_stopped_import_leaves_nothing(stage: &Stage) {
    let app = house(stage).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let watch = Watch {
        stop,
        steps: Arc::new(move |step| {
            if let galleria_app::products::Step::Compared(done, _) = step {
                told.store(done > 1000, Ordering::Relaxed);
            }
        }),
    };
    let said = import_watched(&app, ask(), &catalogue(3000, 100), watch).await;
    assert!(matches!(said, Err(NotImported::Stopped)), "{said:?}");
    nothing_is_there(stage).await;
    import(&app, ask(), &catalogue(10, 100))
        .await
        .expect("imported");
}

/// Small writes beside a large import: of 5,000 products, and with `GALLERIA_LARGE=1` of 200,000.
async fn tills_go_on_while_a_large_file_is_imported(stage: &Stage) {
    let count: usize = match std::env::var("GALLERIA_LARGE").as_deref() {
        Ok("1") => 200_000,
        _ => 5_000,
    };
    let app = house(stage).await;
    let text = catalogue(count, 100);
    let (longest, writes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let till = {
        let (stage, longest, writes) = (stage.clone(), Arc::clone(&longest), Arc::clone(&writes));
        tokio::spawn(async move {
            for number in 0.. {
                let id = format!("e{number}");
                let event = rows::new_event(&id, "t");
                let begun = Instant::now();
                write_tx!(stage, [event], |tx| tx
                    .event_append(&event, rows::at(1))
                    .await)
                .expect("appended");
                let waited = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                longest.fetch_max(waited, Ordering::Relaxed);
                writes.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    };
    let measured = |what: &str, begun: Instant| {
        let writes = writes.swap(0, Ordering::Relaxed);
        let longest = longest.swap(0, Ordering::Relaxed);
        let line = format!(
            "{count} products, {what}: {} ms; {writes} small writes beside it, the longest \
             {longest} ms\n",
            begun.elapsed().as_millis(),
        );
        // A piece is written in some milliseconds; all of it in many seconds.
        assert!(writes > 0 && longest < 10_000, "{line}");
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).expect("told");
    };
    let begun = Instant::now();
    let done = import(&app, ask(), &text).await.expect("imported");
    measured("first import", begun);
    assert_eq!(done.added, count as u64);
    let begun = Instant::now();
    let done = import(&app, ask(), &text).await.expect("imported");
    measured("again, unchanged", begun);
    assert_eq!(done.unchanged, count as u64);
    let begun = Instant::now();
    let done = import(&app, ask(), &catalogue(count, 200))
        .await
        .expect("imported");
    measured("all changed", begun);
    assert_eq!(done.changed, count as u64);
    let begun = Instant::now();
    let mut after = String::new();
    let mut read = 0;
    loop {
        let limit = 1000;
        let retailer = "r".to_owned();
        let page = app
            .products(ProductAsk {
                retailer,
                after: after.clone(),
                limit,
                ..ProductAsk::default()
            })
            .await
            .expect("a page");
        read += page.products.len();
        let Some(next) = page.next else { break };
        after = next;
    }
    measured("read by pages", begun);
    assert_eq!(read, count);
    till.abort();
}

//! Product imports: all of a file or nothing, and a complete list of errors.

use crate::no_plugins::NoPlugins;
use crate::rows;
use crate::stage::Stage;
use galleria_app::App;
use galleria_app::Policy;
use galleria_app::catalogue::{
    CatalogueImportRequest, Format, ImportOptions, Imported, Missing, NotImported, ProductQuery,
    Watch,
};
use galleria_ports::clock::SystemClock;
use std::fmt::Write as _;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::Ordering;

on_both!(
    forty_wrong_cells_are_reported_in_one_response,
    a_repeated_import_changes_nothing,
    a_store_price_applies_in_its_store,
    a_full_file_deactivates_missing_products,
    json_lines_are_equivalent,
    concurrent_imports_are_never_mixed,
    a_stopped_import_is_discarded,
);

pub const HEADER: &str = "sku,gtin,name,category,unit,price,currency,tax_code,active,store\n";

pub async fn new_app(stage: &Stage) -> App {
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

pub fn request() -> CatalogueImportRequest {
    CatalogueImportRequest {
        retailer: "r".into(),
        format: Format::Csv,
        decimal_comma: false,
        thousands: None,
        options: ImportOptions::default(),
        missing: Missing::Keep,
    }
}

pub async fn import(
    app: &App,
    request: CatalogueImportRequest,
    text: &str,
) -> Result<Imported, NotImported> {
    import_watched(app, request, text, Watch::default()).await
}

async fn import_watched(
    app: &App,
    request: CatalogueImportRequest,
    text: &str,
    watch: Watch,
) -> Result<Imported, NotImported> {
    let file = Box::new(Cursor::new(text.as_bytes().to_vec()));
    let reply = app.catalogue.import(request, file, None, watch).await?;
    Ok(serde_json::from_str(&reply.body).expect("an answer"))
}

/// SKU, price as digits and scale, and whether it is active.
pub async fn listed(app: &App, store: Option<&str>) -> Vec<(String, Option<(i64, u8)>, bool)> {
    let request = ProductQuery {
        retailer: "r".into(),
        store: store.map(str::to_owned),
        limit: 1000,
        ..ProductQuery::default()
    };
    let page = app.catalogue.list(request).await.expect("a list");
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

async fn assert_empty(stage: &Stage) {
    for sql in [
        "SELECT 'products', COUNT(*) FROM products",
        "SELECT 'prices', COUNT(*) FROM product_prices",
        "SELECT 'versions', COUNT(*) FROM catalogue_versions",
        "SELECT 'writers', COUNT(*) FROM catalogues WHERE writer IS NOT NULL",
    ] {
        let rows = stage.rows(sql).await;
        assert_eq!(rows[0].1, 0, "{}", rows[0].0);
    }
}

async fn forty_wrong_cells_are_reported_in_one_response(stage: &Stage) {
    let app = new_app(stage).await;
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
    // The first of the missing columns.
    line("short,,S", &["category"]);
    line(
        "b\u{1},,B,,ea,-2,E,,2,",
        &["sku", "unit", "active", "price", "currency"],
    );
    line("quote,,\"5\" pipe,,,1,EUR,,,", &["name"]);
    line("d1,1,,,x,1,EUR,,,", &["name", "gtin", "unit"]);
    line("e1,,E,,,1 000,EUR,,,", &["price"]);
    line("open,,\"Q,,,1,EUR,,,", &["name"]);
    assert_eq!(wrong.len(), 40, "forty cells");
    let result = import(&app, request(), &text).await;
    let Err(NotImported::Refused(problems)) = result else {
        panic!("{result:?}");
    };
    let mut reported: Vec<_> = problems
        .listed
        .iter()
        .map(|problem| (problem.row.expect("a row"), problem.field.as_str()))
        .collect();
    reported.sort_unstable();
    wrong.sort_unstable();
    assert_eq!(reported, wrong);
    assert_eq!(problems.total, 40);
    assert_empty(stage).await;

    let many: String = (0..3000).map(|n| format!("s{n},,,,,1,EUR,,,\n")).collect();
    let result = import(&app, request(), &format!("{HEADER}{many}")).await;
    let Err(NotImported::Refused(problems)) = result else {
        panic!("{result:?}");
    };
    assert_eq!((problems.total, problems.listed.len()), (3000, 1000));
    assert_empty(stage).await;
}

async fn a_repeated_import_changes_nothing(stage: &Stage) {
    let app = new_app(stage).await;
    let text = format!(
        "{HEADER}a,4006381333931,Ä,x/y,EA,1.50,EUR,VAT,yes,\nb,,B,,KGM,2,EUR,,no,\na,,,,,1.40,EUR,,,s1\n"
    );
    let dry = CatalogueImportRequest {
        options: ImportOptions {
            dry_run: true,
            ..ImportOptions::default()
        },
        ..request()
    };
    let preview = import(&app, dry, &text).await.expect("valid");
    assert_eq!(
        (preview.rows, preview.added, preview.store_prices.added),
        (3, 2, 1)
    );
    assert!(preview.dry_run);
    assert_empty(stage).await;

    let first = import(&app, request(), &text).await.expect("imported");
    assert_eq!(
        Imported {
            dry_run: true,
            ..first
        },
        preview
    );
    let before = app.catalogue.product("r", "a").await.expect("a product");
    // The same content: 1.5 for 1.50, columns in another order, empty columns omitted.
    let same = "\u{feff}price;currency;store;sku;name;gtin;category;tax_code;active;unit\r\n\
        1.500;EUR;;a;Ä;4006381333931;x/y;VAT;;\r\n2.0;EUR;;b;B;;;;0;KGM\r\n\
        1.4;EUR;Xs1;a;Ä;;x/y;;TRUE;EA\r\n";
    let again = import(&app, request(), same).await.expect("imported");
    assert_eq!((again.unchanged, again.store_prices.unchanged), (2, 1));
    assert_eq!((again.added, again.changed, again.deactivated), (0, 0, 0));
    assert_eq!(
        app.catalogue.product("r", "a").await.expect("a product"),
        before
    );
    let versions = stage
        .rows("SELECT retailer, version FROM catalogue_versions")
        .await;
    assert_eq!(versions.len(), 1);

    let comma = CatalogueImportRequest {
        decimal_comma: true,
        ..request()
    };
    let changed = import(
        &app,
        comma,
        "sku;name;price;currency;unit\nb;B;2,05;EUR;KGM\n",
    )
    .await
    .expect("imported");
    assert_eq!((changed.changed, changed.rows), (1, 1));
    let marks = |thousands| CatalogueImportRequest {
        decimal_comma: true,
        thousands,
        ..request()
    };
    let dear = "sku;name;price;currency;unit\nb;B;1.250 €;EUR;KGM\n";
    for (thousands, field, message) in [
        (
            None,
            "price",
            "`1.250 €` contains `.`, but the decimal mark is `,` and there is no thousands mark: check the options decimal_comma and thousands",
        ),
        (
            Some(','),
            "thousands",
            "must be . , ' or a blank, and not the decimal mark",
        ),
    ] {
        let refused = import(&app, marks(thousands), dear).await;
        let Err(NotImported::Refused(problems)) = refused else {
            panic!("{thousands:?} is wrong: {refused:?}");
        };
        let found = &problems.listed[0];
        assert_eq!(
            (found.field.as_str(), found.message.as_str()),
            (field, message)
        );
    }
    import(&app, marks(Some('.')), dear)
        .await
        .expect("imported");
    let read = app.catalogue.product("r", "b").await.expect("a product");
    let price = read.product.price.expect("a price").amount;
    assert_eq!((price.unscaled, price.scale), (1250, 0));
    let b = app
        .catalogue
        .product("r", "b")
        .await
        .expect("a product")
        .product;
    assert!(b.active && b.changed_at > before.product.changed_at);
    assert_eq!(
        app.catalogue.product("r", "a").await.expect("a product"),
        before
    );
}

async fn a_store_price_applies_in_its_store(stage: &Stage) {
    let app = new_app(stage).await;
    let text = format!(
        "{HEADER}a,,A,,,1,EUR,,,\nb,,B,,,2,EUR,,,\nc,,C,,,,,,,\na,,,,,0.9,EUR,,,s1\nb,,,,,15,DKK,,,s2\nc,,,,,3,EUR,,,s1\n"
    );
    let done = import(&app, request(), &text).await.expect("imported");
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
    // A common price does not apply in a store with another currency.
    assert_eq!(
        listed(&app, Some("s2")).await,
        [
            row("a", None, false),
            row("b", Some((15, 0)), true),
            row("c", None, false)
        ]
    );
    let removal = format!("{HEADER}a,,,,,,,,,s1\nb,,,,,,,,,s1\n");
    let done = import(&app, request(), &removal).await.expect("imported");
    let counts = done.store_prices;
    assert_eq!((counts.removed, counts.unchanged), (1, 1));
    assert_eq!(
        listed(&app, Some("s1")).await[0],
        row("a", Some((1, 0)), true)
    );
}

async fn a_full_file_deactivates_missing_products(stage: &Stage) {
    let app = new_app(stage).await;
    let rows: String = (0..700)
        .map(|n| format!("s{n:03},,N,,,1,EUR,,,\n"))
        .collect();
    import(&app, request(), &format!("{HEADER}{rows}"))
        .await
        .expect("imported");
    let full = |dry_run| CatalogueImportRequest {
        missing: Missing::Deactivate,
        options: ImportOptions {
            dry_run,
            ..ImportOptions::default()
        },
        ..request()
    };
    let text = format!("{HEADER}s001,,N,,,1,EUR,,,\nnew,,N,,,1,EUR,,,\ns002,,N,,,1,EUR,,no,\n");
    let preview = import(&app, full(true), &text).await.expect("valid");
    let done = import(&app, full(false), &text).await.expect("imported");
    assert_eq!(
        Imported {
            dry_run: true,
            ..done.clone()
        },
        preview
    );
    assert_eq!((done.added, done.unchanged, done.deactivated), (1, 1, 699));
    let active: Vec<_> = listed(&app, None)
        .await
        .into_iter()
        .filter(|row| row.2)
        .collect();
    assert_eq!(
        active,
        [
            row("new", Some((1, 0)), true),
            row("s001", Some((1, 0)), true)
        ]
    );
    let again = import(&app, full(false), &text).await.expect("imported");
    assert_eq!((again.unchanged, again.deactivated), (3, 0));
    // A file with only a header is truncated, not a full file.
    for dry_run in [true, false] {
        let result = import(&app, full(dry_run), HEADER).await;
        let Err(NotImported::Refused(problems)) = result else {
            panic!("{result:?}");
        };
        assert_eq!(problems.total, 1);
    }
    let products = listed(&app, None).await;
    assert_eq!(products.iter().filter(|row| row.2).count(), 2);
}

async fn json_lines_are_equivalent(stage: &Stage) {
    let app = new_app(stage).await;
    import(
        &app,
        request(),
        &format!("{HEADER}a,,A,,,1.5,EUR,VAT,true,\na,,,,,1.4,EUR,,,s1\n"),
    )
    .await
    .expect("imported");
    let lines = CatalogueImportRequest {
        format: Format::JsonLines,
        ..request()
    };
    let text = concat!(
        r#"{"sku":"a","name":"A","price":"1.50","currency":"EUR","tax_code":"VAT","active":true}"#,
        "\n",
        r#"{"sku":"a","price":"1.40","currency":"EUR","store":"s1"}"#,
    );
    let done = import(&app, lines.clone(), text).await.expect("imported");
    assert_eq!((done.unchanged, done.store_prices.unchanged), (1, 1));
    let result = import(
        &app,
        lines,
        r#"{"sku":"a","name":"A","price":1.5,"currency":"EUR"}"#,
    )
    .await;
    let Err(NotImported::Refused(problems)) = result else {
        panic!("{result:?}");
    };
    assert_eq!(problems.listed[0].field, "price");
}

/// `count` products, each for `cents` cents.
pub fn catalogue(count: usize, cents: i64) -> String {
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

async fn concurrent_imports_are_never_mixed(stage: &Stage) {
    let app = new_app(stage).await;
    let files = [catalogue(2000, 101), catalogue(2000, 202)];
    let both = files.map(|text| {
        let app = app.clone();
        tokio::spawn(async move { import(&app, request(), &text).await })
    });
    let mut done = 0;
    for import in both {
        match import.await.expect("no panic") {
            Ok(_) => done += 1,
            Err(NotImported::Other(galleria_ports::Error::Conflict { code, .. })) => {
                assert_eq!(code, "catalogue_busy");
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(done > 0);
    let prices = listed(&app, None).await;
    assert_eq!(prices.len(), 1000);
    assert!(
        prices.iter().all(|row| row.1 == prices[0].1),
        "all of one file"
    );
}

async fn a_stopped_import_is_discarded(stage: &Stage) {
    let app = new_app(stage).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let watch = Watch {
        stop,
        steps: Arc::new(move |step| {
            if let galleria_app::catalogue::Step::Compared(done, _) = step {
                flag.store(done > 1000, Ordering::Relaxed);
            }
        }),
    };
    let result = import_watched(&app, request(), &catalogue(3000, 100), watch).await;
    assert!(matches!(result, Err(NotImported::Stopped)), "{result:?}");
    assert_empty(stage).await;
    import(&app, request(), &catalogue(10, 100))
        .await
        .expect("imported");
}

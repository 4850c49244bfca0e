//! Files of products: files without rows, and the same products written in many ways.

use crate::products::{HEADER, import, listed, new_app, request};
use crate::stage::Stage;
use galleria_app::catalogue::{
    CatalogueImportRequest, Format, Guards, ImportOptions, Imported, Missing, NotImported, Watch,
};
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::io::Cursor;

on_both!(
    a_file_without_rows_needs_allow_empty,
    every_way_of_writing_a_file_gives_the_same_products,
    guards_are_removed_unless_they_are_kept,
);

fn refusal(result: Result<Imported, NotImported>) -> String {
    match result {
        Err(NotImported::Refused(problems)) if problems.total == 1 => {
            problems.listed[0].to_string()
        }
        other => panic!("{other:?}"),
    }
}

async fn a_file_without_rows_needs_allow_empty(stage: &Stage) {
    let app = new_app(stage).await;
    let rows: String = (0..300)
        .map(|n| format!("s{n:03},,N,,,1,EUR,,,\n"))
        .collect();
    import(&app, request(), &format!("{HEADER}{rows}"))
        .await
        .expect("imported");
    let with = |missing, format, dry_run, allow_empty| CatalogueImportRequest {
        missing,
        format,
        options: ImportOptions {
            dry_run,
            allow_empty,
            ..ImportOptions::default()
        },
        ..request()
    };
    let blank = format!("{HEADER}\r\r,,,,,,,,,\r\n");
    for missing in [Missing::Keep, Missing::Deactivate] {
        for (format, text) in [
            (Format::Csv, HEADER),
            (Format::Csv, &blank),
            (Format::JsonLines, "\n"),
        ] {
            for dry_run in [true, false] {
                let result = import(&app, with(missing, format, dry_run, false), text).await;
                assert_eq!(
                    refusal(result),
                    "file: must contain rows; to import a file without rows, set allow_empty (on the command line: \
                     --allow-empty)"
                );
            }
        }
    }
    assert!(listed(&app, None).await.iter().all(|row| row.2));
    // An empty file has no header: it was cut off.
    let empty = import(&app, with(Missing::Keep, Format::Csv, false, true), "").await;
    assert!(refusal(empty).contains("must have a header"));

    let keep = with(Missing::Keep, Format::JsonLines, false, true);
    let kept = import(&app, keep, "").await.expect("imported");
    assert_eq!((kept.rows, kept.deactivated), (0, 0));
    let gone = with(Missing::Deactivate, Format::Csv, false, true);
    let gone = import(&app, gone, HEADER).await.expect("imported");
    assert_eq!((gone.rows, gone.deactivated), (0, 300));
}

/// Writes rows as a file: with drawn line ends, quotes, delimiter, order and encoding.
fn drawn_file(rng: &mut ChaCha8Rng, rows: &[[&str; 5]]) -> Vec<u8> {
    let delimiter = *[",", ";"].choose(rng).expect("one");
    let mut rows: Vec<_> = rows.to_vec();
    rows.shuffle(rng);
    let mut text = String::new();
    if rng.random() {
        text += "sep=|\n";
    }
    let delimiter = if text.is_empty() { delimiter } else { "|" };
    rows.insert(0, ["sku", "name", "price", "currency", "category"]);
    for row in rows {
        let cells = row.map(|cell| {
            let special = |c| matches!(c, ',' | ';' | '|' | '\r' | '\n');
            let needs = cell.starts_with('"') || cell.contains(special);
            let guard = if cell.starts_with(['=', '-', '+']) {
                "'"
            } else {
                ""
            };
            match needs || rng.random() {
                true => format!("\"{guard}{}\"", cell.replace('"', "\"\"")),
                false => format!("{guard}{cell}"),
            }
        });
        text += &cells.join(delimiter);
        for _ in 0..rng.random_range(1..3) {
            text += ["\n", "\r\n", "\r"].choose(rng).expect("an end");
        }
    }
    match rng.random_range(0..3) {
        0 => text.into_bytes(),
        1 => ["\u{feff}", &text].concat().into_bytes(),
        _ => {
            let units = ["\u{feff}", &text].concat();
            let units: Vec<u16> = units.encode_utf16().collect();
            units.into_iter().flat_map(u16::to_le_bytes).collect()
        }
    }
}

async fn every_way_of_writing_a_file_gives_the_same_products(stage: &Stage) {
    let app = new_app(stage).await;
    let rows = [
        ["a", "5\" pipe", "1.5", "EUR", "x/y"],
        ["b", "\"quoted\"", "2", "EUR", ""],
        ["c", "a,b;c|d", "3", "EUR", "\""],
        ["d", "=1+1", "4.25", "EUR", "-"],
        ["e", "'n Sync", "5", "EUR", "+1"],
        ["f", "\u{c9}t\u{e9} \u{1f6d2}", "6", "EUR", "'"],
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut first = true;
    for _ in 0..60 {
        let file = drawn_file(&mut rng, &rows);
        let shown = String::from_utf8_lossy(&file).into_owned();
        let imported = app
            .catalogue
            .import(
                request(),
                Box::new(Cursor::new(file)),
                None,
                Watch::default(),
            )
            .await;
        let reply = imported.unwrap_or_else(|error| panic!("{error:?}: {shown:?}"));
        let counts: Imported = serde_json::from_str(&reply.body).expect("an answer");
        let expected = if first { (6, 6, 0) } else { (6, 0, 6) };
        let found = (counts.rows, counts.added, counts.unchanged);
        assert_eq!(found, expected, "{shown:?}");
        first = false;
    }
    for [sku, name, .., category] in rows {
        let product = app.catalogue.product("r", sku).await.expect("a product");
        assert_eq!(
            (&*product.product.name, &*product.product.category),
            (name, category)
        );
    }
}

async fn guards_are_removed_unless_they_are_kept(stage: &Stage) {
    let app = new_app(stage).await;
    let text = "sku,name,price,currency\n'-1,'=1,1,EUR\nb,''=1,1,EUR\nc,'x,1,EUR\nd,=1,1,EUR\n";
    import(&app, request(), text).await.expect("imported");
    for (sku, name) in [("-1", "=1"), ("b", "'=1"), ("c", "'x"), ("d", "=1")] {
        let product = app.catalogue.product("r", sku).await.expect("a product");
        assert_eq!(product.product.name, name);
    }
    let keep = CatalogueImportRequest {
        options: ImportOptions {
            guards: Guards::Keep,
            ..ImportOptions::default()
        },
        ..request()
    };
    let kept = import(&app, keep, text).await.expect("imported");
    assert_eq!((kept.added, kept.changed, kept.unchanged), (1, 1, 2));
    // JSON needs no guards.
    let lines = CatalogueImportRequest {
        format: Format::JsonLines,
        ..request()
    };
    let line = r#"{"sku":"j","name":"'=1","price":"1","currency":"EUR"}"#;
    import(&app, lines, line).await.expect("imported");
    let product = app.catalogue.product("r", "j").await.expect("a product");
    assert_eq!(product.product.name, "'=1");
}

//! Exports are imports that change nothing.

use super::*;
use galleria_app::tax::tax_table_csv;
use std::fmt::Write as _;

on_both!(an_export_is_an_import_that_changes_nothing);

/// Rows with each optional field, and with texts that CSV and spreadsheets treat in a special way.
fn unusual_rows() -> Vec<TaxRow> {
    let texts = [
        "=1+1",
        "+1",
        "-1",
        "@x",
        "'=1",
        "''+",
        "'",
        "a\"b",
        "\"a",
        "a,b",
        "a;b",
        "a|b",
        "a'b",
        "sep=;",
        "tax_code",
        "true",
        "0",
        "\u{e9}",
        "\u{1f950}",
        "\u{65e5}\u{672c}",
    ];
    let mut rows = Vec::new();
    for (index, text) in texts.into_iter().enumerate() {
        let mut row = json!({ "tax_code": text, "tax_level": text, "retailer_tax_level_id": text,
            "tax_percent": "7.25" });
        if index % 2 == 1 {
            row["authority"] = text.into();
        }
        rows.push(row);
    }
    let fields = [
        ("kind", json!("fixed_per_unit")),
        ("kind", json!("division")),
        ("treatment", json!("standard")),
        ("treatment", json!("reduced")),
        ("treatment", json!("luxury")),
        ("affects_later_taxes", json!(true)),
        ("ignores_earlier_taxes", json!(true)),
        ("position", json!(65_535)),
        ("valid_from", json!("2026-07-01")),
        ("tax_percent", json!("7.123456789012")),
        ("tax_percent", json!("7.1000")),
        ("tax_level", json!("")),
    ];
    for (index, (field, value)) in fields.into_iter().enumerate() {
        let mut row = json!({ "tax_code": "X", "tax_level": "VAT", "retailer_tax_level_id": index.to_string(),
            "tax_percent": "7" });
        row[field] = value;
        rows.push(row);
    }
    for treatment in ["zero", "exempt"] {
        rows.push(
            json!({ "tax_code": treatment, "tax_level": "", "retailer_tax_level_id": "",
            "tax_percent": "0", "treatment": treatment }),
        );
    }
    serde_json::from_value(rows.into()).expect("rows")
}

async fn an_export_is_an_import_that_changes_nothing(stage: &Stage) {
    let app = with_stores(stage, &["s", "copy", "lines"]).await;
    let rows = unusual_rows();
    let sent = rows.iter().cloned().map(Ok);
    let sent = app.taxes.import_rows(of_store("s"), sent, None).await;
    sent.expect("imported");
    let exported = table(&app, "s").await;
    assert_eq!(exported.len(), rows.len());
    for row in &rows {
        assert!(exported.iter().any(|one| one.is_same(row)), "{row:?}");
    }
    let csv = tax_table_csv(&exported).expect("CSV");
    let text = String::from_utf8(csv.clone()).expect("UTF-8");
    assert!(text.starts_with("tax_code,tax_level,retailer_tax_level_id,tax_percent,authority,"));
    assert!(
        text.contains("'=1+1,'=1+1,") && text.contains("\r\n"),
        "{text}"
    );
    let same = import(&app, replacing(of_store("s")), &csv).await;
    assert_eq!(
        counts(&same.expect("imported")),
        [0, 0, 0, rows.len() as u64]
    );
    let copy = import(&app, replacing(of_store("copy")), &csv).await;
    copy.expect("imported");
    assert_eq!(table(&app, "copy").await, exported);
    // So are the pages of JSON, written as lines.
    let (mut lines, mut after) = (String::new(), None::<String>);
    loop {
        let page = app
            .taxes
            .table_page("s", after.as_deref(), 7)
            .await
            .expect("a page");
        for row in &page.rows {
            writeln!(lines, "{}", json!(row)).expect("text");
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let request = TaxTableImport {
        format: Format::JsonLines,
        ..of_store("lines")
    };
    import(&app, request, &lines).await.expect("imported");
    assert_eq!(table(&app, "lines").await, exported);
    let empty = tax_table_csv(&[]).expect("CSV");
    assert_eq!(empty.iter().filter(|byte| **byte == b'\n').count(), 1);
    for bad in [
        "",
        "x",
        "[]",
        "[\"a\",\"b\\u0000\",null]",
        "[\"a\",\"b\",\"soon\"]",
    ] {
        let page = app.taxes.table_page("s", Some(bad), 7).await;
        assert!(matches!(page, Err(Error::Invalid(_))), "{bad}: {page:?}");
    }
}

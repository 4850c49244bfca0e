//! Imports of large tables, and messages above the maximum size.

use super::{STORE, client, host, open_stores, reason, row};
use crate::host::Database;
use galleria_tax::proto::{
    GetStoreTaxTableRequest, ImportStoreTaxDataRequest, ImportSummary, TaxRow,
};
use tonic::{Code, Status};

on_both!(a_large_table_is_streamed_and_read_in_pages);

const ROWS: usize = 50_000;

fn rows() -> Vec<TaxRow> {
    let one = |number| TaxRow {
        // Such rows are in the platform's own table.
        authority: String::new(),
        ..row(&format!("CODE-{number}"), "21.00")
    };
    (0..ROWS).map(one).collect()
}

fn messages(rows: Vec<TaxRow>, size: usize, dry_run: bool) -> Vec<ImportStoreTaxDataRequest> {
    let chunks = rows.chunks(size).enumerate();
    let message = |(index, rows): (usize, &[TaxRow])| ImportStoreTaxDataRequest {
        store_id: if index == 0 {
            STORE.into()
        } else {
            String::new()
        },
        rows: rows.to_vec(),
        dry_run: dry_run && index == 0,
        ..Default::default()
    };
    chunks.map(message).collect()
}

async fn a_large_table_is_streamed_and_read_in_pages(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [
        "tax.server.max_message_bytes=1MiB",
        "tax.server.import_deadline=5m",
    ];
    let mut host = host(folder.path(), database, &settings);
    host.start().await;
    open_stores(&host).await;
    let key = host.key(&["--name", "office", "--scope", "operator", "--everywhere"]);
    let mut client = client(&host, Some(&key))
        .await
        .max_decoding_message_size(64 << 20);
    let stream = async |client: &mut super::Client,
                        messages: Vec<ImportStoreTaxDataRequest>|
           -> Result<ImportSummary, Status> {
        let sent = client
            .stream_store_tax_code_data(tokio_stream::iter(messages))
            .await?;
        Ok(sent.into_inner())
    };

    let [whole] = &messages(rows(), ROWS, false)[..] else {
        panic!("one message");
    };
    let large = client
        .import_store_tax_code_data(whole.clone())
        .await
        .expect_err("too large");
    assert_eq!(
        (large.code(), reason(&large)),
        (Code::ResourceExhausted, "body_too_large".into())
    );
    for part in ["at most 1048576 bytes", "StreamStoreTaxCodeData"] {
        assert!(large.message().contains(part), "{large}");
    }
    let large = stream(&mut client, vec![whole.clone()])
        .await
        .expect_err("too large");
    assert_eq!(reason(&large), "body_too_large");

    // One invalid row: nothing is imported. All invalid rows are reported, and a dry run lists them.
    let mut invalid = rows();
    for number in [0, 17, ROWS - 1] {
        invalid[number].tax_percent = "21%".into();
    }
    let refused = stream(&mut client, messages(invalid.clone(), 5_000, false))
        .await
        .expect_err("rows");
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::InvalidArgument, "file_refused".into())
    );
    for part in [
        "row 1, tax_percent:",
        "row 18, tax_percent:",
        "row 50000, tax_percent:",
    ] {
        assert!(refused.message().contains(part), "{refused}");
    }
    let listed = stream(&mut client, messages(invalid, 5_000, true))
        .await
        .expect("a list");
    let found: Vec<_> = listed
        .problems
        .iter()
        .map(|one| (one.row, &*one.field))
        .collect();
    assert_eq!(
        found,
        [
            (1, "tax_percent"),
            (18, "tax_percent"),
            (50_000, "tax_percent")
        ]
    );
    assert_eq!((listed.invalid, listed.added), (3, 0));
    let mut differing = messages(rows(), 25_000, false);
    differing[1].store_id = "tax-2".into();
    let differing = stream(&mut client, differing)
        .await
        .expect_err("two stores");
    assert!(
        differing.message().starts_with("store_id: must be absent"),
        "{differing}"
    );
    let nothing = stream(&mut client, Vec::new())
        .await
        .expect_err("no message");
    assert_eq!(nothing.code(), Code::InvalidArgument);
    let endless = rows().into_iter().chain([row("LAST", "1")]).collect();
    let endless = stream(&mut client, messages(endless, 5_000, false))
        .await
        .expect_err("too many");
    assert!(
        endless.message().contains("at most 50000 rows"),
        "{endless}"
    );

    let tried = stream(&mut client, messages(rows(), 5_000, true))
        .await
        .expect("a dry run");
    let imported = stream(&mut client, messages(rows(), 5_000, false))
        .await
        .expect("imported");
    let again = stream(&mut client, messages(rows(), 3_000, false))
        .await
        .expect("imported again");
    assert_eq!(
        (tried.added, imported.added, again.unchanged),
        (50_000, 50_000, 50_000)
    );

    let table = |page_size, page_token| GetStoreTaxTableRequest {
        store_id: STORE.into(),
        page_size,
        page_token,
    };
    let whole = client
        .get_store_tax_table(table(0, String::new()))
        .await
        .expect_err("too large");
    assert_eq!(whole.code(), Code::ResourceExhausted);
    assert!(whole.message().contains("page_size of at most"), "{whole}");
    let (mut count, mut token) = (0, String::new());
    loop {
        let page = client
            .get_store_tax_table(table(20_000, token))
            .await
            .expect("a page")
            .into_inner();
        count += page.rows.len();
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(count, ROWS);
    host.stop();
}

//! Addresses, migrations, and rejected databases.

use crate::rows::{self, at};
use crate::stage::{self, Stage};
use futures_util::future::join_all;
use galleria_db::{Db, DbConfig, DbError};
use galleria_domain::Decimal;
use galleria_ports::records::{DocumentRow, LeaseLimit};
use std::error::Error as _;

on_both!(
    migrating_again_changes_nothing,
    an_incompatible_newer_schema_is_rejected,
    a_compatible_newer_schema_is_accepted,
    a_changed_migration_is_rejected,
    rows_of_contract_0_1_are_rewritten,
    documents_without_a_folder_keep_their_path,
);

/// Undoes the migrations after 27.
const UNDO_TAXES: [&str; 12] = [
    "DROP TABLE store_totals",
    "DROP TABLE totals_progress",
    "DROP TABLE reloads",
    "DROP TABLE hosts",
    "DROP TABLE loads",
    "DROP TABLE tax_evaluations",
    "DROP TABLE tax_level",
    "DROP TABLE tax_rules",
    "DROP TABLE tax_stores",
    "ALTER TABLE orders DROP COLUMN taxes",
    "DROP TABLE tax_comparisons",
    "DROP TABLE tax_comparison_counts",
];

/// Undoes migration 25 and the later ones, after [`UNDO_TAXES`]. The types are valid in both databases.
const UNDO_DOCUMENT_FOLDERS: [&str; 10] = [
    "DROP INDEX runs_by_turn",
    "DELETE FROM schema_since WHERE version >= 25",
    "ALTER TABLE documents RENAME TO kept",
    "CREATE TABLE documents (
         serial INTEGER PRIMARY KEY, id TEXT NOT NULL CONSTRAINT documents_id UNIQUE,
         event_id TEXT NOT NULL, subscriber TEXT NOT NULL, retailer TEXT NOT NULL,
         store_id TEXT NOT NULL, order_id TEXT, directory TEXT NOT NULL, name TEXT NOT NULL,
         media_type TEXT NOT NULL, size BIGINT NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL,
         created_ms BIGINT NOT NULL, moved_ms BIGINT NOT NULL, lease_owner TEXT,
         lease_until_ms BIGINT NOT NULL DEFAULT 0, body BYTEA,
         CONSTRAINT documents_name UNIQUE (retailer, directory, name))",
    "INSERT INTO documents (serial, id, event_id, subscriber, retailer, store_id, order_id, directory,
         name, media_type, size, digest, state, created_ms, moved_ms, lease_owner, lease_until_ms, body)
     SELECT serial, id, event_id, subscriber, retailer, store_id, order_id, directory, name, media_type,
         size, digest, state, created_ms, moved_ms, lease_owner, lease_until_ms, body FROM kept",
    "DROP TABLE kept",
    "CREATE INDEX documents_to_deliver ON documents (serial)
         WHERE state NOT IN ('delivered', 'blocked')",
    "CREATE INDEX story_documents_by_name ON documents (name, serial)",
    "DELETE FROM schema_versions WHERE version >= 25",
    "DROP INDEX dead_letters_by_code",
];

/// Undoes migration 23 and the later ones, after [`UNDO_TAXES`].
const UNDO_ALLOCATIONS: [&str; 23] = [
    "DROP INDEX dead_letters_by_code",
    UNDO_DOCUMENT_FOLDERS[0],
    UNDO_DOCUMENT_FOLDERS[1],
    UNDO_DOCUMENT_FOLDERS[2],
    UNDO_DOCUMENT_FOLDERS[3],
    UNDO_DOCUMENT_FOLDERS[4],
    UNDO_DOCUMENT_FOLDERS[5],
    "DROP TABLE rejected_statements",
    "DROP TABLE allocations",
    "DROP INDEX tenders_uncovered",
    "ALTER TABLE tenders ADD COLUMN settled_by TEXT",
    "ALTER TABLE tenders DROP COLUMN settled",
    "ALTER TABLE tenders DROP COLUMN covered",
    "CREATE INDEX tenders_uncovered ON tenders (retailer, accepted_ms, id)
         WHERE settled_by IS NULL AND voided = 0",
    "DROP INDEX statement_lines_by_psp",
    "DROP INDEX statement_lines_by_modification",
    "DROP INDEX statement_lines_by_merchant",
    "ALTER TABLE statement_lines DROP COLUMN kind",
    "ALTER TABLE statement_lines ADD COLUMN waits BIGINT NOT NULL DEFAULT 0",
    "CREATE INDEX statement_lines_waiting_psp ON statement_lines (retailer, psp_reference)
         WHERE waits = 1 AND psp_reference <> ''",
    "CREATE INDEX statement_lines_waiting_modification
         ON statement_lines (retailer, modification_reference)
         WHERE waits = 1 AND modification_reference <> ''",
    "CREATE INDEX statement_lines_waiting_merchant ON statement_lines (retailer, merchant_reference)
         WHERE waits = 1 AND merchant_reference <> ''",
    "DELETE FROM schema_versions WHERE version >= 23",
];

/// Undoes migration 23 and the later ones.
pub(crate) async fn undo_allocations(stage: &Stage) {
    for undo in UNDO_TAXES.into_iter().chain(UNDO_ALLOCATIONS) {
        stage.run(undo).await;
    }
}

/// Undoes migration 22, inserts rows like a host of the previous version, and migrates again.
async fn rows_of_contract_0_1_are_rewritten(stage: &Stage) {
    let store = rows::store("s1", "example");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    let decimal = |text: &str| text.parse::<Decimal>().expect(text);
    undo_allocations(stage).await;
    for undo in [
        "ALTER TABLE orders RENAME COLUMN cashier TO operator",
        "ALTER TABLE shifts RENAME COLUMN cashier TO operator",
        "ALTER TABLE shift_movements RENAME COLUMN cashier TO operator",
        "ALTER TABLE operations RENAME COLUMN actor TO operator",
        "ALTER TABLE manual_settlements RENAME COLUMN actor TO by_whom",
        "ALTER TABLE manual_settlements RENAME TO line_hands",
        "DROP INDEX manual_settlements_by_line",
        "DROP INDEX manual_settlements_by_age",
        "CREATE INDEX line_hands_by_line ON line_hands (line_id, serial)",
        "CREATE INDEX line_hands_by_age ON line_hands (at_ms)",
        "DELETE FROM schema_versions WHERE version = 22",
        r#"INSERT INTO orders (id, store_id, workstation, operator, training, status, lines, consents,
               attributes, gross, begun_ms, created_ms)
           VALUES ('o1', 's1', 'w', 'ana', 0, 'open', '[{"number": 1, "kind": "item",
               "returned": false, "voided": false, "sku": "1", "description": "d",
               "quantity": {"unscaled": 1500, "scale": 3}, "unit": "KGM",
               "regular_price": {"unscaled": 10, "scale": 0},
               "unit_price": {"unscaled": -5, "scale": 2}, "amount": 1, "discounts": [], "taxes": [],
               "age": {"minimum": 18, "outcome": "passed", "operator": "eva", "at": "t"},
               "attributes": [{"name": "operator", "value": "operator"}]}]', '[]', '[]', 1, 0, 0)"#,
        "INSERT INTO statements (id, retailer, plugin, component, file, digest, size, provider, account,
             reference, currency, minor_digits, paid_on, attributes, net, line_count, state, matched_to,
             imported_ms)
         VALUES ('s', 'example', 'p', 'c', 'f', 'd', 1, 'adyen', 'a', 'r', 'EUR', 2, '2026-11-24', '[]', 0,
             2, 'matched', 2, 0)",
        r#"INSERT INTO statement_lines (statement_id, number, retailer, psp_reference,
               modification_reference, merchant_reference, converted, fee, net, settles, store_id, store,
               business_date, entry_id, difference, waits, line)
           VALUES ('s', 1, 'example', '', '', '', 0, 0, 0, 0, '', '', '', '', 0, 0,
               '{"rate":{"unscaled":14,"scale":1}}'),
               ('s', 2, 'example', '', '', '', 0, 0, 0, 0, '', '', '', '', 0, 0, '{"rate":null}')"#,
    ] {
        stage.run(undo).await;
    }
    let done = Db::migrate(&stage.config).await.expect("migrated");
    assert_eq!(done[0], "migration 22 (vocabulary) applied");
    let lines = "SELECT line, number FROM statement_lines ORDER BY number";
    let expected = [(r#"{"rate":"1.4"}"#, 1), (r#"{"rate":null}"#, 2)];
    let expected = expected.map(|(line, number)| (line.to_owned(), number));
    assert_eq!(stage.rows(lines).await, expected);
    let order = read_tx!(stage, [], |tx| tx.order_get("o1").await).expect("read");
    let order = order.expect("the order");
    assert_eq!(order.cashier.as_deref(), Some("ana"));
    let line = &order.lines[0];
    let age = line.age.as_ref().expect("the age check");
    assert_eq!(age.cashier.as_deref(), Some("eva"));
    assert_eq!(line.attributes[0].name, "operator");
    assert_eq!(
        [line.quantity, line.regular_price, line.unit_price],
        ["1.500", "10", "-0.05"].map(decimal)
    );
}

async fn documents_without_a_folder_keep_their_path(stage: &Stage) {
    // The order of insertion differs from that of the ids.
    let documents = ["d2", "d1"].map(rows::document);
    let limit = LeaseLimit {
        documents: 9,
        bytes: 9,
    };
    write_tx!(stage, [documents], |tx| {
        for document in &documents {
            tx.document_insert_many(std::slice::from_ref(document))
                .await?;
        }
        tx.document_lease("r", "host", at(1), at(90), limit).await
    })
    .expect("leased");
    for undo in UNDO_TAXES.into_iter().chain(UNDO_DOCUMENT_FOLDERS) {
        stage.run(undo).await;
    }
    let done = Db::migrate(&stage.config).await.expect("migrated");
    assert_eq!(done[0], "migration 25 (document_folders) applied");
    let (other, host) = write_tx!(stage, [], |tx| Ok((
        tx.document_lease("r", "other", at(89), at(99), limit)
            .await?,
        tx.document_lease("r", "host", at(89), at(99), limit)
            .await?,
    )))
    .expect("leases");
    assert_eq!((other, &host[..]), (vec![], &documents[..]));
    assert_eq!(host[0].path(), "r/d2.xml");
    // A new document has a folder, and a later position.
    let new = DocumentRow {
        id: "d0".into(),
        folder: "s1".into(),
        ..documents[0].clone()
    };
    write_tx!(stage, [new], |tx| tx
        .document_insert_many(std::slice::from_ref(&new))
        .await)
    .expect("inserted");
    let order = "SELECT id, size FROM documents ORDER BY serial";
    let order = stage.rows(order).await.into_iter().map(|(id, _)| id);
    assert_eq!(order.collect::<Vec<_>>(), ["d2", "d1", "d0"]);
}

async fn migrating_again_changes_nothing(stage: &Stage) {
    let results = Db::migrate(&stage.config).await.expect("migrated");
    assert!(results.is_empty(), "{results:?}");
}

async fn an_incompatible_newer_schema_is_rejected(stage: &Stage) {
    stage
        .run(
            "INSERT INTO schema_versions (version, name, digest, applied_ms)
             VALUES (99, 'future', 'x', 0)",
        )
        .await;
    let opened = Db::open(&stage.config).await.map(drop);
    let error = opened.expect_err("rejected");
    assert!(
        matches!(error, DbError::SchemaTooNew { found: 99, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("run the Galleria version"),
        "{error}"
    );
    let migrated = Db::migrate(&stage.config).await;
    assert!(matches!(
        migrated,
        Err(DbError::SchemaTooNew { found: 99, .. })
    ));
}

/// So a host of the previous version can restart while newer hosts run.
async fn a_compatible_newer_schema_is_accepted(stage: &Stage) {
    // The first two migrations are compatible with this binary; the third is not.
    let since = [
        "INSERT INTO schema_since SELECT MAX(version), MAX(version) - 1 FROM schema_versions",
        "INSERT INTO schema_since SELECT MAX(version), MAX(version) - 2 FROM schema_versions",
        "INSERT INTO schema_since SELECT MAX(version), MAX(version) - 2 FROM schema_versions",
    ];
    for (at, since) in since.into_iter().enumerate() {
        stage
            .run(
                "INSERT INTO schema_versions (version, name, digest, applied_ms)
                 SELECT MAX(version) + 1, 'future', 'x', 0 FROM schema_versions",
            )
            .await;
        stage.run(since).await;
        let opened = Db::open(&stage.config).await.map(drop);
        let migrated = Db::migrate(&stage.config).await;
        if at < 2 {
            opened.expect("opened");
            assert_eq!(migrated.expect("nothing to do"), Vec::<String>::new());
        } else {
            assert!(matches!(opened, Err(DbError::SchemaTooNew { .. })));
            assert!(matches!(migrated, Err(DbError::SchemaTooNew { .. })));
        }
    }
}

async fn a_changed_migration_is_rejected(stage: &Stage) {
    stage
        .run("UPDATE schema_versions SET digest = 'x' WHERE version = 1")
        .await;
    let opened = Db::open(&stage.config).await.map(drop);
    assert!(matches!(
        opened,
        Err(DbError::MigrationChanged { version: 1 })
    ));
}

async fn concurrent_migrations_run_once(config: &DbConfig) {
    let error = Db::open(config).await.map(drop).expect_err("rejected");
    assert!(
        matches!(error, DbError::SchemaTooOld { found: 0, .. }),
        "{error}"
    );
    assert!(
        error.to_string().ends_with("run galleria migrate"),
        "{error}"
    );
    let results = join_all((0..4).map(|_| Db::migrate(config))).await;
    let mut steps: Vec<_> = results
        .into_iter()
        .map(|result| result.expect("migrated"))
        .collect();
    steps.sort();
    let first = "migration 1 (records) applied";
    assert_eq!(steps[3][0], first);
    assert!(steps[..3].iter().all(Vec::is_empty), "{steps:?}");
    Db::open(config)
        .await
        .expect("open")
        .close()
        .await
        .expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_sqlite_migrations_run_once() {
    let folder = tempfile::tempdir().expect("a folder");
    concurrent_migrations_run_once(&stage::file(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn concurrent_postgres_migrations_run_once() {
    let url = galleria_test_postgres::database();
    concurrent_migrations_run_once(&DbConfig::new(url)).await;
}

#[tokio::test]
async fn an_unsupported_address_is_rejected() {
    for url in [
        "",
        "galleria.db",
        "sqlite:galleria.db",
        "sqlite://",
        "mysql://x/y",
    ] {
        let config = DbConfig::new(url);
        let opened = Db::open(&config).await.map(drop);
        assert!(matches!(opened, Err(DbError::Address)), "{url}");
    }
}

#[tokio::test]
async fn errors_never_contain_the_password() {
    let config =
        DbConfig::new("postgres://galleria:tiger-secret@127.0.0.1:1/galleria?sslmode=disable");
    let error = Db::open(&config).await.map(drop).expect_err("no server");
    let broken = DbConfig {
        url: "postgres://galleria:tiger-secret@127.0.0.1:port/galleria".into(),
        ..config.clone()
    };
    let other = Db::open(&broken).await.map(drop).expect_err("invalid port");
    let mut output = format!("{config:?} {error:?} {error} {other:?} {other}");
    let mut next = error.source();
    while let Some(cause) = next {
        output += &cause.to_string();
        next = cause.source();
    }
    assert!(!output.contains("tiger-secret"), "{output}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_created_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("data"), "a file").expect("a file");
    let config = DbConfig::new(format!(
        "sqlite://{}/data/galleria.db",
        folder.path().display()
    ));
    let opened = Db::open(&config).await.map(drop);
    assert!(matches!(opened, Err(DbError::Folder { .. })), "{opened:?}");
}

/// After a clean close, the file alone is the complete database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_file_can_be_copied() {
    let stage = Stage::sqlite().await;
    write_tx!(stage, [], |tx| tx.position_set("g", 7).await).expect("set");
    stage.db.close().await.expect("closed");
    let path = stage.config.url.trim_start_matches("sqlite://");
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.db");
    std::fs::copy(path, &copy).expect("copied");
    let config = DbConfig::new(format!("sqlite://{}", copy.display()));
    let copied = Stage::open(config, None).await;
    let position = read_tx!(copied, [], |tx| tx.position_get("g").await).expect("read");
    assert_eq!(position, 7);
}

//! Logins to PostgreSQL: passwords, names, settings of the address, and connections that ended meanwhile.

use crate::stage::Stage;
use galleria_db::{Db, DbConfig, DbError};
use galleria_test_postgres::server;

/// A password with each character that has a meaning in an address.
const PASSWORD: &str = "p@ss:w/o?r#d %&+=[]'\"\\ä";

/// The password in an address.
const ENCODED: &str = "p%40ss%3Aw%2Fo%3Fr%23d%20%25%26%2B%3D%5B%5D%27%22%5C%C3%A4";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn a_login_has_its_password_name_and_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("hba.conf");
    let text = "host all galleria 127.0.0.1/32 trust\nhost all eva 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(&rules, text).expect("a file");
    let server = server(&[
        "password_encryption=scram-sha-256",
        &format!("hba_file={}", rules.display()),
    ]);
    let url = server.database().expect("a database");
    let config = DbConfig::new(url.clone());
    Db::migrate(&config).await.expect("migrated");
    let stage = Stage::open(config, None).await;
    let quoted = PASSWORD.replace('\'', "''");
    stage
        .run(&format!(
            "CREATE ROLE eva LOGIN SUPERUSER PASSWORD '{quoted}'"
        ))
        .await;

    let with_password = url.replace("galleria@", &format!("eva:{ENCODED}@"));
    let as_parameter = url.replace("galleria@", "");
    let addresses = [
        format!("{with_password}?application_name=till%207&options=-c%20search_path%3Dpublic"),
        format!(
            "{as_parameter}?user=eva&password={ENCODED}&application_name=till+7&options[search_path]=public"
        ),
    ];
    for address in addresses {
        let eva = Stage::open(DbConfig::new(address.clone()), None).await;
        let names =
            "SELECT DISTINCT application_name, 1 FROM pg_stat_activity WHERE usename = 'eva'";
        assert_eq!(stage.rows(names).await, [("till 7".to_owned(), 1)]);
        eva.db.close().await.expect("closed");
        let elsewhere = address.replace("public", "nowhere");
        let error = Db::open(&DbConfig::new(elsewhere)).await.map(drop);
        // The tables are in another schema.
        let error = error.expect_err("a setting of the address").to_string();
        assert!(error.contains("schema version 0"), "{error}");
    }
    for wrong in [
        with_password.replace("%C3%A4", ""),
        url.replace("galleria@", "eva@"),
    ] {
        let opened = Db::open(&DbConfig::new(wrong)).await.map(drop);
        let error = opened.expect_err("a wrong password");
        let text = format!("{error} {error:?}");
        assert!(!matches!(error, DbError::Unreachable { .. }), "{text}");
        assert!(!text.contains("p@ss") && !text.contains("p%40ss"), "{text}");
    }
}

/// Without a test before each use, the pool notices that the server has closed idle connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn idle_connections_that_ended_are_replaced() {
    let stage = Stage::postgres().await;
    for _ in 0..3 {
        let (read, written) = tokio::join!(
            async { read_tx!(stage, [], |tx| tx.position_get("g").await) },
            async { write_tx!(stage, [], |tx| tx.number_next("a", "entry").await) },
        );
        read.expect("read");
        written.expect("written");
        stage
            .run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await;
    }
    let numbers = stage.rows("SELECT scope, value FROM numbers").await;
    assert_eq!(numbers, [("a".to_owned(), 3)]);
}

//! PostgreSQL stops, restarts, gets a new schema, or rejects connections.

use crate::rows;
use crate::stage::Stage;
use galleria_db::{Db, DbConfig, DbError};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::Records;
use galleria_test_postgres::{Server, database, server};
use std::collections::BTreeSet;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Starts a server for one test, with a database.
async fn own_server() -> (Server, Stage) {
    let server = server(&[]);
    let config = DbConfig::new(server.database().expect("a database"));
    Db::migrate(&config).await.expect("migrated");
    (server, Stage::open(config, None).await)
}

/// Retries like a caller until the append is acknowledged.
async fn append(db: &Db, id: String) {
    let records: &dyn Records = db;
    let start = Instant::now();
    loop {
        let event = rows::new_event(&id, "t");
        let done = records
            .write(in_tx!(|tx, event| tx
                .event_append(&event, rows::at(1))
                .await))
            .await;
        match done {
            // An earlier commit succeeded although it was not acknowledged.
            Ok(()) | Err(Error::Exists { .. }) => return,
            Err(Error::Records { .. }) if start.elapsed() < Duration::from_secs(60) => {}
            Err(error) => panic!("{id}: {}", error.chain()),
        }
    }
}

/// Appends from eight tasks while `outage` runs. Returns the acknowledged events.
async fn append_through(stage: &Stage, outage: impl AsyncFnOnce()) -> BTreeSet<String> {
    let stop = Arc::new(AtomicBool::new(false));
    let lanes = (0..8).map(|lane| {
        let (db, stop) = (stage.db.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                let id = format!("e{lane}-{}", acknowledged.len());
                append(&db, id.clone()).await;
                acknowledged.push(id);
            }
            acknowledged
        })
    });
    let lanes: Vec<_> = lanes.collect();
    outage().await;
    stop.store(true, Ordering::SeqCst);
    let mut acknowledged = BTreeSet::new();
    for lane in lanes {
        acknowledged.extend(lane.await.expect("no panic"));
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn acknowledged_appends_survive_server_restarts() {
    let (mut server, stage) = own_server().await;
    let acknowledged = append_through(&stage, async || {
        for round in 0..6 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            match round % 2 {
                0 => server.kill().expect("killed"),
                _ => server.stop().expect("stopped"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            server.restart().expect("started");
        }
        server.wait().expect("the server answers");
    })
    .await;
    // The number depends on the machine, but each round must append some.
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    let rows = stage
        .rows("SELECT id, position FROM outbox ORDER BY position")
        .await;
    let stored: BTreeSet<String> = rows.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!((stored.len(), &stored), (rows.len(), &acknowledged));
    // The position counter is rolled back with its transaction: no gaps.
    let positions = rows.iter().map(|(_, position)| *position);
    assert!(positions.eq(1..=rows.len() as i64));
    stage.db.close().await.expect("closed");
}

/// Requests must not wait long for a stopped server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn a_stopped_server_is_reported_soon() {
    let mut server = server(&[]);
    let config = DbConfig {
        connect_timeout: Duration::from_millis(500),
        ..DbConfig::new(server.database().expect("a database"))
    };
    Db::migrate(&config).await.expect("migrated");
    let stage = Stage::open(config.clone(), None).await;
    server.kill().expect("killed");
    let start = Instant::now();
    let lost =
        read_tx!(stage, [], |tx| tx.dead_letter_count().await).expect_err("the server is stopped");
    assert!(matches!(lost, Error::Records { .. }), "{lost:?}");
    assert!(start.elapsed() < Duration::from_secs(10), "{start:?}");
    let away = Db::open(&config)
        .await
        .map(drop)
        .expect_err("the server is stopped");
    assert!(matches!(away, DbError::Unreachable { .. }), "{away:?}");
    let address = format!("127.0.0.1:{}", server.port);
    assert!(away.to_string().contains(&address), "{away}");
    server.restart().expect("started");
    server.wait().expect("the server answers");
    let count = read_tx!(stage, [], |tx| tx.dead_letter_count().await);
    assert_eq!(count.expect("the server is back"), 0);
}

/// A host continues while a newer one adds columns: it prepares outdated queries again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn a_new_column_does_not_disturb_open_connections() {
    let url = database();
    let config = DbConfig::new(url);
    Db::migrate(&config).await.expect("migrated");
    let stage = Stage::open(config, None).await;
    let event = rows::new_event("e1", "t");
    write_tx!(stage, [event], |tx| tx
        .event_append(&event, rows::at(1))
        .await)
    .expect("appended");
    let many = || async {
        let reads = (0..12)
            .map(|_| async { read_tx!(stage, [], |tx| tx.event_get("e1").await).expect("read") });
        let writes = (0..24).map(|_| async {
            write_tx!(stage, [], |tx| tx.event_get("e1").await).expect("read to write")
        });
        let reads = futures_util::future::join_all(reads);
        let both = tokio::join!(reads, futures_util::future::join_all(writes));
        assert!(both.0.iter().chain(&both.1).all(Option::is_some));
    };
    // Prepare the queries on every connection, then change the table.
    many().await;
    stage
        .run("ALTER TABLE outbox ADD COLUMN seen_ms BIGINT")
        .await;
    many().await;
}

/// Before the commit a retry is safe, so the caller gets no error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn work_on_a_terminated_connection_is_retried() {
    let stage = Stage::postgres().await;
    let (outside, tries) = (stage.clone(), Arc::new(AtomicU32::new(0)));
    let number = write_tx!(stage, [outside, tries], |tx| {
        let number = tx.number_next("a", "entry").await?;
        if tries.fetch_add(1, Ordering::SeqCst) == 0 {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND xact_start IS NOT NULL
                         AND pid <> pg_backend_pid()";
            outside.run(end).await;
        }
        tx.number_next("b", "entry").await.map(|_| number)
    });
    assert_eq!(number.expect("done"), 1);
    assert_eq!(tries.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn a_deadlock_is_resolved_by_a_retry() {
    let stage = Stage::postgres().await;
    let both = [("a", "b"), ("b", "a")].map(|(first, second)| {
        let stage = stage.clone();
        tokio::spawn(async move {
            write_tx!(stage, [], |tx| {
                tx.number_next(first, "entry").await?;
                tokio::time::sleep(Duration::from_millis(300)).await;
                tx.number_next(second, "entry").await
            })
        })
    });
    for one in both {
        one.await.expect("no panic").expect("done");
    }
    let numbers = stage
        .rows("SELECT scope, value FROM numbers ORDER BY scope")
        .await;
    assert_eq!(numbers, [("a".to_owned(), 2), ("b".to_owned(), 2)]);
}

/// The server reports a serialization failure, for a query and for a commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn a_serialization_failure_is_retried() {
    for trigger in [
        "CREATE TRIGGER first AFTER INSERT ON numbers FOR EACH ROW EXECUTE FUNCTION fail_twice()",
        "CREATE CONSTRAINT TRIGGER last AFTER INSERT ON numbers DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION fail_twice()",
    ] {
        let stage = Stage::postgres().await;
        stage.run("CREATE SEQUENCE tried").await;
        stage
            .run(
                "CREATE FUNCTION fail_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     IF nextval('tried') <= 2 THEN
                         RAISE EXCEPTION 'conflict' USING ERRCODE = 'serialization_failure';
                     END IF;
                     RETURN NULL;
                 END $$",
            )
            .await;
        stage.run(trigger).await;
        let number = write_tx!(stage, [], |tx| tx.number_next("a", "entry").await);
        assert_eq!(number.expect("done"), 1);
        let numbers = stage.rows("SELECT scope, value FROM numbers").await;
        assert_eq!(numbers, [("a".to_owned(), 1)]);
        let tried = stage.rows("SELECT 'tried', last_value FROM tried").await;
        assert_eq!(tried, [("tried".to_owned(), 3)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn queries_and_locks_time_out() {
    let url = database();
    let config = DbConfig {
        lock_timeout: Duration::from_millis(200),
        statement_timeout: Duration::from_millis(1_500),
        ..DbConfig::new(url)
    };
    Db::migrate(&config).await.expect("migrated");
    let stage = Stage::open(config, None).await;
    let holder = stage.clone();
    let holding = tokio::spawn(async move {
        write_tx!(holder, [], |tx| {
            tx.number_next("a", "entry").await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(())
        })
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let start = Instant::now();
    let waited = write_tx!(stage, [], |tx| tx.number_next("a", "entry").await);
    let error = waited.expect_err("locked");
    assert!(error.chain().contains("lock timeout"), "{}", error.chain());
    assert!(start.elapsed() < Duration::from_millis(900), "{start:?}");
    holding.await.expect("no panic").expect("done");
    let next = write_tx!(stage, [], |tx| tx.number_next("a", "entry").await);
    assert_eq!(next.expect("unlocked"), 2);

    // An idle transaction is ended and releases its locks.
    let idle = write_tx!(stage, [], |tx| {
        tx.number_next("a", "entry").await?;
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        tx.number_next("b", "entry").await
    });
    idle.expect_err("ended by the server");
}

#[tokio::test]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn a_rejected_login_is_explained_without_the_password() {
    let server = server(&["password_encryption=scram-sha-256"]);
    let url = server.database().expect("a database");
    let unknown_database = url.replace("/test_", "/none_");
    let unknown_user = url.replace("galleria@", "nobody:tiger-secret@");
    for (url, user, database) in [
        (&unknown_database, "galleria", "none_"),
        (&unknown_user, "nobody", "test_"),
    ] {
        let opened = Db::open(&DbConfig::new(url)).await.map(drop);
        let error = opened.expect_err("rejected");
        assert!(matches!(error, DbError::Rejected { .. }), "{error:?}");
        let mut output = format!("{error} {error:?}");
        assert!(
            output.contains(&format!("user {user} for database")),
            "{output}"
        );
        assert!(output.contains(database), "{output}");
        let mut next = error.source();
        while let Some(cause) = next {
            output += &cause.to_string();
            next = cause.source();
        }
        assert!(!output.contains("tiger-secret"), "{output}");
    }
    let typo = DbConfig::new(format!("{url}?passwort=tiger-secret"));
    let error = Db::open(&typo).await.map(drop).expect_err("a typo");
    assert!(matches!(&error, DbError::Parameter { name, .. } if name == "passwort"));
    assert!(!format!("{error} {error:?}").contains("tiger-secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn the_host_waits_for_a_server_that_starts_later() {
    let (mut server, stage) = own_server().await;
    let config = stage.config.clone();
    stage.db.close().await.expect("closed");
    server.stop().expect("stopped");

    let short = Duration::from_millis(700);
    let error = Db::wait(&config, short).await.expect_err("no server");
    assert!(matches!(error, DbError::Unreachable { .. }), "{error:?}");

    let waiting = tokio::spawn({
        let config = config.clone();
        async move { Db::wait(&config, Duration::from_secs(60)).await }
    });
    tokio::time::sleep(short).await;
    assert!(!waiting.is_finished());
    server.restart().expect("restarted");
    waiting.await.expect("no panic").expect("a server");

    let mut wrong = config;
    wrong.url += "_missing";
    let error = Db::wait(&wrong, Duration::MAX).await;
    let error = error.expect_err("waiting does not create a database");
    assert!(matches!(error, DbError::Rejected { .. }), "{error:?}");
}

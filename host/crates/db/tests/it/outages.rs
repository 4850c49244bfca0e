//! PostgreSQL goes away, comes back, is changed, or does not let us in.

use crate::rows;
use crate::stage::Stage;
use galleria_app::Error;
use galleria_app::records::Records;
use galleria_db::{Db, DbConfig, DbError};
use galleria_test_postgres::{Server, database, server};
use std::collections::BTreeSet;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A server of the test's own, and a database on it. None where there is no PostgreSQL.
async fn own() -> Option<(Server, Stage)> {
    let server = server(&[])?;
    let config = DbConfig::new(server.database().expect("a database"));
    Db::migrate(&config).await.expect("migrated");
    Some((server, Stage::open(config, None).await))
}

/// As a caller does: again, until it is told that it is done.
async fn append(db: &Db, id: String) {
    let records: &dyn Records = db;
    let begun = Instant::now();
    loop {
        let event = rows::new_event(&id, "t");
        let done = records
            .write(move |tx| {
                let event = event.clone();
                Box::pin(async move { tx.event_append(&event, rows::at(1)).await })
            })
            .await;
        match done {
            // It was done although its commit had not been answered.
            Ok(()) | Err(Error::Exists { .. }) => return,
            Err(Error::Records { .. }) if begun.elapsed() < Duration::from_secs(60) => {}
            Err(error) => panic!("{id}: {}", error.chain()),
        }
    }
}

/// Appends from eight tasks while `trouble` is made; answers what was told to be done.
async fn append_through(stage: &Stage, trouble: impl AsyncFnOnce()) -> BTreeSet<String> {
    let over = Arc::new(AtomicBool::new(false));
    let lanes = (0..8).map(|lane| {
        let (db, over) = (stage.db.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            let mut told = Vec::new();
            while !over.load(Ordering::SeqCst) {
                let id = format!("e{lane}-{}", told.len());
                append(&db, id.clone()).await;
                told.push(id);
            }
            told
        })
    });
    let lanes: Vec<_> = lanes.collect();
    trouble().await;
    over.store(true, Ordering::SeqCst);
    let mut told = BTreeSet::new();
    for lane in lanes {
        told.extend(lane.await.expect("a lane goes on"));
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_to_be_done_outlives_the_server() {
    let Some((mut server, stage)) = own().await else {
        return;
    };
    let told = append_through(&stage, async || {
        for round in 0..6 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            match round % 2 {
                0 => server.kill().expect("killed"),
                _ => server.stop().expect("stopped"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            server.restart().expect("started");
        }
        server.wait().expect("an answer");
    })
    .await;
    // How many it is, is the machine's matter; some have to be, in every round.
    assert!(told.len() > 20, "{}", told.len());
    let rows = stage
        .rows("SELECT id, position FROM outbox ORDER BY position")
        .await;
    let kept: BTreeSet<String> = rows.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!((kept.len(), &kept), (rows.len(), &told));
    // The head of the log goes with what is in it: there is no gap.
    let positions = rows.iter().map(|(_, position)| *position);
    assert!(positions.eq(1..=rows.len() as i64));
    stage.db.close().await.expect("closed");
}

/// Requests are not kept waiting for a server that is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_away_is_told_soon() {
    let Some(mut server) = server(&[]) else {
        return;
    };
    let config = DbConfig {
        connect_timeout: Duration::from_millis(500),
        ..DbConfig::new(server.database().expect("a database"))
    };
    Db::migrate(&config).await.expect("migrated");
    let stage = Stage::open(config.clone(), None).await;
    server.kill().expect("killed");
    let begun = Instant::now();
    let lost = read_tx!(stage, [], |tx| tx.dead_count().await).expect_err("it is away");
    assert!(matches!(lost, Error::Records { .. }), "{lost:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{begun:?}");
    let away = Db::open(&config).await.map(drop).expect_err("it is away");
    assert!(matches!(away, DbError::Unreachable { .. }), "{away:?}");
    let where_to = format!("127.0.0.1:{}", server.port);
    assert!(away.to_string().contains(&where_to), "{away}");
    server.restart().expect("started");
    server.wait().expect("an answer");
    let count = read_tx!(stage, [], |tx| tx.dead_count().await);
    assert_eq!(count.expect("it is back"), 0);
}

/// A host goes on while a newer one adds columns: what it had prepared is prepared anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_that_a_newer_host_adds_disturbs_nobody() {
    let Some(url) = database() else {
        return;
    };
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
    // Prepared on every connection, and then for a table that has changed.
    many().await;
    stage
        .run("ALTER TABLE outbox ADD COLUMN seen_ms BIGINT")
        .await;
    many().await;
}

/// Before the commit nothing is decided: the caller need not hear of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_whose_connection_is_ended_is_done_again() {
    let Some(stage) = Stage::postgres().await else {
        return;
    };
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

/// Two that lock each other out: one of them is done again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_is_settled_by_doing_one_again() {
    let Some(stage) = Stage::postgres().await else {
        return;
    };
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

/// The server says that a transaction has to be done again, of its statement and of its commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serialization_failure_is_settled_by_doing_it_again() {
    for trigger in [
        "CREATE TRIGGER first AFTER INSERT ON numbers FOR EACH ROW EXECUTE FUNCTION in_the_way()",
        "CREATE CONSTRAINT TRIGGER last AFTER INSERT ON numbers DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION in_the_way()",
    ] {
        let Some(stage) = Stage::postgres().await else {
            return;
        };
        stage.run("CREATE SEQUENCE tried").await;
        stage
            .run(
                "CREATE FUNCTION in_the_way() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     IF nextval('tried') <= 2 THEN
                         RAISE EXCEPTION 'in the way' USING ERRCODE = 'serialization_failure';
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
async fn statements_and_locks_have_an_end() {
    let Some(url) = database() else {
        return;
    };
    let config = DbConfig {
        lock_timeout: Duration::from_millis(200),
        statement_timeout: Duration::from_millis(1_500),
        ..DbConfig::new(url)
    };
    Db::migrate(&config).await.expect("migrated");
    let stage = Stage::open(config, None).await;
    let holder = stage.clone();
    let held = tokio::spawn(async move {
        write_tx!(holder, [], |tx| {
            tx.number_next("a", "entry").await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(())
        })
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    let waited = write_tx!(stage, [], |tx| tx.number_next("a", "entry").await);
    let error = waited.expect_err("it is locked");
    assert!(error.chain().contains("lock timeout"), "{}", error.chain());
    assert!(begun.elapsed() < Duration::from_millis(900), "{begun:?}");
    held.await.expect("no panic").expect("done");
    let next = write_tx!(stage, [], |tx| tx.number_next("a", "entry").await);
    assert_eq!(next.expect("it is free"), 2);

    // One that stands still in its transaction lets go of what it holds.
    let still = write_tx!(stage, [], |tx| {
        tx.number_next("a", "entry").await?;
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        tx.number_next("b", "entry").await
    });
    still.expect_err("it was ended");
}

#[tokio::test]
async fn who_is_not_let_in_is_told_which_way_without_the_password() {
    let Some(server) = server(&["password_encryption=scram-sha-256"]) else {
        return;
    };
    let url = server.database().expect("a database");
    let nowhere = url.replace("/test_", "/none_");
    let nobody = url.replace("galleria@", "nobody:tiger-secret@");
    for (url, user, database) in [
        (&nowhere, "galleria", "none_"),
        (&nobody, "nobody", "test_"),
    ] {
        let opened = Db::open(&DbConfig::new(url)).await.map(drop);
        let error = opened.expect_err("not let in");
        assert!(matches!(error, DbError::Rejected { .. }), "{error:?}");
        let mut told = format!("{error} {error:?}");
        assert!(
            told.contains(&format!("user {user} for database")),
            "{told}"
        );
        assert!(told.contains(database), "{told}");
        let mut next = error.source();
        while let Some(cause) = next {
            told += &cause.to_string();
            next = cause.source();
        }
        assert!(!told.contains("tiger-secret"), "{told}");
    }
    let typo = DbConfig::new(format!("{url}?passwort=tiger-secret"));
    let error = Db::open(&typo).await.map(drop).expect_err("a typo");
    assert!(matches!(&error, DbError::Parameter { name } if name == "passwort"));
    assert!(!format!("{error} {error:?}").contains("tiger-secret"));
}

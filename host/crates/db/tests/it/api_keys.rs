//! API keys: stored without secrets, unique active names, revoked once.

use crate::rows::at;
use crate::stage::Stage;
use galleria_ports::Error;
use galleria_ports::access::{Reach, Scope};
use galleria_ports::records::ApiKeyRow;

on_both!(
    a_key_is_read_as_it_was_inserted,
    an_active_name_is_unique,
    keys_are_listed_by_name,
);

fn key(id: &str, name: &str) -> ApiKeyRow {
    ApiKeyRow {
        id: id.into(),
        name: name.into(),
        digest: "0".repeat(64),
        scope: Scope::Till,
        reach: Reach::Some {
            retailers: ["r".to_owned()].into(),
            stores: ["s1".to_owned(), "s2".to_owned()].into(),
        },
        created_at: at(1),
        revoked_at: None,
    }
}

async fn a_key_is_read_as_it_was_inserted(stage: &Stage) {
    let limited = key("1", "till-1");
    let unlimited = ApiKeyRow {
        scope: Scope::Admin,
        reach: Reach::Everything,
        ..key("2", "ops")
    };
    let both = (limited.clone(), unlimited.clone());
    write_tx!(stage, [both], |tx| {
        tx.api_key_insert(&both.0).await?;
        tx.api_key_insert(&both.1).await
    })
    .expect("inserted");
    let rows = read_tx!(stage, [], |tx| Ok((
        tx.api_key_get("1").await?,
        tx.api_key_get("2").await?,
        tx.api_key_get("3").await?,
        tx.api_key_get_by_name("ops").await?,
    )));
    let expected = (
        Some(limited),
        Some(unlimited.clone()),
        None,
        Some(unlimited),
    );
    assert_eq!(rows.expect("read"), expected);
}

async fn an_active_name_is_unique(stage: &Stage) {
    let (first, second) = (key("1", "till-1"), key("2", "till-1"));
    let one = first.clone();
    write_tx!(stage, [one], |tx| tx.api_key_insert(&one).await).expect("inserted");
    let other = second.clone();
    let duplicate = write_tx!(stage, [other], |tx| tx.api_key_insert(&other).await);
    assert!(matches!(duplicate, Err(Error::Exists { what: "key", .. })));
    let revoked = write_tx!(stage, [], |tx| Ok((
        tx.api_key_revoke("1", at(5)).await?,
        tx.api_key_revoke("1", at(6)).await?,
        tx.api_key_revoke("9", at(6)).await?,
    )));
    assert_eq!(revoked.expect("revoked"), (true, false, false));
    write_tx!(stage, [second], |tx| tx.api_key_insert(&second).await).expect("name available");
    let rows = read_tx!(stage, [], |tx| Ok((
        tx.api_key_get("1").await?.and_then(|key| key.revoked_at),
        tx.api_key_get_by_name("till-1").await?.map(|key| key.id),
    )));
    assert_eq!(rows.expect("read"), (Some(at(5)), Some("2".into())));
}

async fn keys_are_listed_by_name(stage: &Stage) {
    let all = vec![key("3", "a"), key("2", "B"), key("1", "c")];
    write_tx!(stage, [all], |tx| {
        for key in &all {
            tx.api_key_insert(key).await?;
        }
        tx.api_key_revoke("3", at(9)).await
    })
    .expect("inserted");
    let listed = read_tx!(stage, [], |tx| Ok([
        tx.api_key_list(true, ("", ""), 2).await?,
        tx.api_key_list(true, ("a", "3"), 2).await?,
        tx.api_key_list(false, ("", ""), 9).await?,
    ]));
    let names = listed.expect("listed").map(|page| {
        let names = page.into_iter().map(|key| key.name);
        names.collect::<Vec<_>>()
    });
    assert_eq!(names, [vec!["B", "a"], vec!["c"], vec!["B", "c"]]);
}

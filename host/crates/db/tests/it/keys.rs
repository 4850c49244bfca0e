//! Keys: kept without their secrets, one of a name in use, revoked once.

use crate::rows::at;
use crate::stage::Stage;
use galleria_app::Error;
use galleria_app::access::{Reach, Scope};
use galleria_app::records::KeyRow;

on_both!(
    a_key_is_found_as_it_was_made,
    a_name_is_used_by_one_key_at_a_time,
    keys_are_listed_by_name,
);

fn key(id: &str, name: &str) -> KeyRow {
    KeyRow {
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

async fn a_key_is_found_as_it_was_made(stage: &Stage) {
    let bound = key("1", "till-1");
    let free = KeyRow {
        scope: Scope::Admin,
        reach: Reach::Everything,
        ..key("2", "ops")
    };
    let both = (bound.clone(), free.clone());
    write_tx!(stage, [both], |tx| {
        tx.key_insert(&both.0).await?;
        tx.key_insert(&both.1).await
    })
    .expect("kept");
    let found = read_tx!(stage, [], |tx| Ok((
        tx.key_get("1").await?,
        tx.key_get("2").await?,
        tx.key_get("3").await?,
        tx.key_named("ops").await?,
    )));
    let wanted = (Some(bound), Some(free.clone()), None, Some(free));
    assert_eq!(found.expect("found"), wanted);
}

async fn a_name_is_used_by_one_key_at_a_time(stage: &Stage) {
    let (first, second) = (key("1", "till-1"), key("2", "till-1"));
    let one = first.clone();
    write_tx!(stage, [one], |tx| tx.key_insert(&one).await).expect("kept");
    let other = second.clone();
    let refused = write_tx!(stage, [other], |tx| tx.key_insert(&other).await);
    assert!(matches!(refused, Err(Error::Exists { what: "key", .. })));
    let revoked = write_tx!(stage, [], |tx| Ok((
        tx.key_revoke("1", at(5)).await?,
        tx.key_revoke("1", at(6)).await?,
        tx.key_revoke("9", at(6)).await?,
    )));
    assert_eq!(revoked.expect("done"), (true, false, false));
    write_tx!(stage, [second], |tx| tx.key_insert(&second).await).expect("the name is free");
    let found = read_tx!(stage, [], |tx| Ok((
        tx.key_get("1").await?.and_then(|key| key.revoked_at),
        tx.key_named("till-1").await?.map(|key| key.id),
    )));
    assert_eq!(found.expect("found"), (Some(at(5)), Some("2".into())));
}

async fn keys_are_listed_by_name(stage: &Stage) {
    let all = vec![key("3", "a"), key("2", "B"), key("1", "c")];
    write_tx!(stage, [all], |tx| {
        for key in &all {
            tx.key_insert(key).await?;
        }
        tx.key_revoke("3", at(9)).await
    })
    .expect("kept");
    let listed = read_tx!(stage, [], |tx| Ok([
        tx.key_page(true, ("", ""), 2).await?,
        tx.key_page(true, ("a", "3"), 2).await?,
        tx.key_page(false, ("", ""), 9).await?,
    ]));
    let names = listed.expect("listed").map(|page| {
        let names = page.into_iter().map(|key| key.name);
        names.collect::<Vec<_>>()
    });
    assert_eq!(names, [vec!["B", "a"], vec!["c"], vec!["B", "c"]]);
}

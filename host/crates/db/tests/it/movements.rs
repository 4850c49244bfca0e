//! What goes into a drawer or out of it beside sales: kept once, summed, and never behind its end.

use crate::products::NoPlugins;
use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_app::intake::{EndShift, MovementView, NewMovement, NewShift, ShiftView};
use galleria_app::records::{Moved, MovementKind, MovementRow};
use galleria_app::{App, Error, Key, Policy, Reply, SystemClock};
use galleria_domain::{Digest, Money};
use serde::de::DeserializeOwned;
use std::sync::Arc;

on_both!(
    a_movement_is_kept_once_and_summed,
    an_end_counts_a_movement_or_refuses_it,
);

fn row(id: &str, shift_id: &str, kind: MovementKind, amount: Money) -> MovementRow {
    MovementRow {
        id: id.into(),
        shift_id: shift_id.into(),
        kind,
        amount,
        reason: "change".into(),
        cashier: (amount > 5).then(|| "ana".into()),
        at: at(amount),
        accepted_at: at(9),
    }
}

async fn a_movement_is_kept_once_and_summed(stage: &Stage) {
    use MovementKind::{PayIn, PayOut, PickUp};
    let (app, _) = house(stage).await;
    for id in ["d1", "d2"] {
        open(&app, id).await;
    }
    let given = vec![
        row("z", "d1", PayIn, 7),
        row("b", "d1", PickUp, 3),
        row("a", "d1", PayIn, 4),
        row("c", "d2", PayOut, 9),
    ];
    let rows = given.clone();
    write_tx!(stage, [rows], |tx| {
        for row in &rows {
            tx.movement_insert(row).await?;
        }
        Ok(())
    })
    .expect("kept");
    let again = given[0].clone();
    let again = write_tx!(stage, [again], |tx| tx.movement_insert(&again).await);
    assert!(matches!(
        again,
        Err(Error::Exists {
            what: "movement",
            ..
        })
    ));
    let found = read_tx!(stage, [], |tx| Ok((
        tx.movements_of_shift("d1").await?,
        tx.shift_moved("d1").await?,
        tx.shift_moved("d2").await?,
        tx.shift_moved("d3").await?,
    )));
    let moved = |paid_in, paid_out, pickups| Moved {
        paid_in,
        paid_out,
        pickups,
    };
    let wanted = (
        given[..3].to_vec(),
        moved(11, 0, 3),
        moved(0, 9, 0),
        Moved::default(),
    );
    assert_eq!(found.expect("found"), wanted);
}

async fn house(stage: &Stage) -> (App, &Stage) {
    let store = rows::store("s1", "r");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    let records = Arc::new(stage.db.clone());
    let clock = Arc::new(SystemClock);
    let app = App::new(records, Arc::new(NoPlugins), clock, Policy::default());
    (app, stage)
}

fn key(text: &str) -> Key {
    Key {
        key: text.into(),
        request: Digest::of(text.as_bytes()),
    }
}

fn read<T: DeserializeOwned>(reply: &Reply) -> T {
    serde_json::from_str(&reply.body).expect("an answer")
}

async fn open(app: &App, id: &str) {
    let shift = NewShift {
        id: id.into(),
        store_id: "s1".into(),
        workstation: "w1".into(),
        till: "t1".into(),
        cashier: None,
        opened_at: at(0),
        opening_float: 10_000,
    };
    app.shift_open(key(&format!("open {id}")), shift)
        .await
        .expect("open");
}

/// Movements and the end of their shift, all at once: what was accepted is what the end counted.
async fn an_end_counts_a_movement_or_refuses_it(stage: &Stage) {
    let (app, _) = house(stage).await;
    let (mut counted, mut refused) = (0, 0);
    for round in 0..12 {
        let shift = format!("d{round}");
        open(&app, &shift).await;
        let movements = (0..8).map(|n| {
            let kinds = [
                MovementKind::PayIn,
                MovementKind::PayOut,
                MovementKind::PickUp,
            ];
            let new = NewMovement {
                id: format!("{shift}-{n}"),
                kind: kinds[n % 3],
                amount: 1 << n,
                reason: "change".into(),
                cashier: None,
                at: at(1),
            };
            let (app, shift) = (app.clone(), shift.clone());
            tokio::spawn(async move {
                let moved = app.shift_move(key(&new.id), &shift, new).await;
                moved.map(|reply| read::<MovementView>(&reply))
            })
        });
        let mut movements: Vec<_> = movements.collect();
        let end = EndShift {
            at: at(2),
            counted: 10_000,
            paid_in: 1000,
            paid_out: 0,
            pickups: 0,
            cashier: None,
        };
        let (ending, of) = (app.clone(), shift.clone());
        let ended =
            tokio::spawn(
                async move { ending.shift_end(key(&format!("end {of}")), &of, end).await },
            );
        let mut moved = Moved::default();
        for movement in movements.drain(..) {
            match movement.await.expect("no panic") {
                Ok(view) => {
                    counted += 1;
                    let sum = match view.kind {
                        MovementKind::PayIn => &mut moved.paid_in,
                        MovementKind::PayOut => &mut moved.paid_out,
                        MovementKind::PickUp => &mut moved.pickups,
                    };
                    *sum += view.amount;
                }
                Err(Error::Conflict { code, .. }) => {
                    assert_eq!(code, "shift_closed");
                    refused += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
        let ended = ended.await.expect("no panic").expect("an end");
        let view: ShiftView = read(&ended);
        let Moved {
            paid_in,
            paid_out,
            pickups,
        } = moved;
        let expected = 10_000 + 1000 + paid_in - paid_out - pickups;
        assert_eq!(view.expected, Some(expected));
        let (id, kept) = (shift.clone(), shift.clone());
        let (rows, row) = read_tx!(stage, [id], |tx| Ok((
            tx.shift_moved(&id).await?,
            tx.shift_get(&id).await?,
        )))
        .expect("found");
        assert_eq!(rows, moved);
        let closed = row.and_then(|row| row.closed).expect("closed");
        assert_eq!(
            (
                closed.paid_in,
                closed.paid_out,
                closed.pickups,
                closed.expected
            ),
            (1000 + paid_in, paid_out, pickups, expected)
        );
        // Behind the end nothing moves it, and what was answered is answered so.
        let late = NewMovement {
            id: format!("{kept}-late"),
            kind: MovementKind::PayIn,
            amount: 1,
            reason: "late".into(),
            cashier: None,
            at: at(1),
        };
        let late = app.shift_move(key("late"), &kept, late).await;
        assert!(
            matches!(
                late,
                Err(Error::Conflict {
                    code: "shift_closed",
                    ..
                })
            ),
            "{late:?}"
        );
    }
    assert_eq!(counted + refused, 12 * 8);
}

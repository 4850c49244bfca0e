//! Cash movements: inserted once, summed, and rejected after the end of the shift.

use crate::no_plugins::NoPlugins;
use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_app::App;
use galleria_app::IdempotencyKey;
use galleria_app::Policy;
use galleria_app::Reply;
use galleria_app::orders::{EndShift, MovementView, NewMovement, NewShift, ShiftView};
use galleria_domain::{Digest, Money};
use galleria_ports::Error;
use galleria_ports::clock::SystemClock;
use galleria_ports::records::{MovementKind, MovementRow, MovementTotals};
use serde::de::DeserializeOwned;
use std::sync::Arc;

on_both!(
    a_movement_is_inserted_once_and_summed,
    the_end_of_a_shift_counts_or_rejects_movements,
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

async fn a_movement_is_inserted_once_and_summed(stage: &Stage) {
    use MovementKind::{PayIn, PayOut, PickUp};
    let (app, _) = new_app(stage).await;
    for id in ["d1", "d2"] {
        open(&app, id).await;
    }
    let movements = vec![
        row("z", "d1", PayIn, 7),
        row("b", "d1", PickUp, 3),
        row("a", "d1", PayIn, 4),
        row("c", "d2", PayOut, 9),
    ];
    let rows = movements.clone();
    write_tx!(stage, [rows], |tx| {
        for row in &rows {
            tx.movement_insert(row).await?;
        }
        Ok(())
    })
    .expect("inserted");
    let again = movements[0].clone();
    let again = write_tx!(stage, [again], |tx| tx.movement_insert(&again).await);
    assert!(matches!(
        again,
        Err(Error::Exists {
            what: "movement",
            ..
        })
    ));
    let rows = read_tx!(stage, [], |tx| Ok((
        tx.movement_list("d1").await?,
        tx.movement_totals("d1").await?,
        tx.movement_totals("d2").await?,
        tx.movement_totals("d3").await?,
    )));
    let totals = |paid_in, paid_out, pickups| MovementTotals {
        paid_in,
        paid_out,
        pickups,
    };
    let expected = (
        movements[..3].to_vec(),
        totals(11, 0, 3),
        totals(0, 9, 0),
        MovementTotals::default(),
    );
    assert_eq!(rows.expect("read"), expected);
}

async fn new_app(stage: &Stage) -> (App, &Stage) {
    let store = rows::store("s1", "r");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    let records = Arc::new(stage.db.clone());
    let clock = Arc::new(SystemClock);
    let app = App::new(records, Arc::new(NoPlugins), clock, Policy::default());
    (app, stage)
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: text.into(),
        request: Digest::of(text.as_bytes()),
        as_sent: None,
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
    app.orders
        .open_shift(key(&format!("open {id}")), shift)
        .await
        .expect("open");
}

/// Concurrent movements and the end of their shift: the end counts exactly the accepted movements.
async fn the_end_of_a_shift_counts_or_rejects_movements(stage: &Stage) {
    let (app, _) = new_app(stage).await;
    let (mut counted, mut rejected) = (0, 0);
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
                let reply = app.orders.record_movement(key(&new.id), &shift, new).await;
                reply.map(|reply| read::<MovementView>(&reply))
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
        let (ending, shift_id) = (app.clone(), shift.clone());
        let ended = tokio::spawn(async move {
            ending
                .orders
                .end_shift(key(&format!("end {shift_id}")), &shift_id, end)
                .await
        });
        let mut totals = MovementTotals::default();
        for movement in movements.drain(..) {
            match movement.await.expect("no panic") {
                Ok(view) => {
                    counted += 1;
                    let sum = match view.kind {
                        MovementKind::PayIn => &mut totals.paid_in,
                        MovementKind::PayOut => &mut totals.paid_out,
                        MovementKind::PickUp => &mut totals.pickups,
                    };
                    *sum += view.amount;
                }
                Err(Error::Conflict { code, .. }) => {
                    assert_eq!(code, "shift_closed");
                    rejected += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
        let ended = ended.await.expect("no panic").expect("an end");
        let view: ShiftView = read(&ended);
        let MovementTotals {
            paid_in,
            paid_out,
            pickups,
        } = totals;
        let expected = 10_000 + 1000 + paid_in - paid_out - pickups;
        assert_eq!(view.expected, Some(expected));
        let (id, shift_id) = (shift.clone(), shift.clone());
        let (rows, row) = read_tx!(stage, [id], |tx| Ok((
            tx.movement_totals(&id).await?,
            tx.shift_get(&id).await?,
        )))
        .expect("read");
        assert_eq!(rows, totals);
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
        // After the end, movements are rejected.
        let late = NewMovement {
            id: format!("{shift_id}-late"),
            kind: MovementKind::PayIn,
            amount: 1,
            reason: "late".into(),
            cashier: None,
            at: at(1),
        };
        let late = app
            .orders
            .record_movement(key("late"), &shift_id, late)
            .await;
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
    assert_eq!(counted + rejected, 12 * 8);
}

//! What went into a drawer or out of it beside sales and refunds.

use crate::statement::{Found, Word, statement};
use crate::transaction::{Transaction, inserted};
use async_trait::async_trait;
use galleria_app::Error;
use galleria_app::records::{Moved, MovementKind, MovementRow, Movements};

impl Word for MovementKind {
    const ALL: &'static [Self] = &[Self::PayIn, Self::PayOut, Self::PickUp];

    fn word(self) -> &'static str {
        match self {
            Self::PayIn => "pay_in",
            Self::PayOut => "pay_out",
            Self::PickUp => "pick_up",
        }
    }
}

#[async_trait]
impl Movements for Transaction<'_> {
    async fn movement_insert(&mut self, row: &MovementRow) -> Result<(), Error> {
        let insert = statement(
            "movement_insert",
            "INSERT INTO shift_movements (id, shift_id, kind, amount, reason, operator, at_ms,
                 accepted_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(&*row.id)
        .bind(&*row.shift_id)
        .word(row.kind)
        .bind(row.amount)
        .bind(&*row.reason)
        .maybe(row.operator.as_deref())
        .at(row.at)
        .at(row.accepted_at);
        inserted(self.execute(insert).await?, "movement", &row.id)
    }

    async fn movements_of_shift(&mut self, shift_id: &str) -> Result<Vec<MovementRow>, Error> {
        let list = statement(
            "movements_of_shift",
            "SELECT * FROM shift_movements WHERE shift_id = $1 ORDER BY serial",
        )
        .bind(shift_id);
        self.all(list).await?.iter().map(movement).collect()
    }

    async fn shift_moved(&mut self, shift_id: &str) -> Result<Moved, Error> {
        let sums = statement(
            "shift_moved",
            "SELECT kind, CAST(SUM(amount) AS BIGINT) AS amount FROM shift_movements
             WHERE shift_id = $1 GROUP BY kind",
        )
        .bind(shift_id);
        let mut moved = Moved::default();
        for found in self.all(sums).await? {
            let sum = match found.word("kind")? {
                MovementKind::PayIn => &mut moved.paid_in,
                MovementKind::PayOut => &mut moved.paid_out,
                MovementKind::PickUp => &mut moved.pickups,
            };
            *sum = found.int("amount")?;
        }
        Ok(moved)
    }
}

fn movement(found: &Found) -> Result<MovementRow, Error> {
    Ok(MovementRow {
        id: found.text("id")?,
        shift_id: found.text("shift_id")?,
        kind: found.word("kind")?,
        amount: found.int("amount")?,
        reason: found.text("reason")?,
        operator: found.maybe("operator")?,
        at: found.at("at_ms")?,
        accepted_at: found.at("accepted_ms")?,
    })
}

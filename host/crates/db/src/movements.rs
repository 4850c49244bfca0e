//! Cash movements of a drawer other than sales and refunds.

use crate::query::{Row, SqlEnum, query};
use crate::transaction::{Transaction, inserted};
use async_trait::async_trait;
use galleria_ports::Error;
use galleria_ports::records::{MovementKind, MovementRow, MovementTotals, Movements};

impl SqlEnum for MovementKind {
    const ALL: &'static [Self] = &[Self::PayIn, Self::PayOut, Self::PickUp];

    fn as_sql(self) -> &'static str {
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
        let insert = query(
            "movement_insert",
            "INSERT INTO shift_movements (id, shift_id, kind, amount, reason, cashier, at_ms,
                 accepted_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(&*row.id)
        .bind(&*row.shift_id)
        .bind_enum(row.kind)
        .bind(row.amount)
        .bind(&*row.reason)
        .bind_opt(row.cashier.as_deref())
        .bind_timestamp(row.at)
        .bind_timestamp(row.accepted_at);
        inserted(self.insert(insert, 1).await?, "movement", &row.id)
    }

    async fn movement_list(&mut self, shift_id: &str) -> Result<Vec<MovementRow>, Error> {
        let list = query(
            "movement_list",
            "SELECT * FROM shift_movements WHERE shift_id = $1 ORDER BY serial",
        )
        .bind(shift_id);
        self.fetch_all_as(list, movement).await
    }

    async fn movement_totals(&mut self, shift_id: &str) -> Result<MovementTotals, Error> {
        let sums = query(
            "movement_totals",
            "SELECT kind, CAST(SUM(amount) AS BIGINT) AS amount FROM shift_movements
             WHERE shift_id = $1 GROUP BY kind",
        )
        .bind(shift_id);
        let mut moved = MovementTotals::default();
        for row in self.fetch_all(sums).await? {
            let sum = match row.enum_value("kind")? {
                MovementKind::PayIn => &mut moved.paid_in,
                MovementKind::PayOut => &mut moved.paid_out,
                MovementKind::PickUp => &mut moved.pickups,
            };
            *sum = row.int("amount")?;
        }
        Ok(moved)
    }
}

fn movement(row: &Row) -> Result<MovementRow, Error> {
    Ok(MovementRow {
        id: row.text("id")?,
        shift_id: row.text("shift_id")?,
        kind: row.enum_value("kind")?,
        amount: row.int("amount")?,
        reason: row.text("reason")?,
        cashier: row.opt_text("cashier")?,
        at: row.timestamp("at_ms")?,
        accepted_at: row.timestamp("accepted_ms")?,
    })
}

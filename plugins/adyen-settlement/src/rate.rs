//! The exchange rate of a row, which converts one unit of the gross currency to the payout's currency.

use crate::columns::{self, At};
use crate::unit::Unit;
use galleria_sdk::csv::Row;
use galleria_sdk::prelude::*;
use galleria_sdk::{money, quoted};

/// A rate and the gross that it converts.
pub struct Rate<'r> {
    pub value: Decimal,
    row: u64,
    text: &'r str,
    gross: Money,
    digits: u8,
    paid_digits: u8,
}

impl<'r> Rate<'r> {
    pub fn read(
        row: &'r Row,
        at: &At,
        (gross, digits): (Money, u8),
        paid: &Unit<'_>,
    ) -> Result<Self, Problem> {
        let text = row.cell(at.rate);
        let bad = |message: String| Problem::in_row(row.number(), columns::RATE, message);
        let value = match Decimal::parse_with(text, &paid.format) {
            Ok(rate) if rate.unscaled > 0 => rate,
            Err(wrong) if !text.is_empty() => return Err(bad(wrong.message)),
            _ => {
                let message = " is not a rate such as 1.0837, and the currencies differ";
                return Err(bad([&*quoted(text), message].concat()));
            }
        };
        Ok(Self {
            value,
            row: row.number(),
            text,
            gross,
            digits,
            paid_digits: paid.digits,
        })
    }

    /// Returns gross × rate in the payout's minor units with further digits, and one minor unit.
    fn exact(&self) -> Result<(i128, i128), Problem> {
        let one = 10_i128.pow(u32::from(self.value.scale) + u32::from(self.digits));
        let wide = i128::from(self.gross) * i128::from(self.value.unscaled);
        let wide = wide.checked_mul(self.up());
        Ok((wide.ok_or_else(|| self.too_fine())?, one))
    }

    /// Minor units per unit of the payout's currency.
    fn up(&self) -> i128 {
        10_i128.pow(u32::from(self.paid_digits))
    }

    /// Returns whether the rate gives this amount. The amount may differ by the precision of the rate and
    /// by one minor unit for the rounding.
    pub fn gives(&self, converted: Money) -> Result<bool, Problem> {
        let (wide, one) = self.exact()?;
        let exact = i128::from(converted).checked_mul(one);
        let exact = exact.ok_or_else(|| self.too_fine())?;
        let slack = one + i128::from(self.gross).abs() * self.up();
        Ok(wide.abs_diff(exact) <= slack.unsigned_abs())
    }

    /// Returns gross × rate, half away from zero.
    pub fn converted(&self) -> Result<Money, Problem> {
        let (wide, one) = self.exact()?;
        let (whole, rest) = (wide / one, wide % one);
        let away = if rest.abs() * 2 >= one {
            wide.signum()
        } else {
            0
        };
        i64::try_from(whole + away).map_err(|_| self.too_fine())
    }

    pub fn mismatch(&self, converted: Money) -> Problem {
        let message = [
            self.text,
            " does not give ",
            &money::format(converted, self.paid_digits),
            " (net and fee) of the gross ",
            &money::format(self.gross, self.digits),
        ];
        Problem::in_row(self.row, columns::RATE, message.concat())
    }

    fn too_fine(&self) -> Problem {
        Problem::in_row(
            self.row,
            columns::RATE,
            "has too many digits for this amount",
        )
    }
}

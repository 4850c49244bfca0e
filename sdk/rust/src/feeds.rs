//! What a run reads: rows, one after the other, though they cross the boundary as columns.
//!
//! Each feed is an iterator that pulls batches from the host as it needs them, so that memory stays
//! the same for a million rows.

use crate::bindings::words::{products, sale_lines, settlement, types::Texts};
use crate::{Activity, Decimal, Money, Store, host};
use std::io;
use std::rc::Rc;

/// Rows asked for at once. About 200 bytes a row, so that a batch stays small beside the 32 MiB of a
/// run, and the crossing costs little beside the rows.
const BATCH: u32 = 1024;

/// One cell of a column of text.
fn cell(column: &Texts, row: usize) -> &str {
    let end = column.ends[row] as usize;
    let begin = match row {
        0 => 0,
        _ => column.ends[row - 1] as usize,
    };
    &column.bytes[begin..end]
}

macro_rules! feed {
    (
        $(#[$feed_doc:meta])* $feed:ident, $(#[$row_doc:meta])* $row:ident, $module:ident, $count:ident;
        $($(#[$doc:meta])* $kind:ident $name:ident),+ $(,)?
    ) => {
        $(#[$feed_doc])*
        pub struct $feed {
            batch: Rc<$module::Batch>,
            next: usize,
            ended: bool,
        }

        $(#[$row_doc])*
        #[derive(Clone, Debug)]
        pub struct $row {
            batch: Rc<$module::Batch>,
            row: usize,
        }

        impl $feed {
            /// The feed of this run; there is one, and it is read once.
            pub fn open() -> Self {
                Self { batch: Rc::default(), next: 0, ended: false }
            }
        }

        impl Iterator for $feed {
            type Item = $row;

            fn next(&mut self) -> Option<$row> {
                if self.next == self.batch.$count.len() {
                    if self.ended {
                        return None;
                    }
                    self.batch = Rc::new(host::$module::next(BATCH));
                    self.next = 0;
                    if self.batch.$count.is_empty() {
                        self.ended = true;
                        return None;
                    }
                }
                let row = self.next;
                self.next += 1;
                Some($row { batch: Rc::clone(&self.batch), row })
            }
        }

        impl $row {
            $( feed!(@cell $(#[$doc])* $kind $name); )+
        }
    };
    (@cell $(#[$doc:meta])* text $name:ident) => {
        $(#[$doc])*
        pub fn $name(&self) -> &str {
            cell(&self.batch.$name, self.row)
        }
    };
    (@cell $(#[$doc:meta])* money $name:ident) => {
        $(#[$doc])*
        pub fn $name(&self) -> Money {
            self.batch.$name[self.row]
        }
    };
    (@cell $(#[$doc:meta])* flag $name:ident) => {
        $(#[$doc])*
        pub fn $name(&self) -> bool {
            self.batch.$name[self.row] != 0
        }
    };
}

feed!(
    /// Lines of sales and refunds of the window, ordered by store, business date, begin, entry and number.
    ///
    /// ```
    /// use galleria_sdk::prelude::*;
    ///
    /// fn turnover() -> Result<Money, Fault> {
    ///     let lines = SaleLines::open();
    ///     let counts = lines.map(|line| if line.returned() { -line.amount() } else { line.amount() });
    ///     Ok(galleria_sdk::money::sum(counts)?)
    /// }
    /// # assert_eq!(turnover(), Ok(0));
    /// ```
    SaleLines,
    /// One line of a sale or refund.
    SaleLine,
    sale_lines, number;
    /// The retailer's id of the store.
    text store,
    /// `YYYY-MM-DD`.
    text business_date,
    /// When the sale or refund began.
    text begun_at,
    /// The entry's id.
    text entry,
    /// The line's number in its basket.
    money number,
    /// Whether it counts against turnover: in a refund, an exchange, a returned deposit.
    flag returned,
    /// The product.
    text sku,
    /// What the receipt calls it.
    text description,
    /// From the top, separated by `/`; empty where there is none.
    text category,
    /// ISO 4217, of the line's money.
    text currency,
    /// After discounts, positive, in minor units.
    money amount,
    /// The amount without its taxes; with the tax it is what the customer paid.
    money net,
    /// What was taken off, positive.
    money discount,
    /// The code of the first tax; empty where there is none.
    text tax_code,
    /// The sum of all taxes.
    money tax,
);

impl SaleLine {
    /// Pieces, or weight and the like.
    pub fn quantity(&self) -> Decimal {
        Decimal::new(
            self.batch.quantity[self.row],
            self.batch.quantity_scale[self.row],
        )
    }
}

feed!(
    /// The retailer's products with the prices of the store in scope.
    Products,
    /// One product.
    Product,
    products, price;
    /// The retailer's number of it.
    text sku,
    /// Empty where there is none.
    text gtin,
    /// Readable.
    text name,
    /// From the top, separated by `/`; empty where there is none.
    text category,
    /// UN/ECE Recommendation 20.
    text unit,
    /// ISO 4217, of the price.
    text currency,
    /// The code of its tax.
    text tax_code,
    /// Whether it is sold.
    flag active,
    /// When it was changed last.
    text changed_at,
    /// Whether that was after the last run of this plugin and scope that ended well; on the first
    /// run, everything changed.
    flag changed,
);

impl Product {
    /// In major units.
    pub fn price(&self) -> Decimal {
        Decimal::new(self.batch.price[self.row], self.batch.price_scale[self.row])
    }
}

feed!(
    /// Statement lines as the host matched them.
    Settlement,
    /// One statement line.
    SettlementLine,
    settlement, gross;
    /// `matched`, `amount-mismatch`, `currency-mismatch`, `fee-mismatch`, `duplicate`, `unmatched` or
    /// `not-applicable`.
    text outcome,
    /// `payment`, `refund`, `chargeback`, `chargeback-reversal`, `fee`, `adjustment` or `other`.
    text kind,
    /// Who paid out.
    text provider,
    /// Of the retailer's at the provider; empty where it has one only.
    text account,
    /// The provider's reference of the payout, one a provider and account.
    text statement,
    /// The day of the payout.
    text paid_on,
    /// The retailer's id of the store; empty where the line belongs to none.
    text store,
    /// Of the sale or refund; empty where there is none.
    text business_date,
    /// The entry's id; empty where there is none.
    text entry,
    /// The provider's reference of the payment.
    text psp_reference,
    /// What we called the payment when it was made.
    text merchant_reference,
    /// When it was booked.
    text booked_at,
    /// ISO 4217, of `gross`.
    text currency,
    /// What the customer paid; negative where money went back.
    money gross,
    /// ISO 4217, of the payout: of `converted`, `fee` and `net`.
    text paid_currency,
    /// `gross` in the payout's currency.
    money converted,
    /// What the provider kept.
    money fee,
    /// What was paid out.
    money net,
    /// Statement less record, in `currency`.
    money difference,
);

/// Whole activities of the window, ordered by store, business date and begin.
pub struct Activities {
    batch: std::vec::IntoIter<(Store, Activity)>,
    ended: bool,
}

impl Activities {
    /// The feed of this run; there is one, and it is read once.
    pub fn open() -> Self {
        Self {
            batch: Vec::new().into_iter(),
            ended: false,
        }
    }
}

impl Iterator for Activities {
    type Item = (Store, Activity);

    fn next(&mut self) -> Option<Self::Item> {
        /// Whole baskets are some ten times the size of a line.
        const WHOLE: u32 = BATCH / 8;
        if let Some(activity) = self.batch.next() {
            return Some(activity);
        }
        if self.ended {
            return None;
        }
        self.batch = host::activities::next(WHOLE).into_iter();
        let activity = self.batch.next();
        self.ended = activity.is_none();
        activity
    }
}

/// The file that a run reads: as [`io::Read`], and with it `BufReader` and its lines.
#[derive(Default)]
pub struct Input {
    chunk: Vec<u8>,
    taken: usize,
}

impl Input {
    /// The file of this run; there is one, and it is read once.
    pub fn open() -> Self {
        Self::default()
    }

    /// Its name.
    pub fn name(&self) -> String {
        host::input::name()
    }
}

impl io::Read for Input {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.chunk.len() {
            self.chunk = host::input::read(crate::output::CHUNK as u32);
            self.taken = 0;
        }
        let rest = &self.chunk[self.taken..];
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        self.taken += length;
        Ok(length)
    }
}

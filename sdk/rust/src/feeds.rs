//! The feeds of a run, as iterators over rows. They cross the component boundary as columns.
//!
//! Each iterator pulls batches from the host when it needs them, so memory use does not grow with the
//! number of rows.

use crate::bindings::words::{products, sale_lines, settlement, types::Texts};
use crate::{Activity, Decimal, Money, Store, host};
use std::io;
use std::rc::Rc;

/// Rows per batch. A row has about 200 bytes, so a batch is small compared with the 32 MiB of a run,
/// and the call costs little compared with the rows.
const BATCH: u32 = 1024;

/// Returns one cell of a column of text.
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
            /// Opens the feed of this run. It can be read once.
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
    /// Lines of sales and refunds of the window, ordered by store, business date, begin, entry and
    /// number.
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
    /// Whether the line reduces turnover: in a refund, for an exchange, for a returned deposit.
    flag returned,
    /// The product.
    text sku,
    /// The description on the receipt.
    text description,
    /// The merchandise hierarchy, from the top, separated by `/`; empty if there is none.
    text category,
    /// ISO 4217, of the line's amounts.
    text currency,
    /// After discounts, positive, in minor units.
    money amount,
    /// The amount without its taxes. With the tax it is the price that the customer paid.
    money net,
    /// The discounts, positive.
    money discount,
    /// The code of the first tax; empty if there is none.
    text tax_code,
    /// The sum of all taxes.
    money tax,
);

impl SaleLine {
    /// Pieces, weight or length.
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
    /// The retailer's number of the product.
    text sku,
    /// Empty if there is none.
    text gtin,
    /// The readable name.
    text name,
    /// The merchandise hierarchy, from the top, separated by `/`; empty if there is none.
    text category,
    /// UN/ECE Recommendation 20.
    text unit,
    /// ISO 4217, of the price.
    text currency,
    /// The code of the product's tax.
    text tax_code,
    /// Whether the product is sold.
    flag active,
    /// The time of the last change.
    text changed_at,
    /// Whether the product changed after the last successful run of this plugin and scope. On the
    /// first run it is true for all.
    flag changed,
);

impl Product {
    /// In major units.
    pub fn price(&self) -> Decimal {
        Decimal::new(self.batch.price[self.row], self.batch.price_scale[self.row])
    }
}

feed!(
    /// Matched statement lines.
    Settlement,
    /// One statement line.
    SettlementLine,
    settlement, gross;
    /// `matched`, `amount-mismatch`, `currency-mismatch`, `fee-mismatch`, `duplicate`, `unmatched`
    /// or `not-applicable`.
    text outcome,
    /// `payment`, `refund`, `chargeback`, `chargeback-reversal`, `fee`, `adjustment` or `other`.
    text kind,
    /// The payment provider.
    text provider,
    /// The retailer's account at the provider; empty if the file does not name one.
    text account,
    /// The provider's reference of the payout, unique with provider and account.
    text statement,
    /// The day of the payout.
    text paid_on,
    /// The retailer's id of the store; empty if the line belongs to no store.
    text store,
    /// Of the sale or refund; empty if there is none.
    text business_date,
    /// The entry's id; empty if there is none.
    text entry,
    /// The provider's reference of the payment.
    text psp_reference,
    /// The platform's reference of the payment.
    text merchant_reference,
    /// When it was booked.
    text booked_at,
    /// ISO 4217, the currency of `gross`.
    text currency,
    /// The amount that the customer paid; negative for repayments.
    money gross,
    /// ISO 4217, the payout's currency: of `converted`, `fee` and `net`.
    text paid_currency,
    /// `gross` in the payout's currency.
    money converted,
    /// The fee that the provider kept.
    money fee,
    /// The amount that was paid out.
    money net,
    /// The statement's amount less the recorded amount, in `currency`.
    money difference,
);

/// Complete activities of the window, ordered by store, business date and begin.
pub struct Activities {
    batch: std::vec::IntoIter<(Store, Activity)>,
    ended: bool,
}

impl Activities {
    /// Opens the feed of this run. It can be read once.
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
        /// A whole basket is about ten times as large as a line.
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

/// The file that a run reads. It implements [`io::Read`], so `BufReader` and its lines work.
#[derive(Default)]
pub struct Input {
    chunk: Vec<u8>,
    taken: usize,
}

impl Input {
    /// Opens the file of this run. It can be read once.
    pub fn open() -> Self {
        Self::default()
    }

    /// Returns the file's name.
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

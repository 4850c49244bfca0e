//! The amounts that a line states, and those that follow from them.

use crate::Money;

/// The amounts that a line states, with the signs of the contract; `None` if the file leaves one out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatedAmounts {
    /// The amount that the customer paid or got back.
    pub gross: Option<Money>,
    /// The amount that the provider kept.
    pub fee: Option<Money>,
    /// The amount that the provider pays out.
    pub net: Option<Money>,
}

impl StatedAmounts {
    /// Returns gross, fee and net; `None` beyond 64 bits. `cost` is true for a cost without a
    /// payment, whose net is its negated fee. Three stated amounts are not compared: the writer does that.
    ///
    /// ```
    /// use galleria_sdk::statement::StatedAmounts;
    ///
    /// let net_only = StatedAmounts { net: Some(-950), ..StatedAmounts::default() };
    /// assert_eq!(net_only.complete(false), Some([-950, 0, -950]));
    /// assert_eq!(net_only.complete(true), Some([0, 950, -950]));
    /// let no_net = StatedAmounts { gross: Some(500), fee: Some(20), net: None };
    /// assert_eq!(no_net.complete(false), Some([500, 20, 480]));
    /// ```
    pub fn complete(self, cost: bool) -> Option<[Money; 3]> {
        let gross = self.gross.unwrap_or(0);
        Some(match (self.gross, self.fee, self.net) {
            (Some(gross), Some(fee), Some(net)) => [gross, fee, net],
            (None, fee, Some(net)) if !cost => {
                let fee = fee.unwrap_or(0);
                [net.checked_add(fee)?, fee, net]
            }
            (_, Some(fee), net) => [gross, fee, net.or(gross.checked_sub(fee))?],
            (_, None, Some(net)) => [gross, gross.checked_sub(net)?, net],
            (_, None, None) => [gross, 0, gross],
        })
    }
}

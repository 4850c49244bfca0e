//! Refunds of evaluated orders.

use super::tests::{coded, taxes};
use crate::basket::{Line, Tax};
use crate::number::{Decimal, Money};
use crate::refunding::tests::{piece, refund, sale};
use crate::refunding::{Extent, resolve};
use crate::selling::tests::tender;
use crate::tax::{Rounding, RoundingMethod, RoundingMode};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

fn bought(random: &mut ChaCha8Rng) -> Vec<Line> {
    let count = random.random_range(1..5);
    let mut lines: Vec<Line> = (1..=count)
        .map(|number| {
            let code = ["STD", "RED", "DIV", "BAG"][random.random_range(0..4)];
            let (price, quantity) = (random.random_range(100..3_000), random.random_range(1..4));
            let mut line = coded(number, price, code);
            line.quantity = Decimal::whole(quantity);
            line.amount = price * quantity;
            line
        })
        .collect();
    let rounding = Rounding {
        method: RoundingMethod::ALL[random.random_range(0..5)],
        mode: RoundingMode::ALL[random.random_range(0..4)],
        ..Rounding::default()
    };
    let taxes = taxes(&lines, random.random_bool(0.5), rounding, 2);
    for (line, taxes) in lines.iter_mut().zip(taxes) {
        line.taxes = taxes;
    }
    lines
}

/// Taxable amount and amount by code, rate and whether prices include the tax.
fn sums<'a>(
    taxes: impl IntoIterator<Item = &'a Tax>,
) -> BTreeMap<(String, String, bool), (Money, Money)> {
    let mut sums = BTreeMap::new();
    for tax in taxes {
        let key = (tax.code.clone(), tax.rate.to_string(), tax.included);
        let sum: &mut (Money, Money) = sums.entry(key).or_default();
        sum.0 += tax.taxable;
        sum.1 += tax.amount;
    }
    sums
}

#[test]
fn refunds_of_all_pieces_have_the_taxes_of_the_sale() {
    let mut random = ChaCha8Rng::seed_from_u64(14);
    for _ in 0..1_000 {
        let lines = bought(&mut random);
        let gross = sale(lines.clone(), vec![]).gross;
        let sold = sale(lines, vec![tender(1, "card", gross)]);
        let mut refunds = Vec::new();
        for line in &sold.lines {
            for _ in 0..random.random_range(0..line.quantity.unscaled) {
                let part = resolve(&sold, &refunds, &piece(line.number), vec![], None, 1);
                let part = part.expect("a piece");
                let added = part.taxes.iter().filter(|tax| !tax.included);
                let added: Money = added.map(|tax| tax.amount).sum();
                assert_eq!(part.gross, part.lines[0].amount + added);
                let all: Money = part.taxes.iter().map(|tax| tax.amount).sum();
                assert_eq!(part.net, part.gross - all);
                refunds.push(refund(part));
            }
        }
        let rest = resolve(&sold, &refunds, &Extent::Full, vec![], None, 1).expect("the rest");
        refunds.push(refund(rest));
        assert_eq!(
            refunds.iter().map(|one| one.gross).sum::<Money>(),
            sold.gross
        );
        assert_eq!(refunds.iter().map(|one| one.net).sum::<Money>(), sold.net);
        let given_back = refunds.iter().flat_map(|one| &one.taxes);
        assert_eq!(sums(given_back), sums(&sold.taxes));
    }
}

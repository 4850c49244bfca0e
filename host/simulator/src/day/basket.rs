//! Baskets: lines whose sums agree, with what makes a day's baskets differ.

use crate::assortment::{Assortment, Market, Product};
use crate::chance::Chance;
use crate::codes::check_digit;
use anyhow::{Context, Result};
use galleria_domain::number::{extended, split};
use galleria_domain::{AgeCheck, AgeOutcome, Decimal, Discount, Line, LineKind, Money, Store, Tax};

/// Where a basket is filled.
pub struct Shelf<'a> {
    pub assortment: &'a Assortment,
    pub store: &'a Store,
    pub market: &'a Market,
}

impl Shelf<'_> {
    /// A basket, which comes to more than nothing. `at` is when ages are checked.
    pub fn basket(
        &self,
        chance: &mut Chance,
        at: &str,
        cashier: Option<&str>,
    ) -> Result<Vec<Line>> {
        let often = &self.assortment.habits;
        let mut lines = Vec::new();
        let (fewest, most) = if chance.percent(often.large) {
            often.large_basket
        } else {
            often.basket
        };
        let wanted = chance.between(fewest, most);
        for _ in 0..wanted {
            let product = chance.pick(&self.assortment.products);
            self.add(chance, product, &mut lines)?;
            if let Some(minimum) = product.minimum_age {
                let line = lines.last_mut().context("the line just added")?;
                line.age = Some(AgeCheck {
                    minimum,
                    outcome: AgeOutcome::Passed,
                    cashier: cashier.map(str::to_owned),
                    at: Some(at.to_owned()),
                });
            }
        }
        if chance.percent(often.gift_card_sold) {
            self.gift_card(chance, &mut lines)?;
        }
        if chance.percent(often.basket_discount) {
            basket_discount(chance, &mut lines)?;
        }
        if lines.len() > 2 && chance.percent(often.voided_line) {
            // The first: nothing but a deposit hangs on another line, and then both go.
            lines[0].voided = true;
            for line in lines.iter_mut().filter(|line| line.parent == Some(1)) {
                line.voided = true;
            }
        }
        if lines.len() > 2 && chance.percent(often.exchange) {
            self.exchange(chance, &mut lines)?;
        }
        for line in &mut lines {
            self.settle(line)?;
        }
        Ok(lines)
    }

    fn add(&self, chance: &mut Chance, product: &Product, lines: &mut Vec<Line>) -> Result<()> {
        let quantity = if product.weighed {
            Decimal {
                unscaled: chance.between(85, 740),
                scale: 3,
            }
        } else if chance.percent(self.assortment.habits.several) {
            Decimal::whole(chance.between(2, 4))
        } else {
            Decimal::whole(1)
        };
        let mut line = self.line(lines.len(), product, quantity);
        if chance.percent(self.assortment.habits.line_discount) {
            line.discounts.push(self.line_discount(chance, &line)?);
        }
        let number = line.number;
        lines.push(line);
        if product.deposit {
            lines.push(self.deposit(number, quantity));
        }
        Ok(())
    }

    fn line(&self, before: usize, product: &Product, quantity: Decimal) -> Line {
        let price = Decimal {
            unscaled: product
                .prices
                .get(&self.store.currency)
                .copied()
                .unwrap_or_default(),
            scale: self.store.minor_digits,
        };
        Line {
            number: u32::try_from(before + 1).unwrap_or(u32::MAX),
            parent: None,
            kind: LineKind::Item,
            returned: false,
            voided: false,
            origin_line: None,
            sku: product.sku.clone(),
            gtin: (!product.weighed).then(|| gtin(&product.sku)),
            description: product.name.clone(),
            category: Some(product.category.clone()),
            quantity,
            unit: if product.weighed { "KGM" } else { "EA" }.into(),
            regular_price: price,
            unit_price: price,
            amount: 0,
            discounts: vec![],
            taxes: self.taxes(&product.tax),
            age: None,
            attributes: vec![],
        }
    }

    /// The taxes of a kind; amounts are settled when the line's amount is known.
    fn taxes(&self, kind: &str) -> Vec<Tax> {
        let rate = self.market.taxes.get(kind);
        rate.map(|rate| Tax {
            code: rate.code.clone(),
            authority: self.market.authority.clone(),
            rate: Decimal {
                unscaled: rate.rate,
                scale: rate.scale,
            },
            taxable: 0,
            amount: 0,
            included: true,
            treatment: rate.treatment.clone(),
            attributes: vec![],
        })
        .into_iter()
        .collect()
    }

    fn line_discount(&self, chance: &mut Chance, line: &Line) -> Result<Discount> {
        let full = self.full(line)?;
        let percent = *chance.pick(&[10, 20, 30]);
        let by_rate = chance.percent(60);
        Ok(Discount {
            id: if by_rate {
                format!("SEASON-{percent}")
            } else {
                "SPECIAL".into()
            },
            reason: if by_rate {
                "Season's offer"
            } else {
                "Special price"
            }
            .into(),
            amount: if by_rate {
                share(full, percent)
            } else {
                full / 4
            },
            percent: by_rate.then(|| Decimal::whole(percent)),
            coupon: None,
            basket: false,
            attributes: vec![],
        })
    }

    fn deposit(&self, parent: u32, quantity: Decimal) -> Line {
        let price = Decimal {
            unscaled: self.market.deposit,
            scale: self.store.minor_digits,
        };
        Line {
            number: parent + 1,
            parent: Some(parent),
            kind: LineKind::Deposit,
            returned: false,
            voided: false,
            origin_line: None,
            sku: "DEPOSIT".into(),
            gtin: None,
            description: "Deposit".into(),
            category: None,
            quantity,
            unit: "EA".into(),
            regular_price: price,
            unit_price: price,
            amount: 0,
            discounts: vec![],
            taxes: self.taxes("none"),
            age: None,
            attributes: vec![],
        }
    }

    fn gift_card(&self, chance: &mut Chance, lines: &mut Vec<Line>) -> Result<()> {
        let worth = *self.market.notes.last().context("a note")?;
        let mut line = self.deposit(0, Decimal::whole(1));
        let price = Decimal {
            unscaled: worth,
            scale: self.store.minor_digits,
        };
        line.number = u32::try_from(lines.len() + 1)?;
        line.parent = None;
        line.kind = LineKind::GiftCardSale(format!("600612********{}", chance.digits(4)));
        line.sku = "GIFTCARD".into();
        line.description = "Gift card".into();
        line.regular_price = price;
        line.unit_price = price;
        lines.push(line);
        Ok(())
    }

    /// Something bought another day is handed back within the sale.
    fn exchange(&self, chance: &mut Chance, lines: &mut Vec<Line>) -> Result<()> {
        let cheapest = self
            .assortment
            .products
            .iter()
            .filter(|product| !product.weighed);
        let cheapest: Vec<&Product> = cheapest
            .filter(|product| !product.deposit && product.minimum_age.is_none())
            .collect();
        let product = chance.pick(&cheapest);
        let mut line = self.line(lines.len(), product, Decimal::whole(1));
        let rest: Money = lines
            .iter()
            .filter(|line| !line.voided)
            .map(|line| Ok(self.full(line)? - off(line)))
            .sum::<Result<Money>>()?;
        // What is handed back is worth less than what is taken: otherwise it would be a refund.
        if self.full(&line)? < rest / 2 {
            line.returned = true;
            lines.push(line);
        }
        Ok(())
    }

    fn full(&self, line: &Line) -> Result<Money> {
        extended(line.unit_price, line.quantity, self.store.minor_digits)
            .with_context(|| format!("the price of {}", line.sku))
    }

    /// Amount and taxes, once all discounts are known.
    fn settle(&self, line: &mut Line) -> Result<()> {
        line.amount = self.full(line)? - off(line);
        for tax in &mut line.taxes {
            // Included: amount · rate ÷ (100 + rate), half up.
            let rate = tax.rate.unscaled;
            let whole = 100 * 10_i64.pow(u32::from(tax.rate.scale)) + rate;
            tax.amount = (line.amount * rate * 2 + whole) / (whole * 2);
            tax.taxable = line.amount - tax.amount;
        }
        Ok(())
    }
}

/// So many per cent off all articles, shared out by what each comes to.
fn basket_discount(chance: &mut Chance, lines: &mut [Line]) -> Result<()> {
    let percent = *chance.pick(&[5, 10, 15]);
    let coupon = chance.percent(50).then(|| format!("SAVE{percent}"));
    let mut items: Vec<(&mut Line, Money)> = Vec::new();
    for line in lines.iter_mut().filter(|line| line.kind == LineKind::Item) {
        let scale = line.unit_price.scale;
        let full = extended(line.unit_price, line.quantity, scale).context("a price")?;
        let left = full - off(line);
        items.push((line, left));
    }
    let weights: Vec<Money> = items.iter().map(|(_, left)| *left).collect();
    let total = share(weights.iter().sum(), percent);
    for ((line, _), amount) in items
        .into_iter()
        .zip(split(total, &weights).context("a basket")?)
    {
        line.discounts.push(Discount {
            id: format!("BASKET-{percent}"),
            reason: format!("{percent} % off the basket"),
            amount,
            percent: Some(Decimal::whole(percent)),
            coupon: coupon.clone(),
            basket: true,
            attributes: vec![],
        });
    }
    Ok(())
}

fn off(line: &Line) -> Money {
    line.discounts.iter().map(|discount| discount.amount).sum()
}

/// So many per cent, half up.
fn share(amount: Money, percent: i64) -> Money {
    (amount * percent * 2 + 100) / 200
}

/// A GTIN-13 of the range for use within a shop, with its check digit.
pub fn gtin(sku: &str) -> String {
    let body = format!("20000{sku}");
    format!("{body}{}", check_digit(&body))
}

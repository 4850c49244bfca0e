//! Baskets: order lines with consistent sums, and variety over a day.

use crate::assortment::{Assortment, Market, Product};
use crate::codes::gtin;
use crate::random::Random;
use anyhow::{Context, Result};
use galleria_domain::number::{extended, split};
use galleria_domain::{AgeCheck, AgeOutcome, Decimal, Discount, Line, LineKind, Money, Store, Tax};

/// Draws the baskets of a store.
pub struct BasketMaker<'a> {
    pub assortment: &'a Assortment,
    pub store: &'a Store,
    pub market: &'a Market,
}

impl BasketMaker<'_> {
    /// Draws a basket with a positive total. `at` is the time of age checks.
    pub fn basket(
        &self,
        random: &mut Random,
        at: &str,
        cashier: Option<&str>,
    ) -> Result<Vec<Line>> {
        let habits = &self.assortment.habits;
        let mut lines = Vec::new();
        let (fewest, most) = if random.percent(habits.large) {
            habits.large_basket
        } else {
            habits.basket
        };
        let count = random.between(fewest, most);
        for _ in 0..count {
            let product = random.pick(&self.assortment.products);
            self.add(random, product, &mut lines)?;
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
        if random.percent(habits.gift_card_sold) {
            self.gift_card(random, &mut lines)?;
        }
        if random.percent(habits.basket_discount) {
            basket_discount(random, &mut lines)?;
        }
        if lines.len() > 2 && random.percent(habits.voided_line) {
            // The first line: only a deposit belongs to another line, and then both are voided.
            lines[0].voided = true;
            for line in lines.iter_mut().filter(|line| line.parent == Some(1)) {
                line.voided = true;
            }
        }
        if lines.len() > 2 && random.percent(habits.exchange) {
            self.exchange(random, &mut lines)?;
        }
        for line in &mut lines {
            self.settle(line)?;
        }
        Ok(lines)
    }

    fn add(&self, random: &mut Random, product: &Product, lines: &mut Vec<Line>) -> Result<()> {
        let quantity = if product.weighed {
            Decimal {
                unscaled: random.between(85, 740),
                scale: 3,
            }
        } else if random.percent(self.assortment.habits.several) {
            Decimal::whole(random.between(2, 4))
        } else {
            Decimal::whole(1)
        };
        let mut line = self.line(lines.len(), product, quantity);
        if random.percent(self.assortment.habits.line_discount) {
            line.discounts.push(self.line_discount(random, &line)?);
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

    /// Returns the taxes of a tax name. Their amounts are set once the line amount is known.
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

    fn line_discount(&self, random: &mut Random, line: &Line) -> Result<Discount> {
        let full = self.full(line)?;
        let percent = *random.pick(&[10, 20, 30]);
        let by_rate = random.percent(60);
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

    fn gift_card(&self, random: &mut Random, lines: &mut Vec<Line>) -> Result<()> {
        let value = *self.market.notes.last().context("a note")?;
        let mut line = self.deposit(0, Decimal::whole(1));
        let price = Decimal {
            unscaled: value,
            scale: self.store.minor_digits,
        };
        line.number = u32::try_from(lines.len() + 1)?;
        line.parent = None;
        line.kind = LineKind::GiftCardSale(format!("600612********{}", random.digits(4)));
        line.sku = "GIFTCARD".into();
        line.description = "Gift card".into();
        line.regular_price = price;
        line.unit_price = price;
        lines.push(line);
        Ok(())
    }

    /// Adds an article of an earlier day that is returned within this sale.
    fn exchange(&self, random: &mut Random, lines: &mut Vec<Line>) -> Result<()> {
        let products = self
            .assortment
            .products
            .iter()
            .filter(|product| !product.weighed);
        let candidates: Vec<&Product> = products
            .filter(|product| !product.deposit && product.minimum_age.is_none())
            .collect();
        let product = random.pick(&candidates);
        let mut line = self.line(lines.len(), product, Decimal::whole(1));
        let rest: Money = lines
            .iter()
            .filter(|line| !line.voided)
            .map(|line| Ok(self.full(line)? - off(line)))
            .sum::<Result<Money>>()?;
        // A return that is worth more than the rest would be a refund.
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

    /// Sets the amount and taxes, after all discounts are known.
    fn settle(&self, line: &mut Line) -> Result<()> {
        line.amount = self.full(line)? - off(line);
        for tax in &mut line.taxes {
            // The amount includes the tax: amount · rate ÷ (100 + rate), half up.
            let rate = tax.rate.unscaled;
            let whole = 100 * 10_i64.pow(u32::from(tax.rate.scale)) + rate;
            tax.amount = (line.amount * rate * 2 + whole) / (whole * 2);
            tax.taxable = line.amount - tax.amount;
        }
        Ok(())
    }
}

/// Adds a discount in per cent to all articles, split in proportion to their amounts.
fn basket_discount(random: &mut Random, lines: &mut [Line]) -> Result<()> {
    let percent = *random.pick(&[5, 10, 15]);
    let coupon = random.percent(50).then(|| format!("SAVE{percent}"));
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

/// Returns a percentage of an amount, half up.
fn share(amount: Money, percent: i64) -> Money {
    (amount * percent * 2 + 100) / 200
}

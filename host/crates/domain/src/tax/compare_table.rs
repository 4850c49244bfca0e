//! The differences of many baskets, summed by code and rate.

use super::compare::{AmountDifference, RateAmounts, Side, TaxDifferences};
use super::text_amount;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Baskets that a row names.
const EXAMPLES: usize = 3;

/// Items that a row names of one basket.
const EXAMPLE_ITEMS: usize = 10;

/// Different messages. Further ones are counted together.
const MESSAGES: usize = 20;

/// The message that stands for all further ones.
const OTHER_MESSAGES: &str = "other messages";

/// The differences of many baskets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DifferenceTable {
    /// The number of baskets that differ, those included that the shadow rejected.
    pub baskets: u64,
    /// By code, and by the rates of both routes.
    pub taxes: Vec<TaxDifferenceRow>,
    /// By field of the response.
    pub amounts: Vec<AmountRow>,
    /// Baskets that only the shadow rejected, by message.
    pub rejected: Vec<MessageRow>,
    /// Baskets for which there is no comparison because a route failed, by message.
    pub failed: Vec<MessageRow>,
}

/// A tax that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxDifferenceRow {
    /// The code in the tax table.
    pub tax_code: String,
    /// The rate of the route; null if it has no such tax.
    #[serde(with = "optional")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub route_percent: Option<Decimal>,
    /// The rate of the shadow; null if it has no such tax.
    #[serde(with = "optional")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub shadow_percent: Option<Decimal>,
    /// The sum of the taxes of the route.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub route_amount: Decimal,
    /// The sum of the taxes of the shadow.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub shadow_amount: Decimal,
    /// The sum of the shadow minus that of the route.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub difference: Decimal,
    /// The number of baskets.
    pub baskets: u64,
    /// The number of items.
    pub items: u64,
    /// The first of them.
    pub examples: Vec<BasketItems>,
}

/// Items of a basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BasketItems {
    /// The number of the comparison, or the line of the file.
    pub basket: String,
    /// The ids of its first items.
    pub items: Vec<String>,
}

/// An amount of the response that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AmountRow {
    /// The field, such as `total_tax` or `item_tax.total_tax`. For `item_tax` the amounts are the numbers of items that
    /// only one of both lists.
    pub field: String,
    /// The sum of the route.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub route: Decimal,
    /// The sum of the shadow.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub shadow: Decimal,
    /// The sum of the shadow minus that of the route.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub difference: Decimal,
    /// The number of baskets.
    pub baskets: u64,
}

/// Baskets with the same message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageRow {
    /// The message.
    pub message: String,
    /// The number of baskets.
    pub baskets: u64,
    /// The first of them.
    pub examples: Vec<String>,
}

/// `null`, or an amount as text.
mod optional {
    use super::Decimal;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    #[expect(clippy::ref_option, reason = "the signature that serde requires")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let amount = text.map(|text| Decimal::from_str_exact(&text));
        amount.transpose().map_err(de::Error::custom)
    }
}

type TaxKey = (String, Option<Decimal>, Option<Decimal>);

/// Sums the differences of baskets.
#[derive(Debug, Default)]
pub struct DifferenceSums {
    baskets: u64,
    taxes: BTreeMap<TaxKey, TaxDifferenceRow>,
    amounts: BTreeMap<String, AmountRow>,
    rejected: Messages,
    failed: Messages,
}

/// Baskets by message.
#[derive(Debug, Default)]
struct Messages(BTreeMap<String, MessageRow>);

impl Messages {
    fn add(&mut self, basket: &str, message: &str) {
        let is_new = !self.0.contains_key(message);
        let message = match is_new && self.0.len() >= MESSAGES {
            true => OTHER_MESSAGES,
            false => message,
        };
        let row = self.0.entry(message.to_owned());
        let row = row.or_insert_with(|| MessageRow {
            message: message.to_owned(),
            baskets: 0,
            examples: Vec::new(),
        });
        row.baskets += 1;
        if row.examples.len() < EXAMPLES {
            row.examples.push(basket.to_owned());
        }
    }
}

impl DifferenceSums {
    /// Adds a basket that the shadow rejected.
    pub fn reject(&mut self, basket: &str, message: &str) {
        self.baskets += 1;
        self.rejected.add(basket, message);
    }

    /// Adds a basket that could not be compared.
    pub fn fail(&mut self, basket: &str, message: &str) {
        self.failed.add(basket, message);
    }

    /// Adds the differences of a basket; one without differences does not count.
    pub fn add(&mut self, basket: &str, differences: &TaxDifferences) {
        if differences.is_empty() {
            return;
        }
        self.baskets += 1;
        for tax in &differences.taxes {
            let (code, route, shadow) = tax.key();
            let key = (code.to_owned(), route, shadow);
            let row = self.taxes.entry(key).or_insert_with(|| TaxDifferenceRow {
                tax_code: code.to_owned(),
                route_percent: route,
                shadow_percent: shadow,
                route_amount: Decimal::ZERO,
                shadow_amount: Decimal::ZERO,
                difference: Decimal::ZERO,
                baskets: 0,
                items: 0,
                examples: Vec::new(),
            });
            row.add(basket, (tax.route, tax.shadow), &tax.items);
        }
        // Each field counts a basket once.
        let mut fields = BTreeSet::new();
        for one in &differences.totals {
            self.amount(one.clone(), &mut fields);
        }
        for item in &differences.items {
            for one in &item.amounts {
                let field = format!("item_tax.{}", one.field);
                self.amount(
                    AmountDifference {
                        field,
                        ..one.clone()
                    },
                    &mut fields,
                );
            }
            if let Some(side) = item.missing_in {
                let count = |is_listed: bool| Decimal::from(u8::from(is_listed));
                let listed = AmountDifference {
                    field: "item_tax".to_owned(),
                    route: count(side != Side::Route),
                    shadow: count(side != Side::Shadow),
                };
                self.amount(listed, &mut fields);
            }
        }
    }

    fn amount(&mut self, one: AmountDifference, fields: &mut BTreeSet<String>) {
        let row = self.amounts.entry(one.field.clone());
        let row = row.or_insert_with(|| AmountRow {
            field: one.field.clone(),
            route: Decimal::ZERO,
            shadow: Decimal::ZERO,
            difference: Decimal::ZERO,
            baskets: 0,
        });
        row.route = row.route.saturating_add(one.route);
        row.shadow = row.shadow.saturating_add(one.shadow);
        row.difference = row.shadow.saturating_sub(row.route);
        row.baskets += u64::from(fields.insert(one.field));
    }

    /// The table of all baskets.
    pub fn table(self) -> DifferenceTable {
        DifferenceTable {
            baskets: self.baskets,
            taxes: self.taxes.into_values().collect(),
            amounts: self.amounts.into_values().collect(),
            rejected: self.rejected.0.into_values().collect(),
            failed: self.failed.0.into_values().collect(),
        }
    }
}

impl TaxDifferenceRow {
    fn add(
        &mut self,
        basket: &str,
        (route, shadow): (Option<RateAmounts>, Option<RateAmounts>),
        items: &[String],
    ) {
        let amount = |one: Option<RateAmounts>| one.map(|one| one.tax_amount).unwrap_or_default();
        self.route_amount = self.route_amount.saturating_add(amount(route));
        self.shadow_amount = self.shadow_amount.saturating_add(amount(shadow));
        self.difference = self.shadow_amount.saturating_sub(self.route_amount);
        self.baskets += 1;
        self.items += items.len() as u64;
        if self.examples.len() < EXAMPLES {
            self.examples.push(BasketItems {
                basket: basket.to_owned(),
                items: items.iter().take(EXAMPLE_ITEMS).cloned().collect(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn differences(value: serde_json::Value) -> TaxDifferences {
        serde_json::from_value(value).expect("differences")
    }

    fn changed_rate() -> TaxDifferences {
        let rate = |percent: &str, amount: &str| json!({"tax_percent": percent, "taxable_amount": "10", "tax_amount": amount});
        let amount = json!({"field": "total_tax", "route": "2.10", "shadow": "2.00"});
        differences(json!({
            "totals": [amount],
            "taxes": [{"tax_code": "STD", "route": rate("21", "2.10"), "shadow": rate("20.0", "2.00"),
                "items": ["1", "3"]}],
            "items": [
                {"item_id": "1", "amounts": [amount]},
                {"item_id": "3", "amounts": [amount]},
                {"item_id": "4", "missing_in": "shadow", "amounts": []},
            ],
        }))
    }

    #[test]
    fn baskets_are_summed_by_code_and_rates() {
        let mut sums = DifferenceSums::default();
        for basket in ["7", "8", "9", "10"] {
            sums.add(basket, &changed_rate());
        }
        sums.add("11", &TaxDifferences::default());
        let table = sums.table();
        assert_eq!(table.baskets, 4);
        let row = &table.taxes[0];
        assert_eq!(
            (
                row.route_amount,
                row.shadow_amount,
                row.difference,
                row.baskets,
                row.items
            ),
            (
                Decimal::new(840, 2),
                Decimal::new(800, 2),
                Decimal::new(-40, 2),
                4,
                8
            )
        );
        assert_eq!(row.examples.len(), EXAMPLES);
        assert_eq!(
            (&*row.examples[0].basket, &row.examples[0].items[..]),
            ("7", &["1".to_owned(), "3".into()][..])
        );
        let amounts = table
            .amounts
            .iter()
            .map(|row| format!("{} {} {} {}", row.field, row.route, row.shadow, row.baskets));
        assert_eq!(
            amounts.collect::<Vec<_>>(),
            [
                "item_tax 4 0 4",
                "item_tax.total_tax 16.80 16.00 4",
                "total_tax 8.40 8.00 4"
            ]
        );
        let text = serde_json::to_string(&table).expect("JSON");
        assert_eq!(
            serde_json::from_str::<DifferenceTable>(&text).ok(),
            Some(table)
        );
    }

    #[test]
    fn rejected_baskets_are_counted_by_message() {
        let mut sums = DifferenceSums::default();
        for basket in 0..30 {
            sums.reject(
                &basket.to_string(),
                &format!("items.{basket}.tax_code: unknown"),
            );
        }
        sums.reject("30", "items.0.tax_code: unknown");
        sums.fail("31", "no answer");
        let table = sums.table();
        assert_eq!((table.baskets, table.rejected.len()), (31, MESSAGES + 1));
        assert_eq!(
            (&*table.failed[0].message, table.failed[0].baskets),
            ("no answer", 1)
        );
        let other = table
            .rejected
            .iter()
            .find(|row| row.message == OTHER_MESSAGES);
        assert_eq!(other.map(|row| row.baskets), Some(10));
        let first = table
            .rejected
            .iter()
            .find(|row| row.message.starts_with("items.0."));
        assert_eq!(
            first.map(|row| row.examples.clone()),
            Some(vec!["0".into(), "30".into()])
        );
    }
}

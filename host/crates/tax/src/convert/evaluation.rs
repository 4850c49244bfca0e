//! Requests and responses of an evaluation.

use super::{DATE, DECIMAL, Reader, filled};
use crate::proto;
use galleria_app::tax::TaxEvaluation;
use galleria_domain::tax::{
    BasketDiscount, ItemTax, LevelTax, RequestItem, StoreData, TaxRequest, TaxResponse, amount_text,
};
use galleria_domain::{Decimal, Problem};
use jiff::civil::Date;
use rust_decimal::Decimal as Amount;

impl TryFrom<proto::TaxEvaluateRequest> for TaxRequest {
    /// Every violated rule.
    type Error = Vec<Problem>;

    fn try_from(message: proto::TaxEvaluateRequest) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::default();
        let store_data = message.store_data.unwrap_or_else(|| {
            reader.reject("store_data", "must be present: it names the store");
            proto::StoreData::default()
        });
        let zero = Decimal::whole(0);
        let mut items = Vec::with_capacity(message.items.len());
        for (index, item) in message.items.into_iter().enumerate() {
            let field = |name: &str| format!("items.{index}.{name}");
            items.push(RequestItem {
                total_amount: reader.parse(
                    || field("total_amount"),
                    &item.total_amount,
                    DECIMAL,
                    zero,
                ),
                quantity: match &*item.quantity {
                    "" => Decimal::whole(1),
                    text => reader.parse(|| field("quantity"), text, DECIMAL, zero),
                },
                item_id: item.item_id,
                tax_code: item.tax_code,
            });
        }
        let business_date = filled(message.business_date)
            .map(|text| reader.parse(|| "business_date".into(), &text, DATE, Date::ZERO));
        let discounts = message.discounts.iter().enumerate();
        let discounts = discounts.map(|(index, discount)| {
            let field = || format!("discounts.{index}.amount");
            BasketDiscount {
                amount: reader.parse(field, &discount.amount, DECIMAL, zero),
            }
        });
        let request = Self {
            discounts: discounts.collect(),
            store_data: StoreData {
                store_id: store_data.store_id,
                tax_included_in_price: store_data.tax_included_in_price,
                tax_calculator: filled(store_data.tax_calculator),
            },
            commit: message.commit,
            items,
            business_date,
        };
        reader.finish(request)
    }
}

impl From<TaxRequest> for proto::TaxEvaluateRequest {
    fn from(request: TaxRequest) -> Self {
        let items = request.items.into_iter().map(|item| proto::RequestItem {
            item_id: item.item_id,
            total_amount: item.total_amount.to_string(),
            tax_code: item.tax_code,
            quantity: item.quantity.to_string(),
        });
        let discounts = request.discounts.iter();
        let discounts = discounts.map(|discount| proto::BasketDiscount {
            amount: discount.amount.to_string(),
        });
        let store_data = request.store_data;
        Self {
            items: items.collect(),
            discounts: discounts.collect(),
            store_data: Some(proto::StoreData {
                store_id: store_data.store_id,
                tax_included_in_price: store_data.tax_included_in_price,
                tax_calculator: store_data.tax_calculator.unwrap_or_default(),
            }),
            commit: request.commit,
            business_date: request
                .business_date
                .map(|date| date.to_string())
                .unwrap_or_default(),
        }
    }
}

impl From<TaxEvaluation> for proto::TaxEvaluateResponse {
    fn from(evaluation: TaxEvaluation) -> Self {
        let response = evaluation.response;
        Self {
            total_basket_amount: amount_text(&response.total_basket_amount),
            total_taxable_amount: amount_text(&response.total_taxable_amount),
            total_tax: amount_text(&response.total_tax),
            total_basket_amount_after_tax: amount_text(&response.total_basket_amount_after_tax),
            tax_breakup: response.tax_breakup.into_iter().map(Into::into).collect(),
            item_tax: response.item_tax.into_iter().map(Into::into).collect(),
            route: proto::TaxRoute::from(evaluation.route).into(),
            fallback: evaluation.fallback,
        }
    }
}

impl From<ItemTax> for proto::ItemTax {
    fn from(item: ItemTax) -> Self {
        Self {
            item_id: item.item_id,
            total_amount: amount_text(&item.total_amount),
            taxable_amount: amount_text(&item.taxable_amount),
            total_tax: amount_text(&item.total_tax),
            total_amount_after_tax: amount_text(&item.total_amount_after_tax),
            taxes: item.taxes.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<LevelTax> for proto::LevelTax {
    fn from(tax: LevelTax) -> Self {
        Self {
            tax_code: tax.tax_code,
            tax_level: tax.tax_level,
            retailer_tax_level_id: tax.retailer_tax_level_id,
            authority: tax.authority,
            kind: proto::TaxKind::from(tax.kind).into(),
            tax_percent: amount_text(&tax.tax_percent),
            treatment: proto::Treatment::from(tax.treatment).into(),
            included: tax.included,
            taxable_amount: amount_text(&tax.taxable_amount),
            tax_amount: amount_text(&tax.tax_amount),
        }
    }
}

impl TryFrom<proto::TaxEvaluateResponse> for TaxResponse {
    /// Every violated rule.
    type Error = Vec<Problem>;

    fn try_from(message: proto::TaxEvaluateResponse) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::default();
        let mut amount = |field: &str, text: &str| reader.amount(|| field.to_owned(), text);
        let mut response = Self {
            total_basket_amount: amount("total_basket_amount", &message.total_basket_amount),
            total_taxable_amount: amount("total_taxable_amount", &message.total_taxable_amount),
            total_tax: amount("total_tax", &message.total_tax),
            total_basket_amount_after_tax: amount(
                "total_basket_amount_after_tax",
                &message.total_basket_amount_after_tax,
            ),
            tax_breakup: reader.taxes("tax_breakup", message.tax_breakup),
            item_tax: Vec::with_capacity(message.item_tax.len()),
        };
        for (index, item) in message.item_tax.into_iter().enumerate() {
            let field = |name: &str| format!("item_tax.{index}.{name}");
            response.item_tax.push(ItemTax {
                item_id: item.item_id,
                total_amount: reader.amount(|| field("total_amount"), &item.total_amount),
                taxable_amount: reader.amount(|| field("taxable_amount"), &item.taxable_amount),
                total_tax: reader.amount(|| field("total_tax"), &item.total_tax),
                total_amount_after_tax: reader.amount(
                    || field("total_amount_after_tax"),
                    &item.total_amount_after_tax,
                ),
                taxes: reader.taxes(&field("taxes"), item.taxes),
            });
        }
        reader.finish(response)
    }
}

impl Reader {
    fn amount(&mut self, field: impl FnOnce() -> String, text: &str) -> Amount {
        self.parse(field, text, DECIMAL, Amount::ZERO)
    }

    fn taxes(&mut self, list: &str, taxes: Vec<proto::LevelTax>) -> Vec<LevelTax> {
        let taxes = taxes.into_iter().enumerate().map(|(index, tax)| {
            let field = |name: &str| format!("{list}.{index}.{name}");
            LevelTax {
                tax_code: tax.tax_code,
                tax_level: tax.tax_level,
                retailer_tax_level_id: tax.retailer_tax_level_id,
                authority: tax.authority,
                kind: self.kind(|| field("kind"), tax.kind),
                tax_percent: self.amount(|| field("tax_percent"), &tax.tax_percent),
                treatment: self
                    .treatment(|| field("treatment"), tax.treatment)
                    .unwrap_or_default(),
                included: tax.included,
                taxable_amount: self.amount(|| field("taxable_amount"), &tax.taxable_amount),
                tax_amount: self.amount(|| field("tax_amount"), &tax.tax_amount),
            }
        });
        taxes.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use galleria_domain::tax::{TaxKind, TaxRoute, Treatment};

    fn request() -> TaxRequest {
        serde_json::from_value(serde_json::json!({
            "store_data": {"store_id": "s1", "tax_included_in_price": false, "tax_calculator": "cash"},
            "commit": true, "business_date": "2026-11-30", "discounts": [{"amount": "1.00"}],
            "items": [{"item_id": "1", "total_amount": "-12.50", "tax_code": "A", "quantity": "0.250"},
                      {"item_id": "2", "total_amount": "3", "tax_code": "B"}],
        }))
        .expect("a request")
    }

    #[test]
    fn a_request_keeps_every_field() {
        let message = proto::TaxEvaluateRequest::from(request());
        assert_eq!(TaxRequest::try_from(message), Ok(request()));
    }

    #[test]
    fn absent_fields_have_their_defaults() {
        let message = proto::TaxEvaluateRequest {
            store_data: Some(proto::StoreData::default()),
            items: vec![proto::RequestItem {
                total_amount: "1".into(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let request = TaxRequest::try_from(message).expect("a request");
        assert_eq!(request.store_data.tax_included_in_price, None);
        assert_eq!(request.store_data.tax_calculator, None);
        assert_eq!(request.business_date, None);
        assert_eq!(request.items[0].quantity, Decimal::whole(1));
    }

    #[test]
    fn every_invalid_field_of_a_request_is_reported() {
        let message = proto::TaxEvaluateRequest {
            store_data: None,
            business_date: "30.11.2026".into(),
            discounts: vec![proto::BasketDiscount::default()],
            items: vec![proto::RequestItem {
                total_amount: "1e3".into(),
                quantity: "x".repeat(100),
                ..Default::default()
            }],
            ..Default::default()
        };
        let problems = TaxRequest::try_from(message).expect_err("invalid");
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "store_data: must be present: it names the store".to_owned(),
                "items.0.total_amount: must be a decimal in plain notation, such as \"12.50\", got \"1e3\""
                    .to_owned(),
                format!(
                    "items.0.quantity: must be a decimal in plain notation, such as \"12.50\", got \"{}\"...",
                    "x".repeat(40)
                ),
                "business_date: must be a date such as 2026-11-30, got \"30.11.2026\"".to_owned(),
                "discounts.0.amount: must be a decimal in plain notation, such as \"12.50\", got \"\""
                    .to_owned(),
            ]
        );
    }

    fn tax(treatment: Treatment, kind: TaxKind) -> LevelTax {
        LevelTax {
            tax_code: "A".into(),
            tax_level: "VAT".into(),
            retailer_tax_level_id: "7".into(),
            authority: "ES".into(),
            kind,
            tax_percent: Amount::new(210, 1),
            treatment,
            included: true,
            taxable_amount: Amount::new(1000, 2),
            tax_amount: Amount::new(210, 2),
        }
    }

    #[test]
    fn a_response_keeps_every_field_and_digit() {
        let response = TaxResponse {
            total_basket_amount: Amount::new(1210, 2),
            total_taxable_amount: Amount::new(1000, 2),
            total_tax: Amount::new(210, 2),
            total_basket_amount_after_tax: Amount::new(1210, 2),
            tax_breakup: vec![
                tax(Treatment::Zero, TaxKind::Percent),
                tax(Treatment::Exempt, TaxKind::FixedPerUnit),
                tax(Treatment::Luxury, TaxKind::Division),
                tax(Treatment::Reduced, TaxKind::Percent),
            ],
            item_tax: vec![ItemTax {
                item_id: "1".into(),
                total_amount: Amount::new(1210, 2),
                taxable_amount: Amount::new(1000, 2),
                total_tax: Amount::new(210, 2),
                total_amount_after_tax: Amount::new(1210, 2),
                taxes: vec![tax(Treatment::Standard, TaxKind::Percent)],
            }],
        };
        let evaluation = TaxEvaluation {
            response: response.clone(),
            route: TaxRoute::Http,
            fallback: true,
        };
        let message = proto::TaxEvaluateResponse::from(evaluation);
        assert_eq!(message.total_tax, "2.10");
        assert_eq!(message.route(), proto::TaxRoute::Http);
        assert!(message.fallback);
        assert_eq!(TaxResponse::try_from(message.clone()), Ok(response));
        let nonsense = proto::TaxEvaluateResponse {
            total_tax: "free".into(),
            tax_breakup: vec![proto::LevelTax {
                kind: 99,
                ..message.tax_breakup[0].clone()
            }],
            ..message
        };
        let problems = TaxResponse::try_from(nonsense).expect_err("invalid");
        let fields: Vec<_> = problems.iter().map(|problem| &*problem.field).collect();
        assert_eq!(fields, ["total_tax", "tax_breakup.0.kind"]);
    }
}

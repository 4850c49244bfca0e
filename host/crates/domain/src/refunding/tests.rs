use super::*;
use crate::selling::tests::{line, tender};
use crate::trade::{Entry, Origin};

fn entry() -> Entry {
    Entry {
        id: "p1".into(),
        order_id: "o1".into(),
        external_id: None,
        workstation: "w1".into(),
        sequence: 1,
        receipt: "1".into(),
        cashier: None,
        business_date: "2026-11-24".into(),
        begun_at: "2026-11-24T10:00:00.000+01:00".into(),
        ended_at: "2026-11-24T10:01:00.000+01:00".into(),
        currency: "EUR".into(),
        training: false,
    }
}

pub(crate) fn sale(lines: Vec<Line>, tenders: Vec<Tender>) -> Sale {
    let sums = crate::selling::sum_lines(&lines, 2).expect("good lines");
    Sale {
        entry: entry(),
        member: None,
        lines,
        tenders,
        taxes: sums.taxes,
        rounding: 0,
        net: sums.net,
        gross: sums.gross,
        consents: vec![],
        attributes: vec![],
    }
}

pub(crate) fn refund(resolved: ResolvedRefund) -> Refund {
    let ResolvedRefund {
        lines,
        tenders,
        taxes,
        gross,
        net,
        rounding,
    } = resolved;
    Refund {
        entry: entry(),
        origin: Origin::None,
        earlier: vec![],
        reason: "defect".into(),
        lines,
        tenders,
        taxes,
        rounding,
        net,
        gross,
        attributes: vec![],
    }
}

pub(crate) fn piece(number: u32) -> Extent {
    Extent::Lines(vec![RefundLine {
        line: number,
        quantity: Some(Decimal::whole(1)),
    }])
}

#[test]
fn parts_of_a_line_sum_to_the_line() {
    let sold = sale(
        vec![line(1, 3334, 3, 1, 1735)],
        vec![tender(1, "card", 10001)],
    );
    let mut earlier = Vec::new();
    for _ in 0..3 {
        let part = resolve(&sold, &earlier, &piece(1), vec![], None, 1).expect("a third");
        assert_eq!(part.net + part.taxes[0].amount, part.gross);
        earlier.push(refund(part));
    }
    assert_eq!(earlier.iter().map(|r| r.gross).sum::<i64>(), 10001);
    assert_eq!(earlier.iter().map(|r| r.taxes[0].amount).sum::<i64>(), 1735);
    let discounts = earlier.iter().map(|r| r.lines[0].discounts[0].amount);
    assert_eq!(discounts.sum::<i64>(), 1);
    assert!(resolve(&sold, &earlier, &Extent::Full, vec![], None, 1).is_err());
}

#[test]
fn a_full_refund_takes_what_is_left_and_tenders_refund_in_proportion() {
    let lines = vec![line(1, 1000, 2, 0, 347), line(2, 505, 1, 0, 88)];
    let sold = sale(
        lines,
        vec![tender(1, "gift-card", 500), tender(2, "card", 2005)],
    );
    let first = refund(resolve(&sold, &[], &piece(1), vec![], None, 1).expect("one of two pieces"));
    assert_eq!(first.gross, 1000);
    assert_eq!(first.tenders.iter().map(|t| t.amount).sum::<i64>(), 1000);
    let rest = resolve(&sold, &[first], &Extent::Full, vec![], None, 1).expect("the rest");
    assert_eq!(rest.gross, 1505);
    assert_eq!(rest.lines.len(), 2);
}

#[test]
fn no_tender_refunds_more_than_it_paid() {
    let sold = sale(
        vec![line(1, 100, 1, 0, 17)],
        vec![tender(1, "gift-card", 50), tender(2, "card", 50)],
    );
    let mut earlier = vec![refund(
        resolve(
            &sold,
            &[],
            &Extent::Amount(40),
            vec![tender(1, "card", 40)],
            None,
            1,
        )
        .expect("by card"),
    )];
    for _ in 0..60 {
        let cent = resolve(&sold, &earlier, &Extent::Amount(1), vec![], None, 1);
        earlier.push(refund(cent.expect("a cent")));
    }
    for kind in ["gift-card", "card"] {
        let tenders = earlier.iter().flat_map(|refund| &refund.tenders);
        let back: Money = tenders.filter(|t| t.kind == kind).map(|t| t.amount).sum();
        assert_eq!(back, 50, "{kind}");
    }
}

#[test]
fn an_earlier_refund_with_more_decimals_counts() {
    let sold = sale(
        vec![line(1, 1000, 1, 0, 174)],
        vec![tender(1, "card", 1000)],
    );
    let fine = Extent::Lines(vec![RefundLine {
        line: 1,
        quantity: Some(Decimal {
            unscaled: 50_000,
            scale: 5,
        }),
    }]);
    let half = refund(resolve(&sold, &[], &fine, vec![], None, 1).expect("a half"));
    let coarse = Extent::Lines(vec![RefundLine {
        line: 1,
        quantity: Some(Decimal {
            unscaled: 5,
            scale: 1,
        }),
    }]);
    let half = [half];
    let rest = resolve(&sold, &half, &coarse, vec![], None, 1).expect("the other half");
    assert_eq!(rest.gross, 500);
    let all = resolve(&sold, &half, &Extent::Full, vec![], None, 1).expect("all that is left");
    let left = all.lines[0].quantity.exact().expect("a decimal");
    assert_eq!(left, rust_decimal::Decimal::new(5, 1));
    assert!(resolve(&sold, &half, &piece(1), vec![], None, 1).is_err());
}

#[test]
fn a_refund_never_exceeds_what_was_paid() {
    let sold = sale(
        vec![line(1, 1000, 1, 0, 174)],
        vec![tender(1, "card", 1000)],
    );
    assert!(resolve(&sold, &[], &Extent::Amount(1001), vec![], None, 1).is_err());
    let absurd = Some(Money::MAX);
    assert!(resolve(&sold, &[], &Extent::Full, vec![], absurd, 1).is_err());
    let part = resolve(&sold, &[], &Extent::Amount(400), vec![], None, 1).expect("a part");
    assert_eq!((part.gross, part.net), (400, 400));
    let earlier = [refund(part)];
    assert!(resolve(&sold, &earlier, &Extent::Amount(601), vec![], None, 1).is_err());
    let rest = resolve(&sold, &earlier, &Extent::Full, vec![], None, 1).expect("the rest");
    assert_eq!((rest.gross, rest.lines.len()), (600, 0));
}

#[test]
fn rounding_never_exceeds_what_was_paid() {
    let mut sold = sale(vec![line(1, 334, 3, 0, 174)], vec![tender(1, "cash", 1000)]);
    sold.rounding = -2;
    let cash = |amount| vec![tender(1, "cash", amount)];
    let cent = Extent::Amount(1);
    assert!(resolve(&sold, &[], &cent, cash(251), Some(250), 1).is_ok());
    let mut earlier = Vec::new();
    for (amount, rounding) in [(335, 1), (335, 1)] {
        let back = resolve(&sold, &earlier, &piece(1), cash(amount), Some(rounding), 1);
        earlier.push(refund(back.expect("a third")));
    }
    let third = resolve(&sold, &earlier, &piece(1), cash(335), Some(1), 1);
    assert_eq!(third.expect_err("too much")[0].field, "rounding");
    // Without a requested rounding, the last refund pays what is left.
    let third = resolve(&sold, &earlier, &Extent::Full, vec![], None, 1).expect("the rest");
    assert_eq!(
        (third.gross, third.rounding, third.tenders[0].amount),
        (334, -4, 330)
    );
    // The same holds for two halves by amount.
    let half = resolve(&sold, &[], &Extent::Amount(502), vec![], None, 1).expect("a half");
    let rest = resolve(&sold, &[refund(half)], &Extent::Full, vec![], None, 1);
    let rest = rest.expect("the other half");
    assert_eq!((rest.gross, rest.tenders[0].amount), (500, 498));
}

#[test]
fn a_payment_of_a_provider_refunds_no_more_than_itself() {
    let card = |amount| {
        let mut card = tender(1, "card", amount);
        card.psp_reference = Some("8836-1".into());
        card
    };
    let sold = sale(
        vec![line(1, 100, 1, 0, 17)],
        vec![card(40), tender(2, "cash", 60)],
    );
    let all = |tenders| resolve(&sold, &[], &Extent::Full, tenders, None, 1);
    let found = all(vec![card(30), card(11), tender(3, "cash", 59)]).expect_err("too much");
    assert_eq!(found[0].field, "tenders.0.amount");
    assert!(all(vec![card(40), tender(2, "cash", 60)]).is_ok());
    assert!(all(vec![tender(1, "cash", 100)]).is_ok());
}

/// For random requests in any order: the refunds never exceed what was paid, in total and for each payment
/// that a provider identifies.
#[test]
fn no_sequence_of_refunds_exceeds_what_was_paid() {
    let mut chance = 20_261_129_u64;
    let mut below = |end: u64| {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        i64::try_from((chance >> 33) % end).expect("small")
    };
    for _ in 0..500 {
        let lines = (1..=3).map(|n| line(n, 1 + below(500), 1 + below(4), 0, 0));
        let mut sold = sale(lines.collect(), vec![]);
        sold.rounding = below(9) - 4;
        let mut card = tender(1, "card", below(3) * sold.gross / 4);
        card.psp_reference = Some("8836-1".into());
        let rest = sold.gross + sold.rounding - card.amount;
        sold.tenders = vec![card.clone(), tender(2, "cash", rest)];
        let mut earlier: Vec<Refund> = Vec::new();
        for _ in 0..12 {
            let extent = match below(3) {
                0 => Extent::Full,
                1 => piece(1 + u32::try_from(below(3)).expect("small")),
                _ => Extent::Amount(below(400)),
            };
            let rounding = (below(2) == 0).then(|| below(501) - 250);
            let (by_card, by_cash) = (below(300), below(600));
            let tenders = match below(3) {
                0 => vec![Tender {
                    amount: by_card,
                    tendered: by_card,
                    ..card.clone()
                }],
                1 => vec![tender(1, "cash", by_cash)],
                _ => vec![],
            };
            if let Ok(resolved) = resolve(&sold, &earlier, &extent, tenders, rounding, 1) {
                earlier.push(refund(resolved));
            }
        }
        let back = earlier.iter().flat_map(|refund| &refund.tenders);
        let of = |kind: &str| -> Money {
            let of = back.clone().filter(|tender| tender.kind == kind);
            of.map(|tender| tender.amount).sum()
        };
        assert!(of("card") + of("cash") <= sold.gross + sold.rounding);
        assert!(of("card") <= card.amount, "{earlier:#?}");
        assert!(earlier.iter().map(|refund| refund.gross).sum::<Money>() <= sold.gross);
    }
}

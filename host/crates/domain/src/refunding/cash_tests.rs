//! Refunds in cash: coins, sums, and the end of a payment.

use super::tests::{piece, refund, sale};
use super::*;
use crate::cash::{CASH_STEPS, nearest, step_in_minor};
use crate::selling::tests::{line, tender};

/// A sale of one line, paid with cash.
fn in_cash(gross: Money, paid: Money) -> Sale {
    let mut sold = sale(vec![line(1, gross, 1, 0, 0)], vec![tender(1, "cash", paid)]);
    sold.rounding = paid - gross;
    sold
}

fn amounts(tenders: &[Tender]) -> Vec<(&str, Money)> {
    let amounts = tenders.iter();
    amounts
        .map(|tender| (&*tender.kind, tender.amount))
        .collect()
}

/// Refunds amounts one after another; returns what each pays and its rounding.
fn in_turn(sold: &Sale, parts: &[Money], step: Money) -> Vec<(Money, Money)> {
    let mut earlier: Vec<Refund> = Vec::new();
    for part in parts {
        let extent = Extent::Amount(*part);
        let back = resolve(sold, &earlier, &extent, vec![], None, step).expect("a part");
        earlier.push(refund(back));
    }
    let paid = earlier
        .iter()
        .map(|back| (paid(&back.tenders), back.rounding));
    paid.collect()
}

#[test]
fn cash_is_paid_in_coins_and_the_last_refund_pays_the_rest() {
    // 81.39 DKK were paid with 81.50.
    let sold = in_cash(8139, 8150);
    let parts = in_turn(&sold, &[2713, 2713, 2713], 50);
    assert_eq!(parts, [(2700, -13), (2700, -13), (2750, 37)]);
    // 27.25 is rounded away from zero.
    let parts = in_turn(&sold, &[2725, 5414], 50);
    assert_eq!(parts, [(2750, 25), (5400, -14)]);
    // A currency without a cash step is not rounded.
    assert_eq!(in_turn(&sold, &[2713], 1), [(2713, 0)]);
    let all = resolve(&sold, &[], &Extent::Full, vec![], None, 50).expect("all");
    assert_eq!(
        (amounts(&all.tenders), all.rounding),
        (vec![("cash", 8150)], 11)
    );
}

#[test]
fn parts_that_are_rounded_up_never_exceed_what_was_paid() {
    // Four quarters of a krone: each is rounded to 0.50, but 1.00 was paid.
    let sold = in_cash(100, 100);
    let parts = in_turn(&sold, &[25, 25, 25, 25], 50);
    assert_eq!(parts, [(50, 25), (50, 25), (0, -25), (0, -25)]);
    // Parts that are rounded down leave the rest to the last one.
    let parts = in_turn(&sold, &[20, 20, 20, 20, 20], 50);
    assert_eq!(parts, [(0, -20), (0, -20), (0, -20), (0, -20), (100, 80)]);
    let nothing = resolve(&sold, &[], &Extent::Amount(20), vec![], None, 50).expect("a part");
    assert_eq!(nothing.tenders, []);
}

#[test]
fn a_till_that_took_an_amount_off_the_step_gives_it_back() {
    let sold = in_cash(8139, 8139);
    let parts = in_turn(&sold, &[2713, 2713, 2713], 50);
    assert_eq!(parts, [(2700, -13), (2700, -13), (2739, 26)]);
}

#[test]
fn only_the_cash_of_several_tenders_is_rounded() {
    let mut sold = sale(
        vec![line(1, 10_000, 1, 0, 0)],
        vec![tender(1, "card", 6000), tender(2, "cash", 4000)],
    );
    let part = resolve(&sold, &[], &Extent::Amount(3333), vec![], None, 50).expect("a part");
    // 19.998 and 13.332
    assert_eq!(amounts(&part.tenders), [("card", 2000), ("cash", 1350)]);
    assert_eq!(part.rounding, 17);
    let rest = resolve(
        &sold,
        &[refund(part)],
        &Extent::Amount(6667),
        vec![],
        None,
        50,
    );
    let rest = rest.expect("the rest");
    assert_eq!(amounts(&rest.tenders), [("card", 4000), ("cash", 2650)]);
    assert_eq!(rest.rounding, -17);
    // Two payments in cash are refunded by one.
    sold.tenders = vec![tender(1, "cash", 6000), tender(2, "cash", 4000)];
    let part = resolve(&sold, &[], &Extent::Amount(3333), vec![], None, 50).expect("a part");
    assert_eq!(amounts(&part.tenders), [("cash", 3350)]);
    let rest = resolve(&sold, &[refund(part)], &Extent::Full, vec![], None, 50);
    assert_eq!(amounts(&rest.expect("the rest").tenders), [("cash", 6650)]);
}

#[test]
fn the_last_refund_pays_the_rest_in_coins_if_another_tender_paid_an_earlier_one() {
    let sold = sale(
        vec![line(1, 10_003, 1, 0, 0)],
        vec![tender(1, "cash", 4000), tender(2, "card", 6003)],
    );
    let gift = vec![tender(1, "gift-card", 2000)];
    let first = resolve(&sold, &[], &Extent::Amount(2000), gift, None, 50).expect("a part");
    let rest = resolve(&sold, &[refund(first)], &Extent::Full, vec![], None, 50);
    let rest = rest.expect("the rest");
    // 31.998 and 48.032
    assert_eq!(amounts(&rest.tenders), [("cash", 3200), ("card", 4803)]);
    assert_eq!(rest.rounding, 0);
}

#[test]
fn named_cash_must_be_payable() {
    let sold = in_cash(8139, 8150);
    let named = |part, amount, rounding| {
        let tenders = vec![tender(1, "cash", amount)];
        resolve(&sold, &[], &Extent::Amount(part), tenders, rounding, 50)
    };
    for rounding in [None, Some(0), Some(-13)] {
        let problems = named(2713, 2713, rounding).expect_err("no coins");
        assert_eq!(problems[0].field, "tenders.0.amount");
        let message = &problems[0].message;
        assert!(message.contains("2700 and 2750, got 2713"), "{message}");
    }
    // Both amounts of the message are accepted, with or without the rounding.
    for (amount, rounding) in [(2700, -13), (2750, 37)] {
        for given in [None, Some(rounding)] {
            let back = named(2713, amount, given).expect("payable");
            assert_eq!((back.rounding, paid(&back.tenders)), (rounding, amount));
        }
    }
    for (part, amount) in [
        (2713, 2650),
        (2713, 2800),
        (2700, 2750),
        (8139, 8100),
        (8139, 8200),
    ] {
        assert_eq!(
            named(part, amount, None).expect_err("another sum")[0].field,
            "tenders"
        );
    }
    assert!(named(8139, 8150, None).is_ok());
    // Foreign cash has other coins.
    let mut euros = tender(1, "cash", 2713);
    euros.foreign = Some(crate::Foreign {
        currency: "EUR".into(),
        amount: 364,
        rate: Decimal {
            unscaled: 745,
            scale: 2,
        },
    });
    assert!(resolve(&sold, &[], &Extent::Amount(2713), vec![euros], None, 50).is_ok());
}

#[test]
fn a_chosen_rounding_must_make_the_cash_payable() {
    let sold = in_cash(8139, 8150);
    let chosen = |rounding| {
        let extent = Extent::Amount(2713);
        resolve(&sold, &[], &extent, vec![], Some(rounding), 50).map(|back| paid(&back.tenders))
    };
    assert_eq!((chosen(-13), chosen(37)), (Ok(2700), Ok(2750)));
    for rounding in [0, -63, 87, 1, Money::MIN, Money::MAX] {
        assert_eq!(
            chosen(rounding).expect_err("off the step")[0].field,
            "rounding"
        );
    }
    // The cash cannot be negative: the card pays 13.57 of 27.13.
    let tenders = vec![tender(1, "card", 4075), tender(2, "cash", 4075)];
    let both = sale(vec![line(1, 8150, 1, 0, 0)], tenders);
    let extent = Extent::Amount(2713);
    let least = resolve(&both, &[], &extent, vec![], Some(-1400), 2000).expect_err("negative cash");
    assert_eq!(
        least[0].message,
        "must be at least -1356, because other tenders than cash pay 1357, got -1400"
    );
    // A card payment is refunded exactly.
    let card = sale(vec![line(1, 8139, 1, 0, 0)], vec![tender(1, "card", 8139)]);
    let chosen = |rounding| resolve(&card, &[], &Extent::Full, vec![], Some(rounding), 50);
    assert!(chosen(0).is_ok() && chosen(11).is_err());
    let cash = |amount| {
        resolve(
            &card,
            &[],
            &Extent::Full,
            vec![tender(1, "cash", amount)],
            None,
            50,
        )
    };
    // Cash for a card: as much as coins can pay.
    assert_eq!(cash(8100).map(|back| back.rounding), Ok(-39));
    assert!(cash(8150).is_err() && cash(8050).is_err());
}

#[test]
fn a_card_refunds_a_payment_in_rounded_cash() {
    for (gross, paid_in_cash) in [(8139, 8150), (8111, 8100)] {
        let sold = in_cash(gross, paid_in_cash);
        let card = |amount| vec![tender(1, "card", amount)];
        let back = resolve(&sold, &[], &Extent::Full, card(paid_in_cash), None, 50);
        assert_eq!(back.map(|back| back.rounding), Ok(paid_in_cash - gross));
        assert!(resolve(&sold, &[], &Extent::Full, card(gross), None, 50).is_err());
    }
}

#[test]
fn a_free_article_alone_is_refunded_without_tenders() {
    let lines = vec![line(1, 1000, 1, 0, 0), line(2, 500, 1, 500, 0)];
    let sold = sale(lines, vec![tender(1, "cash", 1000)]);
    let number = |line| {
        Extent::Lines(vec![RefundLine {
            line,
            quantity: None,
        }])
    };
    let free = resolve(&sold, &[], &number(2), vec![], None, 50).expect("a free article");
    assert_eq!((free.gross, free.rounding, free.lines.len()), (0, 0, 1));
    assert_eq!(free.tenders, []);
    let mut earlier = vec![refund(free)];
    assert!(resolve(&sold, &earlier, &number(2), vec![], None, 50).is_err());
    let rest = resolve(&sold, &earlier, &Extent::Full, vec![], None, 50).expect("the rest");
    assert_eq!(amounts(&rest.tenders), [("cash", 1000)]);
    earlier.push(refund(rest));
    assert!(resolve(&sold, &earlier, &Extent::Full, vec![], None, 50).is_err());
    // In the other order, with nothing left to pay.
    let paid_back = refund(resolve(&sold, &[], &number(1), vec![], None, 50).expect("the other"));
    let free = resolve(&sold, &[paid_back], &number(2), vec![], None, 50);
    assert_eq!(free.expect("a free article").tenders, []);
    for extent in [Extent::Lines(vec![]), Extent::Amount(0), Extent::Amount(-1)] {
        assert!(resolve(&sold, &[], &extent, vec![], None, 50).is_err());
    }
}

/// Draws a payment: lines, tenders, and cash that coins can pay.
fn draw_sale(below: &mut impl FnMut(i64) -> i64, step: Money) -> Sale {
    let count = 1 + u32::try_from(below(3)).expect("small");
    let lines = (1..=count).map(|n| line(n, below(40 * step + 700), 1 + below(3), 0, 0));
    let mut sold = sale(lines.collect(), vec![]);
    let card = match below(3) {
        0 => 0,
        _ => below(sold.gross + 1),
    };
    let mut rest = sold.gross - card;
    if card > 0 {
        sold.tenders.push(tender(1, "card", card));
    }
    let cash = nearest(rest, step);
    let first = nearest(below(cash + 1), step).min(cash);
    for part in [first, cash - first] {
        rest -= part;
        if part > 0 {
            let number = u32::try_from(sold.tenders.len() + 1).expect("small");
            sold.tenders.push(tender(number, "cash", part));
        }
    }
    sold.rounding = -rest;
    sold
}

/// For drawn payments in every currency with a cash step, refunded in parts until nothing is left: each refund
/// is paid in coins, its sums agree, and all refunds together pay exactly what was paid.
#[test]
fn refunds_of_drawn_payments_end_at_what_was_paid() {
    let mut chance = 20_261_130_u64;
    let mut below = move |end: i64| {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let drawn = (chance >> 33) % u64::try_from(end.max(1)).expect("positive");
        i64::try_from(drawn).expect("small")
    };
    let steps: Vec<Money> = (CASH_STEPS.iter())
        .flat_map(|row| [0, 2, 3].map(|digits| step_in_minor(None, row.currency, digits)))
        .filter(|step| *step > 1)
        .collect();
    let (mut refunds, mut rounded) = (0, 0);
    for case in 0..100_000 {
        let step = steps[case % steps.len()];
        let sold = draw_sale(&mut below, step);
        let due = paid(&sold.tenders);
        let only_cash = sold.tenders.iter().all(Tender::is_cash);
        let (mut earlier, mut left, mut payable) = (Vec::<Refund>::new(), sold.gross, due);
        let mut requests = 0;
        while left > 0 {
            requests += 1;
            let extent = match below(4) {
                _ if requests > 5 => Extent::Full,
                0 => Extent::Full,
                1 => piece(1 + u32::try_from(below(3)).expect("small")),
                _ => Extent::Amount(1 + below(left)),
            };
            let back = match resolve(&sold, &earlier, &extent, vec![], None, step) {
                Ok(back) => back,
                // The line may be unknown, refunded, or larger than what is left.
                Err(_) if matches!(extent, Extent::Lines(_)) => continue,
                Err(problems) => panic!("{extent:?} of {sold:#?}: {problems:?}"),
            };
            let pays = paid(&back.tenders);
            assert_eq!(pays, back.gross + back.rounding);
            let mut coins = back.tenders.iter().filter(|tender| tender.is_cash());
            assert!(
                coins.all(|cash| cash.amount % step == 0),
                "{step} {back:#?}"
            );
            left -= back.gross;
            let nearest = (back.gross * 2 + step) / (step * 2) * step;
            if only_cash && left > 0 {
                assert_eq!(pays, nearest.min(payable), "{step} {back:#?}");
            }
            payable -= pays;
            assert!(payable >= 0);
            refunds += 1;
            rounded += usize::from(back.rounding != 0);
            earlier.push(refund(back));
        }
        assert_eq!(payable, 0, "{step} {sold:#?} {earlier:#?}");
        for kind in ["card", "cash"] {
            let of = |tenders: &[Tender]| -> Money {
                let of = tenders.iter().filter(|tender| tender.kind == kind);
                of.map(|tender| tender.amount).sum()
            };
            let back: Money = earlier.iter().map(|back| of(&back.tenders)).sum();
            assert_eq!(back, of(&sold.tenders), "{kind}");
        }
    }
    assert!(rounded * 3 > refunds, "{rounded} of {refunds} were rounded");
}

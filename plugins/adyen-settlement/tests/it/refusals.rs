//! Rejected files, with row and column of each problem.

use crate::{GOOD, changed, read};

#[test]
fn every_problem_names_row_and_column() {
    let cases = [
        (
            changed(2, "12.99", "1E-80000000"),
            "row 2, Gross Credit (GC): `1E-80000000` is not an amount",
        ),
        (
            changed(2, "12.99", "NaN"),
            "row 2, Gross Credit (GC): `NaN` is not an amount",
        ),
        (
            changed(2, "12.99", "12.999"),
            "row 2, Gross Credit (GC): `12.999` has more digits",
        ),
        (
            changed(2, "12.99", "92233720368547758.08"),
            "row 2, Gross Credit (GC): `92233720368547758.08` is too large",
        ),
        (
            changed(2, "12.99", "-12.99"),
            "row 2, Gross Credit (GC): has the wrong sign",
        ),
        (
            changed(2, ",,12.99", ",12.99,"),
            "row 2, Net Credit (NC): net and fee add up to 12.99, the gross is -12.99",
        ),
        (
            changed(2, "12.89", "12.88"),
            "row 2, Net Credit (NC): net and fee add up to 12.98, the gross is 12.99",
        ),
        (
            changed(2, "EUR,,12.89", "EUR,1.00,12.89"),
            "row 2, Net Credit (NC): Net Debit (NC) has an amount too",
        ),
        (
            changed(2, "0.04", "x"),
            "row 2, Markup (NC): `x` is not an amount",
        ),
        (
            changed(2, "2026-11-20", "2026-02-30"),
            "row 2, Creation Date: `2026-02-30 10:11:12` is not a date",
        ),
        (
            changed(3, "Settled", "Setled"),
            "row 3, Type: `Setled` is unknown: correct it, or add it to the setting types; similar known values: Settled, ",
        ),
        (
            changed(3, "1,EUR", "1,USD"),
            "row 3, Net Currency: `USD` differs from `EUR` in row 2: a file must contain one payout",
        ),
        (
            changed(3, ",214,", ",215,"),
            "row 3, Batch Number: `215` differs from `214` in row 2: a file must contain one payout",
        ),
        (
            changed(3, "ExampleShopES", "ExampleShopPT"),
            "row 3, Merchant Account: `ExampleShopPT` differs from",
        ),
        (
            changed(3, "EUR,,149.90", "€,,149.90"),
            "row 3, Gross Currency: `€` is not a currency such as EUR",
        ),
        (
            changed(4, "Refunded", "Settled"),
            "row 4, Gross Debit (GC): has the wrong sign: a payment cannot be negative",
        ),
        (
            changed(4, "25.10", "25.11"),
            "row 4, Net Debit (NC): net and fee add up to -25.01, the gross is -25.00",
        ),
        (
            changed(2, ",0.04,0.03,0.03,", ",-0.14,0.02,0.02,").replace("12.89", "13.09"),
            "row 2, Markup (NC): has the wrong sign: the fee of a payment",
        ),
        (
            changed(2, "Settled", "Refunded"),
            "row 2, Gross Credit (GC): has the wrong sign: a refund cannot be positive",
        ),
        (
            changed(5, "0.1340", "1.3400"),
            "row 5, Exchange Rate: 1.3400 does not give 26.67",
        ),
        (
            changed(5, "0.1340", ""),
            "row 5, Exchange Rate: `` is not a rate",
        ),
        (
            changed(9, "Fee", "MerchantPayout"),
            "row 11, Type: row 9 is a payout too",
        ),
        (
            changed(11, "146.25,", ",146.25"),
            "row 11, Net Credit (NC): has the wrong sign: a payout",
        ),
        (
            changed(11, "146.25", "146.26"),
            "row 11, Net Debit (NC): the total is 146.26, and the 9 lines add up to 146.25",
        ),
        (
            changed(11, "MerchantPayout", "Balancetransfer"),
            "row 11, Type: the file has no MerchantPayout row",
        ),
        (
            changed(3, ",214,,,,,,,", ",214"),
            "row 3, Reserved4: the row has 23 cells, but the header has 30",
        ),
        (
            changed(1, "Net Debit (NC)", "Nett Debit (NC)"),
            "row 1, Net Debit (NC): is missing",
        ),
        (
            changed(1, "Reserved4", "Type"),
            "row 1, Type: occurs 2 times in the header",
        ),
        (
            changed(2, "visa", "vi\0sa"),
            "row 2, Payment Method: has a control character, U+0000",
        ),
        (
            changed(2, "visa", &"v".repeat(4097)),
            "row 2, Payment Method: has more than 4096 bytes",
        ),
        (
            changed(2, "visa", &"v".repeat(301)),
            "row 2, Payment Method: has more than 300 bytes",
        ),
        (
            changed(2, "ES-0007-100017", &"9".repeat(301)),
            "row 2, Merchant Reference: has more than 300 bytes",
        ),
        (
            changed(4, "LQWDDLKTSV2GGS03", "\"LQ\nS03\""),
            "row 4, Modification Reference: `LQ\u{fffd}S03` must be one line",
        ),
        (
            changed(2, ",214,", &[",", &"2".repeat(301), ","].concat()),
            "row 2, Batch Number: has more than 300 bytes",
        ),
        (
            String::new(),
            "row 1, Type: the file is empty or ends before its header",
        ),
        (
            GOOD.lines().next().expect("a header").to_owned(),
            "row 1, Type: the file has no MerchantPayout row",
        ),
    ];
    for (text, expected) in cases {
        let problems = read(text).problems();
        let found = problems.iter().any(|problem| problem.starts_with(expected));
        assert!(found, "{expected}\n{problems:#?}");
    }
    let spoilt = GOOD.replacen("visa", "vis\u{1}", 1).into_bytes();
    let spoilt: Vec<u8> = spoilt
        .into_iter()
        .map(|byte| if byte == 1 { 0xff } else { byte })
        .collect();
    assert_eq!(
        read(spoilt).problems()[0],
        "row 2, Payment Method: is not UTF-8"
    );
}

#[test]
fn all_problems_are_reported_up_to_fifty() {
    let mut lines: Vec<&str> = GOOD.lines().collect();
    let bad = lines[1].replace("12.99", "oops");
    for _ in 0..80 {
        lines.insert(2, &bad);
    }
    let problems = read(lines.join("\n")).problems();
    assert_eq!(problems.len(), 50);
    assert!(
        problems[0].starts_with("row 3, Gross Credit (GC): `oops`"),
        "{}",
        problems[0]
    );
    assert!(problems[49].starts_with("row 52, "), "{}", problems[49]);
}

#[test]
fn all_problems_of_a_row_are_reported() {
    let text = changed(2, "12.99", "x")
        .replacen("12.89", "y", 1)
        .replacen("0.04", "z", 1)
        .replacen("2026-11-20 10:11:12", "20/11/2026", 1)
        .replacen("QFQTPCQ8HXSKGK82", &"9".repeat(301), 1);
    let expected = [
        "row 2, Creation Date: `20/11/2026` is not a date in the form yyyy-mm-dd",
        "row 2, Net Credit (NC): `y` is not an amount",
        "row 2, Markup (NC): `z` is not an amount",
        "row 2, Gross Credit (GC): `x` is not an amount",
        "row 2, Psp Reference: has more than 300 bytes",
    ];
    let problems = read(text).problems();
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{expected}\n{problems:#?}");
    }
    // A wrong sign is reported together with an invalid cell, and an unknown word with an invalid amount.
    let text = changed(4, "Refunded", "Settled").replacen("11:02:00", "11:62:00", 1);
    assert_eq!(read(text).problems().len(), 2);
    let text = changed(3, "Settled", "Setled").replacen("147.80", "147,80", 1);
    let problems = read(text).problems();
    assert_eq!(problems.len(), 2, "{problems:#?}");
}

//! Texts that are numbers in a format, and the errors of the others.

use super::*;

const COMMA: NumberFormat = NumberFormat::new(',', None);
const POINT: NumberFormat = NumberFormat::new('.', None);
const GERMAN: NumberFormat = NumberFormat::new(',', Some('.'));
const FRENCH: NumberFormat = NumberFormat::new(',', Some(' '));
const SWISS: NumberFormat = NumberFormat::new('.', Some('\''));

fn euros(format: NumberFormat, text: &str) -> Result<i64, String> {
    let read = format.amount(text, "EUR", 2);
    read.map_err(|error| format.explain(&error, "an amount"))
}

#[test]
fn an_unconfigured_separator_is_named() {
    let no_thousands = "the decimal mark is `,` and there is no thousands mark: check the settings decimal_mark and thousands";
    for (text, name) in [
        ("71.50", "`.`"),
        ("1.250", "`.`"),
        ("1.250,00", "`.`"),
        ("1'250,00", "`'`"),
        ("1\u{2019}250,00", "`\u{2019}`"),
        ("1 250,00", "a blank"),
        ("1\u{a0}250,00", "a no-break space, U+00A0"),
        ("1\u{202f}250", "a narrow no-break space, U+202F"),
        ("1,25.0", "`.`"),
        ("1,25 0", "a blank"),
        ("-71.50 €", "`.`"),
        (".50", "`.`"),
        ("71.", "`.`"),
        ("1,25.00", "`.`"),
    ] {
        let expected = ["contains ", name, ", but ", no_thousands].concat();
        assert_eq!(euros(COMMA, text), Err(expected), "{text}");
    }
    for (format, text, marks) in [
        (
            POINT,
            "71,50",
            "contains `,`, but the decimal mark is `.` and there is no",
        ),
        (
            POINT,
            "1,249.90",
            "contains `,`, but the decimal mark is `.` and there is no",
        ),
        (
            GERMAN,
            "1 249,90",
            "contains a blank, but the decimal mark is `,` and the thousands mark is `.`",
        ),
        (
            FRENCH,
            "1.249,90",
            "contains `.`, but the decimal mark is `,` and the thousands mark is a blank",
        ),
        (
            SWISS,
            "1,249.90",
            "contains `,`, but the decimal mark is `.` and the thousands mark is `'`",
        ),
        (
            NumberFormat::minor_units(),
            "12.99",
            "contains `.`, but amounts are in minor units without marks: check the setting decimal_mark",
        ),
    ] {
        let message = euros(format, text).expect_err(text);
        assert!(message.starts_with(marks), "{text}: {message}");
    }
    // A blank that was configured by its code stands only for itself.
    let narrow = NumberFormat::new(',', Some('\u{202f}'));
    assert_eq!(euros(narrow, "1\u{202f}249,90"), Ok(124_990));
    assert!(euros(narrow, "1 249,90").is_err());
}

#[test]
fn groups_have_three_digits() {
    for (format, text, amount) in [
        (GERMAN, "1.249,90", 124_990),
        (GERMAN, "1.249", 124_900),
        (GERMAN, "1249,90", 124_990),
        (GERMAN, "12.345.678,9", 1_234_567_890),
        (GERMAN, "123.456", 12_345_600),
        (GERMAN, "007,50", 750),
        (GERMAN, "-92.233.720.368.547.758,08", i64::MIN),
        (FRENCH, "1 249,90", 124_990),
        (FRENCH, "1\u{a0}249,90", 124_990),
        (FRENCH, "1\u{202f}249\u{a0}000,90", 124_900_090),
        (SWISS, "1'249.90", 124_990),
        (SWISS, "1\u{2019}249.90", 124_990),
    ] {
        assert_eq!(euros(format, text), Ok(amount), "{text}");
    }
    for (format, text) in [
        (GERMAN, "12.49,90"),
        (GERMAN, "1.2490"),
        (GERMAN, "1249.900"),
        (GERMAN, "1..249,90"),
        (GERMAN, ".249,90"),
        (GERMAN, "1.249.,90"),
        (GERMAN, "1,249.900"),
        (GERMAN, "1,2,3"),
        // Leading zeros are not grouped: this is 0.123 with another decimal mark.
        (GERMAN, "0.123"),
        (GERMAN, "012.345"),
        // Indian groups.
        (GERMAN, "1.23.456,00"),
        (GERMAN, "12.34.567,00"),
        (FRENCH, "1  249,90"),
        (FRENCH, "1 24 9,90"),
    ] {
        let message = euros(format, text).expect_err(text);
        assert!(
            message.starts_with("is not an amount such as -12,50: the decimal mark is `,` and"),
            "{text}: {message}"
        );
    }
}

#[test]
fn a_number_has_at_most_one_sign() {
    for text in [
        "-12,50",
        "\u{2212}12,50",
        "12,50-",
        "12,50\u{2212}",
        "(12,50)",
        "- 12,50",
        "12,50 -",
        "( 12,50 )",
        " -12,50 ",
        "\u{a0}-12,50\u{202f}",
        "-012,50",
    ] {
        assert_eq!(euros(COMMA, text), Ok(-1250), "{text}");
    }
    assert_eq!(euros(COMMA, "+12,50"), Ok(1250));
    assert_eq!(euros(COMMA, "-0,00"), Ok(0));
    assert_eq!(euros(COMMA, "(0)"), Ok(0));
    for text in [
        "--1",
        "+-1",
        "-1-",
        "+1-",
        "(-1)",
        "-(1)",
        "((1))",
        "(1-)",
        "(1)-",
        "\u{2212}-1",
    ] {
        assert_eq!(
            euros(COMMA, text),
            Err("has more than one sign".to_owned()),
            "{text}"
        );
    }
    for text in [
        "(1",
        "1)",
        ")1(",
        "1+",
        "1(",
        "-",
        "()",
        "( )",
        "\u{2013}1",
        "~1",
        "1-2",
    ] {
        let message = euros(COMMA, text).expect_err(text);
        assert!(message.starts_with("is not an amount"), "{text}: {message}");
    }
}

#[test]
fn a_currency_belongs_to_the_amount() {
    for (text, currency, amount) in [
        ("€12,50", "EUR", 1250),
        ("€ 12,50", "EUR", 1250),
        ("12,50€", "EUR", 1250),
        ("12,50\u{202f}€", "EUR", 1250),
        ("EUR 12,50", "EUR", 1250),
        ("12,50 eur", "EUR", 1250),
        ("-€12,50", "EUR", -1250),
        ("€-12,50", "EUR", -1250),
        ("€ (12,50)", "EUR", -1250),
        ("(€12,50)", "EUR", -1250),
        ("(12,50 €)", "EUR", -1250),
        ("12,50- EUR", "EUR", -1250),
        ("12,50 EUR-", "EUR", -1250),
        ("$12,50", "USD", 1250),
        ("$12,50", "CAD", 1250),
        ("R$ 12,50", "BRL", 1250),
        ("kr 12,50", "SEK", 1250),
        ("12,50 kr.", "DKK", 1250),
        ("kr.12,50", "DKK", 1250),
        ("Kr. 12,50", "NOK", 1250),
        ("12,50 zł", "PLN", 1250),
        ("12,50 KČ", "CZK", 1250),
        ("CHF 12,50", "CHF", 1250),
        ("Fr. 12,50", "CHF", 1250),
        ("TL 12,50", "TRY", 1250),
    ] {
        assert_eq!(COMMA.amount(text, currency, 2), Ok(amount), "{text}");
    }
    for (text, currency, found) in [
        ("$12,50", "EUR", "$"),
        ("12,50 kr", "EUR", "kr"),
        ("12,50 USD", "EUR", "USD"),
        ("usd 12,50", "EUR", "usd"),
        ("€12,50", "USD", "€"),
        ("R$ 12,50", "USD", "R$"),
        ("(12,50 £)", "EUR", "£"),
    ] {
        let error = COMMA.amount(text, currency, 2).expect_err(text);
        let message = COMMA.explain(&error, "an amount");
        let expected = [
            "has the currency `",
            found,
            "`, but the currency of the amount is ",
            currency,
        ];
        assert_eq!(message, expected.concat(), "{text}");
    }
    for text in [
        "€12,50€",
        "EUR €12,50",
        "12,50 EU",
        "x12,50",
        "12,50E",
        "€",
        "EUR",
        "12€50",
        "1E3",
        "1e-5",
    ] {
        assert_eq!(
            COMMA.amount(text, "EUR", 2),
            Err(NumberError::Malformed),
            "{text}"
        );
    }
    // With a decimal point this may be 0.50.
    assert_eq!(POINT.amount("kr.50", "DKK", 2), Err(NumberError::Malformed));
    assert_eq!(POINT.amount("kr. 50", "DKK", 2), Ok(5000));
    assert_eq!(POINT.amount("50 kr.", "DKK", 2), Ok(5000));
    // A rate and a quantity have no currency.
    assert_eq!(COMMA.number("€1,5", None, 6), Err(NumberError::Malformed));
}

#[test]
fn surplus_digits_must_be_zero() {
    for (text, format, currency, digits, amount) in [
        ("2000.00", POINT, "ISK", 0, Ok(2000)),
        ("2000", POINT, "ISK", 0, Ok(2000)),
        (
            "2000.50",
            POINT,
            "ISK",
            0,
            Err(NumberError::SurplusDigits(0)),
        ),
        (
            "2000.05",
            POINT,
            "ISK",
            0,
            Err(NumberError::SurplusDigits(0)),
        ),
        ("1.250", POINT, "KWD", 3, Ok(1250)),
        ("1.250", COMMA, "KWD", 3, Err(NumberError::Separator('.'))),
        ("1.2500", POINT, "KWD", 3, Ok(1250)),
        (
            "1.2505",
            POINT,
            "KWD",
            3,
            Err(NumberError::SurplusDigits(3)),
        ),
        ("1,50000000000000000000000000", COMMA, "EUR", 2, Ok(150)),
        (
            "1,500000000000000000000000001",
            COMMA,
            "EUR",
            2,
            Err(NumberError::SurplusDigits(2)),
        ),
        ("71.50", COMMA, "EUR", 2, Err(NumberError::Separator('.'))),
        // Wrong marks are reported also after surplus digits.
        ("1,00.5", COMMA, "ISK", 0, Err(NumberError::Separator('.'))),
    ] {
        assert_eq!(format.amount(text, currency, digits), amount, "{text}");
    }
}

#[test]
fn other_texts_are_not_numbers() {
    for text in [
        "",
        " ",
        "NaN",
        "inf",
        "1E-80000000",
        "0x1",
        "1_000",
        ",5",
        "5,",
        ",",
        "12,50 x",
        "1\t2",
        "#",
    ] {
        let message = euros(COMMA, text).expect_err(text);
        assert!(
            message.starts_with("is not an amount such as -12,50"),
            "{text}: {message}"
        );
    }
    for text in ["١٢", "１２,50", "1٢", "12,५0", "²", "1½"] {
        let expected = "must be written with the digits 0 to 9".to_owned();
        assert_eq!(euros(COMMA, text), Err(expected), "{text}");
    }
    for text in [
        "92233720368547758,08",
        "99999999999999999999",
        "-92.233.720.368.547.758,09",
    ] {
        assert_eq!(
            euros(GERMAN, text),
            Err("is too large".to_owned()),
            "{text}"
        );
    }
    assert!(euros(POINT, &"0".repeat(5000)).is_err());
    assert!(euros(POINT, &"€".repeat(5000)).is_err());
}

#[test]
fn minor_units_are_integers() {
    let read = |text| NumberFormat::minor_units().amount(text, "JPY", 2);
    assert_eq!(read("0001299"), Ok(1299));
    assert_eq!(read("1299-"), Ok(-1299));
    assert_eq!(read("+0"), Ok(0));
    assert_eq!(read("-9223372036854775808"), Ok(i64::MIN));
    assert_eq!(read("12,99"), Err(NumberError::Separator(',')));
    assert_eq!(read("1 299"), Err(NumberError::Separator(' ')));
    assert_eq!(read("1A"), Err(NumberError::Malformed));
}

#[test]
fn a_number_keeps_its_digits() {
    let read = |text| POINT.number(text, None, 18);
    assert_eq!(
        read("1.0837"),
        Ok(Number {
            unscaled: 10_837,
            scale: 4
        })
    );
    assert_eq!(
        read("1.50"),
        Ok(Number {
            unscaled: 150,
            scale: 2
        })
    );
    assert_eq!(
        read("0.000000000000000001"),
        Ok(Number {
            unscaled: 1,
            scale: 18
        })
    );
    assert_eq!(
        read("0.0000000000000000001"),
        Err(NumberError::SurplusDigits(18))
    );
    assert_eq!(
        POINT.number("1.2500", None, 3),
        Ok(Number {
            unscaled: 1250,
            scale: 3
        })
    );
}

#[test]
fn marks_are_checked() {
    let wrong = |mark, thousands| {
        NumberFormat::wrong_settings(mark, thousands)
            .map(|(setting, _)| setting)
            .collect::<Vec<_>>()
    };
    for thousands in [
        None,
        Some('.'),
        Some(' '),
        Some('\''),
        Some('\u{2019}'),
        Some('\u{a0}'),
    ] {
        assert_eq!(wrong(',', thousands), Vec::<&str>::new(), "{thousands:?}");
    }
    assert_eq!(wrong(';', None), ["decimal_mark"]);
    assert_eq!(wrong(',', Some(',')), ["thousands"]);
    assert_eq!(wrong(',', Some('_')), ["thousands"]);
    assert_eq!(wrong('x', Some('x')), ["decimal_mark", "thousands"]);
}

//! The signs of currencies. A sign of several currencies is valid for each of them.
//!
//! The signs are those that Unicode CLDR lists as symbols and narrow symbols, and abbreviations in common use.

/// Each sign, and the codes of its currencies.
const SIGNS: [(&str, &str); 91] = [
    (
        "$",
        "ARS AUD BBD BMD BND BSD BZD CAD CLP COP CUP DOP FJD GYD HKD JMD KYD LRD MXN NAD NIO NZD SBD SGD SRD TTD \
         TWD USD UYU XCD",
    ),
    ("US$", "USD"),
    ("A$", "AUD"),
    ("AU$", "AUD"),
    ("C$", "CAD NIO"),
    ("CA$", "CAD"),
    ("HK$", "HKD"),
    ("MX$", "MXN"),
    ("NT$", "TWD"),
    ("NZ$", "NZD"),
    ("R$", "BRL"),
    ("RD$", "DOP"),
    ("S$", "SGD"),
    ("$U", "UYU"),
    ("€", "EUR"),
    ("£", "EGP FKP GBP GIP LBP SHP SSP SYP"),
    ("E£", "EGP"),
    ("¥", "CNY JPY"),
    ("\u{ffe5}", "CNY JPY"),
    ("CN¥", "CNY"),
    ("RMB", "CNY"),
    ("JP¥", "JPY"),
    ("元", "CNY"),
    ("円", "JPY"),
    ("kr", "DKK ISK NOK SEK"),
    ("kr.", "DKK ISK NOK SEK"),
    ("zł", "PLN"),
    ("Kč", "CZK"),
    ("Ft", "HUF"),
    ("lei", "RON"),
    ("L", "HNL MDL"),
    ("лв", "BGN"),
    ("лв.", "BGN"),
    ("ден", "MKD"),
    ("дин", "RSD"),
    ("дин.", "RSD"),
    ("din", "RSD"),
    ("din.", "RSD"),
    ("KM", "BAM"),
    ("kn", "HRK"),
    ("Fr", "CHF"),
    ("Fr.", "CHF"),
    ("SFr", "CHF"),
    ("SFr.", "CHF"),
    ("₺", "TRY"),
    ("TL", "TRY"),
    ("₽", "RUB"),
    ("руб", "RUB"),
    ("руб.", "RUB"),
    ("₴", "UAH"),
    ("грн", "UAH"),
    ("₾", "GEL"),
    ("₸", "KZT"),
    ("₼", "AZN"),
    ("֏", "AMD"),
    ("₪", "ILS"),
    ("NIS", "ILS"),
    ("₹", "INR"),
    ("Rs", "INR LKR MUR NPR PKR SCR"),
    ("Rs.", "INR LKR MUR NPR PKR SCR"),
    ("₨", "INR LKR MUR NPR PKR SCR"),
    ("৳", "BDT"),
    ("₩", "KPW KRW"),
    ("₫", "VND"),
    ("đ", "VND"),
    ("฿", "THB"),
    ("₱", "CUP PHP"),
    ("Rp", "IDR"),
    ("RM", "MYR"),
    ("₭", "LAK"),
    ("៛", "KHR"),
    ("₮", "MNT"),
    ("R", "ZAR"),
    ("₦", "NGN"),
    ("₵", "GHS"),
    ("₡", "CRC"),
    ("₲", "PYG"),
    ("Gs", "PYG"),
    ("Q", "GTQ"),
    ("S/", "PEN"),
    ("S/.", "PEN"),
    ("B/.", "PAB"),
    ("Bs", "BOB VES"),
    ("Bs.", "BOB VES"),
    ("KSh", "KES"),
    ("TSh", "TZS"),
    ("USh", "UGX"),
    ("Dh", "AED MAD"),
    ("DT", "TND"),
    ("FCFA", "XAF XOF"),
    ("CFA", "XAF XOF"),
];

/// Returns whether a word is a code or a sign of a currency, in lower or upper case.
pub(crate) fn belongs(word: &str, currency: &str) -> bool {
    word.eq_ignore_ascii_case(currency)
        || signs(word).any(|codes| codes.split(' ').any(|code| code == currency))
}

/// Returns whether a word looks like a code, or is the sign of a currency.
pub(crate) fn is_currency(word: &str) -> bool {
    let code = word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    code || signs(word).next().is_some()
}

fn signs(word: &str) -> impl Iterator<Item = &'static str> {
    let same = move |sign: &str| match word.is_ascii() {
        true => sign.eq_ignore_ascii_case(word),
        false => sign.to_lowercase() == word.to_lowercase(),
    };
    let found = SIGNS.iter().filter(move |(sign, _)| same(sign));
    found.map(|(_, codes)| *codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_unique_and_their_codes_are_codes() {
        for (at, (sign, codes)) in SIGNS.iter().enumerate() {
            let same = |(other, _): &&(&str, &str)| other.to_lowercase() == sign.to_lowercase();
            assert_eq!(SIGNS.iter().filter(same).count(), 1, "{sign}, row {at}");
            for code in codes.split(' ') {
                let capitals =
                    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
                assert!(capitals, "{sign}: {code}");
            }
        }
        assert!(belongs("rmb", "CNY") && belongs("Kr.", "ISK") && !belongs("kr", "EUR"));
    }
}

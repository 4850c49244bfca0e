//! The closed lists of POSLog 6.0.0 that this plugin writes. A value that a list lacks is written as
//! `prefix:Name`, which the schema allows in place of every list value.
//!
//! The module does not choose values for a retailer; it only adapts them to the schema.

/// Currencies of the standard's list. The list is older than the new leu, the new lira and others.
const CURRENCIES: &str = "ADP AED AFA ALL AMD ANG AOA ARS ATS AUD AWG AZM BAM BBD BDT BEF BGL BGN BHD BIF BMD \
    BND BOB BOV BRL BSD BTN BWP BYR BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CYP CZK \
    DEM DJF DKK DOP DZD ECS ECV EEK EGP ERN ESP ETB EUR FIM FJD FKP FRF GBP GEL GHC GIP \
    GMD GNF GRD GTQ GWP GYD HKD HNL HRK HTG HUF IDR IEP ILS INR IQD IRR ISK ITL JMD JOD \
    JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LTL LUF LVL LYD MAD MDL \
    MGF MKD MMK MNT MOP MRO MTL MUR MVR MWK MXN MXV MYR MZM NAD NGN NIO NLG NOK NPR NZD \
    OMR PAB PEN PGK PHP PKR PLN PTE PYG QAR ROL RUB RUR RWF SAR SBD SCR SDD SEK SGD SHP \
    SIT SKK SLL SOS SRG STD SVC SYP SZL THB TJS TMM TND TOP TPE TRL TTD TWD TZS UAH UGX \
    USD USN USS UYU UZS VEB VND VUV WST XAF XAG XAU XBA XBB XBC XCD XDR XFO XFU XOF XPD \
    XPF XPT XTS YER YUM ZAR ZMK ZWD";

/// Units of measure of the standard that UN/ECE Recommendation 20 has too.
const UNITS: &[&str] = &[
    "EA", "GLI", "GLL", "LTR", "INH", "FOT", "MMT", "CMQ", "CMT", "MTR", "MTK", "MTQ", "GRM",
    "KGM", "LBR", "ANN", "CEL", "FAH",
];

/// `TenderTypeCode`.
pub const TENDER_TYPES: &[&str] = &[
    "AccountsReceivable",
    "AirmilesConversion",
    "CapitalBond",
    "Cash",
    "Check",
    "CheckCard",
    "CoPay",
    "Coupon",
    "CreditDebit",
    "CustomerAccount",
    "EBTCash",
    "EBTFoodstamps",
    "ElectronicTollCollection",
    "FoodStamps",
    "GiftCard",
    "GiftCertificate",
    "HouseAccount",
    "InternationalMaestro",
    "InternationalMoneyOrder",
    "Loyalty",
    "ManufacturerCoupon",
    "Mobile",
    "MoneyOrder",
    "OnlinePayment",
    "PostalOrder",
    "PurchaseOrder",
    "RIFD",
    "StaffDressAllowance",
    "StoreAccount",
    "StoredValue",
    "TravelersCheck",
    "UKMaestro",
    "Voucher",
    "WICCheck",
    "WICCVV",
    "WriteOff",
];

/// `TaxTypeCode`.
pub const TAX_TYPES: &[&str] = &["Sales", "VAT", "GST", "PST", "HST", "Excise", "UseTax"];

/// `EntryMethodTypeCode`.
pub const ENTRY_METHODS: &[&str] = &[
    "Automatic",
    "Keyed",
    "IntegratedChipCard",
    "Measured",
    "MICR",
    "MSR",
    "RFID",
    "SelfScan",
    "Scanned",
    "SmartCard",
    "Tapped",
    "Waved",
    "Weighed",
];

/// `WorkstationIDTypeCode`.
pub const WORKSTATION_TYPES: &[&str] = &[
    "ATM",
    "CallCenterStation",
    "Kiosk",
    "Network",
    "POI",
    "POS",
    "URI",
    "Website",
];

/// `BusinessUnitTypeCode`.
pub const UNIT_TYPES: &[&str] = &[
    "RetailStore",
    "DistributionCenter",
    "AdministrationCenter",
    "CallCenter",
    "WebSite",
    "Distributor",
    "Filler",
    "TransitCellar",
    "Producer",
    "Grower",
    "Factory",
    "Building",
    "Dormitory",
];

/// The `TenderType` of each kind of tender, unless the settings define another.
const TENDERS: &[(&str, &str)] = &[
    ("cash", "Cash"),
    ("card", "CreditDebit"),
    ("wallet", "Mobile"),
    ("gift-card", "GiftCard"),
    ("voucher", "Voucher"),
    ("account", "StoreAccount"),
];

/// `SubTenderTypeCodes` of card schemes.
const SCHEMES: &[(&str, &str)] = &[
    ("visa", "Visa"),
    ("mc", "MasterCard"),
    ("mastercard", "MasterCard"),
    ("amex", "Amex"),
    ("diners", "DinersClub"),
    ("discover", "DiscoverCard"),
    ("paypal", "PayPal"),
    ("googlepay", "GoogleWallet"),
];

/// `TaxSubTypeCode` of treatments; the standard has no reduced rate.
const TREATMENTS: &[(&str, &str)] = &[
    ("standard", "Standard"),
    ("luxury", "Luxury"),
    ("exempt", "Exempt"),
    ("zero", "ZeroRated"),
];

/// Digits after the decimal point if they are not two (ISO 4217).
const DIGITS: &[(&str, u8)] = &[
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("ISK", 0),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("PYG", 0),
    ("RWF", 0),
    ("UGX", 0),
    ("UYI", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
    ("BHD", 3),
    ("IQD", 3),
    ("JOD", 3),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("TND", 3),
    ("CLF", 4),
    ("UYW", 4),
];

/// Returns a value outside of the lists: `FTC:GiftCard` for `gift-card`. The schema allows letters and
/// digits only.
pub fn extension(prefix: &str, word: &str) -> String {
    let mut value = [prefix, ":"].concat();
    let mut capital = true;
    for letter in word.chars() {
        if letter.is_ascii_alphanumeric() {
            value.push(if capital {
                letter.to_ascii_uppercase()
            } else {
                letter
            });
        }
        capital = !letter.is_ascii_alphanumeric();
    }
    value
}

/// Returns whether the schema allows a value in place of `list`: a value of the list, or `prefix:Name`.
pub fn fits(list: &[&str], value: &str) -> bool {
    let extends =
        |(prefix, name): (&str, &str)| is_prefix(prefix) && (name.is_empty() || is_prefix(name));
    list.contains(&value) || value.split_once(':').is_some_and(extends)
}

/// Letters and digits, at least one.
pub fn is_prefix(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Returns the currency for the `Currency` attribute.
pub fn currency(code: &str) -> String {
    if CURRENCIES.split(' ').any(|known| known == code) {
        code.to_owned()
    } else {
        ["ISO4217:", code].concat()
    }
}

/// Returns the digits after the decimal point of a currency that is not the store's.
pub fn digits(code: &str) -> u8 {
    find(DIGITS, code).unwrap_or(2)
}

/// Returns the unit for `UnitOfMeasureCode`.
pub fn unit(code: &str, prefix: &str) -> String {
    if UNITS.contains(&code) {
        code.to_owned()
    } else {
        extension(prefix, code)
    }
}

/// Returns the default `TenderType` of a kind of tender.
pub fn tender(kind: &str, prefix: &str) -> String {
    known_or_extended(TENDERS, kind, prefix)
}

/// Returns the `SubTenderType` of a card scheme.
pub fn scheme(scheme: &str, prefix: &str) -> String {
    known_or_extended(SCHEMES, scheme, prefix)
}

/// Returns the `TaxSubType` of a tax's treatment.
pub fn treatment(treatment: &str, prefix: &str) -> String {
    known_or_extended(TREATMENTS, treatment, prefix)
}

fn known_or_extended(table: &[(&str, &'static str)], word: &str, prefix: &str) -> String {
    find(table, word).map_or_else(|| extension(prefix, word), str::to_owned)
}

fn find<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_a_list_lacks_are_extended() {
        assert_eq!(extension("FTC", "gift-card é/2"), "FTC:GiftCard2");
        assert_eq!(currency("EUR"), "EUR");
        assert_eq!(currency("RON"), "ISO4217:RON");
        assert_eq!(unit("H87", "FTC"), "FTC:H87");
        assert_eq!(tender("swish", "FTC"), "FTC:Swish");
        assert_eq!(treatment("reduced", "FTC"), "FTC:Reduced");
    }

    #[test]
    fn only_values_of_the_schema_fit() {
        for good in ["Cash", "FTC:Swish", "A1:"] {
            assert!(fits(TENDER_TYPES, good), "{good}");
        }
        for bad in ["cash", "", ":Swish", "FT C:Swish", "a:b:c", "FTC:Swi-sh"] {
            assert!(!fits(TENDER_TYPES, bad), "{bad}");
        }
    }
}

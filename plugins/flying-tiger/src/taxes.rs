//! `Tax`, of a line or of the basket.

use crate::poslog::Poslog;
use crate::{codes, lines};
use galleria_sdk::prelude::*;

/// Writes one tax. `back` means that the whole basket comes back from the customer. A basket's tax may
/// also be negative, if more was returned than sold. Only `TypeCode` shows the sign.
pub fn write(poslog: &mut Poslog, tax: &Tax, number: i64, back: bool) {
    let negative = tax.amount < 0 || (tax.amount == 0 && tax.taxable < 0);
    let subtype = codes::treatment(&tax.treatment, &poslog.settings.extension_prefix);
    let type_code = if back == negative { "Sale" } else { "Refund" };
    poslog
        .xml
        .start("Tax")
        .attribute("TaxType", &poslog.settings.tax_type);
    if !tax.treatment.is_empty() {
        poslog.xml.attribute("TaxSubType", &subtype);
    }
    poslog.xml.attribute("TypeCode", type_code);
    poslog.xml.integer_element("SequenceNumber", number);
    poslog.xml.element("TaxAuthority", &tax.authority);
    // If rounding gives sold and returned goods different signs, one code cannot show both; the
    // amount decides.
    if tax.taxable == 0 || (tax.taxable < 0) == negative {
        poslog.open_amount("TaxableAmount");
        poslog
            .xml
            .attribute("TaxIncludedInTaxableAmountFlag", "false");
        poslog.close_amount(tax.taxable);
    }
    poslog.amount("Amount", tax.amount);
    if let Some(percent) = lines::percentage(tax.rate) {
        poslog.xml.start("Percent").decimal(percent).end();
    }
    poslog.xml.element("TaxGroupID", &tax.code).end();
}

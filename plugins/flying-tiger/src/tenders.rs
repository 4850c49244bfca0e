//! Line items of tenders: payments and repayments.

use crate::codes;
use crate::poslog::Poslog;
use crate::retail::{Direction, Numbers};
use crate::settings::ChangeStyle;
use galleria_sdk::Foreign;
use galleria_sdk::prelude::*;

/// Writes a tender, and its change if that is a separate line item.
pub fn write(poslog: &mut Poslog, direction: Direction, tender: &Tender, numbers: &mut Numbers) {
    let tender_type = poslog.settings.tender_type(&tender.kind);
    let type_code = match direction {
        Direction::Sold => "Sale",
        Direction::GivenBack => "Refund",
    };
    let own_line = poslog.settings.change_style == ChangeStyle::Line;
    poslog.xml.start("LineItem");
    poslog
        .xml
        .start("Tender")
        .attribute("TenderType", &tender_type);
    if let Some(scheme) = &tender.scheme {
        let scheme = codes::scheme(scheme, &poslog.settings.extension_prefix);
        poslog.xml.attribute("SubTenderType", &scheme);
    }
    poslog.xml.attribute("TypeCode", type_code);
    poslog.amount("Amount", tender.tendered);
    poslog.amount("AmountAppliedToBill", tender.amount);
    if tender.change != 0 && !own_line {
        poslog
            .xml
            .start("TenderChange")
            .attribute("TenderType", "Cash");
        poslog.amount("Amount", tender.change);
        poslog.xml.end();
    }
    authorisation(poslog, tender);
    foreign(poslog, tender.foreign.as_ref());
    instrument(poslog, tender, &tender_type);
    poslog.xml.end();
    poslog
        .xml
        .integer_element("SequenceNumber", numbers.next().into())
        .end();
    if tender.change != 0 && own_line {
        poslog
            .xml
            .start("LineItem")
            .start("TenderChange")
            .attribute("TenderType", "Cash");
        poslog.xml.attribute("TypeCode", type_code);
        poslog.amount("Amount", tender.change);
        poslog
            .xml
            .end()
            .integer_element("SequenceNumber", numbers.next().into())
            .end();
    }
}

/// Writes the provider's references. The schema requires a code before them: if the issuer gave none,
/// the provider's reference replaces it.
fn authorisation(poslog: &mut Poslog, tender: &Tender) {
    let reference = tender
        .modification_reference
        .as_ref()
        .or(tender.psp_reference.as_ref());
    let Some(code) = tender.authorisation.as_ref().or(reference) else {
        return;
    };
    // Without it, the standard assumes that a signature is required.
    poslog
        .xml
        .start("Authorization")
        .attribute("SignatureRequiredFlag", "false");
    poslog.amount("RequestedAmount", tender.amount);
    poslog.xml.element("AuthorizationCode", code);
    poslog
        .xml
        .optional("ReferenceNumber", reference.map(String::as_str));
    poslog
        .xml
        .optional("ProviderID", tender.provider.as_deref());
    if tender.modification_reference.is_some() {
        poslog
            .xml
            .optional("PreAuthorizedID", tender.psp_reference.as_deref());
    }
    poslog.xml.end();
}

fn foreign(poslog: &mut Poslog, foreign: Option<&Foreign>) {
    let Some(foreign) = foreign else { return };
    poslog.xml.start("ForeignCurrency");
    poslog
        .xml
        .element("CurrencyCode", &codes::currency(&foreign.currency));
    poslog.foreign_amount("OriginalFaceAmount", &foreign.currency, foreign.amount);
    poslog.xml.start("ExchangeRate").decimal(foreign.rate).end();
    poslog.xml.end();
}

/// Writes the card, gift card or voucher, masked as received.
fn instrument(poslog: &mut Poslog, tender: &Tender, tender_type: &str) {
    let prefix = &poslog.settings.extension_prefix;
    if let Some(masked) = &tender.masked {
        // Both attributes have defaults, Credit and Visa, which might be wrong.
        let scheme = codes::scheme(tender.scheme.as_deref().unwrap_or("unknown"), prefix);
        let card_type = codes::extension(prefix, "unknown");
        poslog
            .xml
            .start("CreditDebit")
            .attribute("CardType", &card_type)
            .attribute("TypeCode", &scheme);
        poslog.xml.element("PrimaryAccountNumber", masked).end();
    }
    let Some(number) = &tender.stored_value else {
        return;
    };
    if tender_type == "GiftCard" {
        poslog
            .xml
            .start("GiftCard")
            .element("CardNumber", number)
            .end();
    } else {
        poslog.xml.start("Voucher").attribute("TypeCode", "Voucher");
        poslog.xml.element("SerialNumber", number).end();
    }
}

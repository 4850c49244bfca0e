//! A POSLog document with its one transaction: the parts that all events share, and the format of
//! amounts. The schema defines the order of the elements around the event's own part.

use crate::codes;
use crate::settings::{CashierStyle, Settings, UnitId};
use galleria_sdk::prelude::*;
use galleria_sdk::xml;

/// Writes one document.
pub struct Poslog<'a> {
    pub xml: xml::Writer,
    pub settings: &'a Settings,
    store: &'a Store,
    /// As the standard writes it.
    currency: String,
    digits: u8,
}

impl<'a> Poslog<'a> {
    /// Starts a document: all elements before `RetailTransaction`. `type_code` is the
    /// transaction's.
    pub fn begin(cx: &'a Context<Settings>, entry: &Entry, type_code: &str) -> Result<Self, Fault> {
        let (settings, store) = (cx.settings(), cx.store()?);
        let xml = match settings.indent {
            0 => xml::Writer::new(),
            spaces => xml::Writer::indented(spaces.into()),
        };
        let digits = if entry.currency == store.currency {
            store.minor_digits
        } else {
            codes::digits(&entry.currency)
        };
        let currency = codes::currency(&entry.currency);
        let mut poslog = Self {
            xml,
            settings,
            store,
            currency,
            digits,
        };
        poslog.head(cx, entry, type_code)?;
        Ok(poslog)
    }

    fn head(
        &mut self,
        cx: &Context<Settings>,
        entry: &Entry,
        type_code: &str,
    ) -> Result<(), Fault> {
        let settings = self.settings;
        let xml = &mut self.xml;
        xml.declaration();
        xml.start("POSLog").attribute("xmlns", &settings.namespace);
        xml.attribute("MajorVersion", "6")
            .attribute("MinorVersion", "0")
            .attribute("FixVersion", "0");
        xml.start("Transaction")
            .attribute("MajorVersion", "6")
            .attribute("TypeCode", type_code);
        xml.attribute("TrainingModeFlag", flag(entry.training));
        xml.start("BusinessUnit")
            .start("UnitID")
            .attribute("TypeCode", &settings.unit_type);
        xml.text(unit_id(cx)?).end().end();
        if settings.channel {
            xml.start("Channel")
                .element("ChannelID", &self.store.store_type);
            xml.element("TouchPointID", &entry.workstation).end();
        }
        xml.start("WorkstationID")
            .attribute("TypeCode", &settings.workstation_type);
        xml.text(&entry.workstation).end();
        xml.element("SequenceNumber", &entry.sequence.to_string());
        xml.element("TransactionID", &entry.id);
        self.moment("POSLogDateTime", "Transaction", &entry.ended_at);
        self.cashier(entry.cashier.as_deref());
        self.xml.element("CurrencyCode", &self.currency);
        self.moment("ReceiptDateTime", "Receipt", &entry.ended_at);
        if !entry.receipt.is_empty() {
            self.xml.element("ReceiptNumber", &entry.receipt);
        }
        Ok(())
    }

    fn cashier(&mut self, cashier: Option<&str>) {
        let cashier = cashier.unwrap_or(&self.settings.unattended_cashier);
        if cashier.is_empty() || self.settings.cashier == CashierStyle::Omit {
            return;
        }
        self.xml.start("OperatorID");
        if self.settings.cashier == CashierStyle::Worker {
            self.xml.attribute("WorkerID", cashier);
        }
        self.xml.text(cashier).end();
    }

    /// Writes the elements after `RetailTransaction`: the day and its time.
    pub fn times(&mut self, entry: &Entry) {
        self.xml.element("BusinessDayDate", &entry.business_date);
        self.moment("BeginDateTime", "Start", &entry.begun_at);
        self.moment("EndDateTime", "End", &entry.ended_at);
    }

    /// Ends the document.
    pub fn finish(mut self) -> Result<Vec<u8>, Fault> {
        self.xml.end().end();
        Ok(self.xml.finish()?)
    }

    /// Writes an instant with its type: without a type the standard reads it as the time of a
    /// message.
    pub fn moment(&mut self, element: &str, type_code: &str, at: &str) {
        self.xml
            .start(element)
            .attribute("TypeCode", type_code)
            .text(at)
            .end();
    }

    /// Opens an element for an amount. The currency is always written, because the standard's
    /// default is USD.
    pub fn open_amount(&mut self, element: &str) {
        self.xml
            .start(element)
            .attribute("Currency", &self.currency);
    }

    /// Writes the amount of the element that [`open_amount`](Self::open_amount) opened, without a
    /// sign.
    pub fn close_amount(&mut self, amount: Money) {
        self.xml.amount(amount.saturating_abs(), self.digits).end();
    }

    /// Writes an element with an amount, without its sign: the element's place defines its
    /// direction.
    pub fn amount(&mut self, element: &str, amount: Money) {
        self.open_amount(element);
        self.close_amount(amount);
    }

    /// Writes an amount in another currency than the document's.
    pub fn foreign_amount(&mut self, element: &str, currency: &str, amount: Money) {
        self.xml
            .start(element)
            .attribute("Currency", &codes::currency(currency));
        self.xml
            .amount(amount.saturating_abs(), codes::digits(currency))
            .end();
    }

    /// Writes a total, the only amount of the standard with a sign.
    pub fn total(&mut self, total_type: &str, type_code: &str, amount: Money) {
        self.xml
            .start("Total")
            .attribute("TotalType", total_type)
            .attribute("TypeCode", type_code);
        self.xml
            .attribute("CurrencyCode", &self.currency)
            .amount(amount, self.digits)
            .end();
    }

    /// Writes the price of one unit with all its digits.
    pub fn price(&mut self, element: &str, price: Decimal, unit: &str) {
        self.open_amount(element);
        self.xml
            .attribute("Quantity", "1")
            .attribute("UnitOfMeasureCode", unit);
        self.xml.decimal(price).end();
    }

    /// Writes a link to another transaction of this store, and to a line of it.
    pub fn link(&mut self, reason: &str, origin: &Entry, line: Option<u32>) {
        let unit = match self.settings.unit_id {
            UnitId::External => &self.store.external_id,
            UnitId::Store => &self.store.id,
        };
        let xml = &mut self.xml;
        xml.start("TransactionLink")
            .attribute("ReasonCode", reason)
            .attribute("EntryMethod", "Automatic");
        xml.element("TransactionID", &origin.id);
        xml.start("BusinessUnit")
            .attribute("TypeCode", &self.settings.unit_type)
            .text(unit)
            .end();
        xml.element("WorkstationID", &origin.workstation);
        xml.start("BusinessDayDate")
            .element("Date", &origin.business_date)
            .end();
        xml.element("SequenceNumber", &origin.sequence.to_string());
        if let Some(line) = line {
            xml.integer_element("LineItemSequenceNumber", line.into());
        }
        xml.end();
    }
}

/// Returns the store's number on documents.
pub fn unit_id(cx: &Context<Settings>) -> Result<&str, Fault> {
    let store = cx.store()?;
    Ok(match cx.settings().unit_id {
        UnitId::External => &store.external_id,
        UnitId::Store => &store.id,
    })
}

/// Writes a boolean as in the schema.
pub fn flag(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

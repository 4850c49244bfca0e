//! Conversions between the domain's types and the contract's types.
//!
//! Every conversion lists all fields of both sides, so that a new field does not compile until it is
//! converted. Nothing is validated here.

use crate::bindings::{statement, types as guest};
use galleria_domain as domain;

/// Converts a value that the host passes to a guest. Copies it, because several plugins get the same one.
pub(crate) trait ToGuest<G> {
    /// Converts to the contract's type.
    fn to_guest(&self) -> G;
}

/// Converts a value that a guest returns. Moves it.
pub(crate) trait IntoDomain<D> {
    /// Converts to the domain's type.
    fn into_domain(self) -> D;
}

macro_rules! identity {
    ($($type:ty)*) => {$(
        impl ToGuest<$type> for $type {
            fn to_guest(&self) -> $type {
                self.clone()
            }
        }
        impl IntoDomain<$type> for $type {
            fn into_domain(self) -> $type {
                self
            }
        }
    )*};
}
identity!(String bool u8 u16 u32 u64 i64);

impl<G, D: ToGuest<G>> ToGuest<Vec<G>> for Vec<D> {
    fn to_guest(&self) -> Vec<G> {
        self.iter().map(ToGuest::to_guest).collect()
    }
}

impl<G, D: ToGuest<G>> ToGuest<Option<G>> for Option<D> {
    fn to_guest(&self) -> Option<G> {
        self.as_ref().map(ToGuest::to_guest)
    }
}

impl<G, D: ToGuest<G>> ToGuest<G> for Box<D> {
    fn to_guest(&self) -> G {
        (**self).to_guest()
    }
}

impl<D, G: IntoDomain<D>> IntoDomain<Vec<D>> for Vec<G> {
    fn into_domain(self) -> Vec<D> {
        self.into_iter().map(IntoDomain::into_domain).collect()
    }
}

impl<D, G: IntoDomain<D>> IntoDomain<Option<D>> for Option<G> {
    fn into_domain(self) -> Option<D> {
        self.map(IntoDomain::into_domain)
    }
}

macro_rules! to_guest {
    ($($name:ident { $($field:ident),* $(,)? $(; omit $($omitted:ident),*)? })*) => {$(
        impl ToGuest<guest::$name> for domain::$name {
            fn to_guest(&self) -> guest::$name {
                let Self { $($field,)* $($($omitted: _,)*)? } = self;
                guest::$name { $($field: $field.to_guest(),)* }
            }
        }
    )*};
}

macro_rules! into_domain {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl IntoDomain<domain::$name> for guest::$name {
            fn into_domain(self) -> domain::$name {
                let Self { $($field,)* } = self;
                domain::$name { $($field: $field.into_domain(),)* }
            }
        }
    )*};
}

to_guest! {
    Decimal { unscaled, scale }
    Attribute { name, value }
    Store {
        id, external_id, retailer, store_type, country, currency, minor_digits, zone, attributes;
        omit day_starts_minute, cash_step
    }
    Counter { name, value }
    PriorDocument { event_id, directory, name }
    Context {
        event_id, attempt, occurred_at, business_date, scope, settings, counters, prior,
    }
    Entry {
        id, order_id, external_id, workstation, sequence, receipt, cashier, business_date,
        begun_at, ended_at, currency, training,
    }
    Tax { code, authority, rate, taxable, amount, included, treatment, attributes }
    Discount { id, reason, amount, percent, coupon, basket, attributes }
    AgeCheck { minimum, outcome, cashier, at }
    Line {
        number, parent, kind, returned, voided, origin_line, sku, gtin, description, category,
        quantity, unit, regular_price, unit_price, amount, discounts, taxes, age, attributes,
    }
    Foreign { currency, amount, rate }
    Tender {
        number, kind, amount, tendered, change, foreign, provider, psp_reference,
        modification_reference, merchant_reference, authorisation, scheme, masked, stored_value,
        attributes,
    }
    Member { id, programme, attributes }
    Consent { subject, channel, granted, wording, at }
    Sale {
        entry, member, lines, tenders, taxes, rounding, net, gross, consents, attributes,
    }
    Refund {
        entry, origin, earlier, reason, lines, tenders, taxes, rounding, net, gross, attributes,
    }
    Cancellation { entry, cause, origin, lines, attributes }
    Verification { sale, business_date, cashier, outcome, refused_lines, at }
    FiscalMark { of, scheme, mark, issued_at, attributes }
    TenderTotal { kind, sales, refunds, count }
    Shift {
        entry, till, opened_at, closed_at, opening_float, tenders, paid_in, paid_out, pickups,
        expected, counted, transactions, net_sales, net_refunds, tax, attributes,
    }
    Outgoing { id, target, method, path, headers, body }
    Reply { status, headers, body }
    Window { id, first, last, as_of, stores }
    RunSchedule { name, point, at, zone, per_store, windows }
}

into_domain! {
    Attribute { name, value }
    Document { directory, name, media_type, body }
    Outgoing { id, target, method, path, headers, body }
    Receipt { template, locale, document, attributes }
    Problem { row, field, message }
    Later { seconds, reason }
    Totals { rows, sums }
    Member { id, programme, attributes }
    Decimal { unscaled, scale }
}

impl IntoDomain<domain::Decision<String>> for guest::Decision {
    fn into_domain(self) -> domain::Decision<String> {
        let Self {
            documents,
            publications,
            requests,
            receipts,
            notes,
        } = self;
        domain::Decision {
            documents: documents.into_domain(),
            publications: publications.into_domain(),
            requests: requests.into_domain(),
            receipts: receipts.into_domain(),
            notes: notes.into_domain(),
        }
    }
}

impl IntoDomain<domain::Publication<String>> for guest::Publication {
    fn into_domain(self) -> domain::Publication<String> {
        let Self { topic, key, data } = self;
        domain::Publication { topic, key, data }
    }
}

impl IntoDomain<domain::StatementHeader> for statement::Header {
    fn into_domain(self) -> domain::StatementHeader {
        let Self {
            provider,
            account,
            reference,
            currency,
            minor_digits,
            paid_on,
            total,
            attributes,
        } = self;
        domain::StatementHeader {
            provider,
            account,
            reference,
            currency,
            minor_digits,
            paid_on,
            total,
            attributes: attributes.into_domain(),
        }
    }
}

impl IntoDomain<domain::StatementLine> for statement::Line {
    fn into_domain(self) -> domain::StatementLine {
        let Self {
            row,
            kind,
            id,
            psp_reference,
            modification_reference,
            merchant_reference,
            booked_at,
            currency,
            minor_digits,
            gross,
            rate,
            converted,
            fee,
            net,
            attributes,
        } = self;
        domain::StatementLine {
            row,
            kind: kind.into_domain(),
            id,
            psp_reference,
            modification_reference,
            merchant_reference,
            booked_at,
            currency,
            minor_digits,
            gross,
            rate: rate.into_domain(),
            converted,
            fee,
            net,
            attributes: attributes.into_domain(),
        }
    }
}

impl IntoDomain<domain::StatementKind> for statement::Kind {
    fn into_domain(self) -> domain::StatementKind {
        match self {
            Self::Payment => domain::StatementKind::Payment,
            Self::Refund => domain::StatementKind::Refund,
            Self::Chargeback => domain::StatementKind::Chargeback,
            Self::ChargebackReversal => domain::StatementKind::ChargebackReversal,
            Self::Fee => domain::StatementKind::Fee,
            Self::Adjustment => domain::StatementKind::Adjustment,
            Self::Other(word) => domain::StatementKind::Other(word),
        }
    }
}

impl ToGuest<guest::Scope> for domain::Scope {
    fn to_guest(&self) -> guest::Scope {
        match self {
            Self::Store(store) => guest::Scope::Store(store.to_guest()),
            Self::Retailer(name) => guest::Scope::Retailer(name.clone()),
        }
    }
}

impl ToGuest<guest::AgeOutcome> for domain::AgeOutcome {
    fn to_guest(&self) -> guest::AgeOutcome {
        match self {
            Self::Pending => guest::AgeOutcome::Pending,
            Self::Passed => guest::AgeOutcome::Passed,
            Self::Refused => guest::AgeOutcome::Refused,
        }
    }
}

impl ToGuest<guest::LineKind> for domain::LineKind {
    fn to_guest(&self) -> guest::LineKind {
        match self {
            Self::Item => guest::LineKind::Item,
            Self::Deposit => guest::LineKind::Deposit,
            Self::DepositReturn => guest::LineKind::DepositReturn,
            Self::GiftCardSale(masked) => guest::LineKind::GiftCardSale(masked.clone()),
            Self::Service => guest::LineKind::Service,
            Self::Fee => guest::LineKind::Fee,
            Self::Donation => guest::LineKind::Donation,
            Self::Other(word) => guest::LineKind::Other(word.clone()),
        }
    }
}

impl ToGuest<guest::Origin> for domain::Origin {
    fn to_guest(&self) -> guest::Origin {
        match self {
            Self::Sale(sale) => guest::Origin::Sale(sale.to_guest()),
            Self::Reference(entry) => guest::Origin::Reference(entry.to_guest()),
            Self::None => guest::Origin::None,
        }
    }
}

impl ToGuest<guest::VoidCause> for domain::VoidCause {
    fn to_guest(&self) -> guest::VoidCause {
        match self {
            Self::PostVoid => guest::VoidCause::PostVoid,
            Self::PaymentFailed => guest::VoidCause::PaymentFailed,
            Self::Abandoned => guest::VoidCause::Abandoned,
            Self::Suspended => guest::VoidCause::Suspended,
            Self::Other(word) => guest::VoidCause::Other(word.clone()),
        }
    }
}

impl ToGuest<guest::Activity> for domain::Activity {
    fn to_guest(&self) -> guest::Activity {
        match self {
            Self::Sale(sale) => guest::Activity::Sale(sale.to_guest()),
            Self::Refund(refund) => guest::Activity::Refund(refund.to_guest()),
            Self::Cancellation(cancelled) => guest::Activity::Cancellation(cancelled.to_guest()),
            Self::Shift(shift) => guest::Activity::Shift(shift.to_guest()),
            Self::Verification(verified) => guest::Activity::Verification(verified.to_guest()),
        }
    }
}

impl IntoDomain<domain::Fault> for guest::Fault {
    fn into_domain(self) -> domain::Fault {
        match self {
            Self::Invalid(problems) => domain::Fault::Invalid(problems.into_domain()),
            Self::Retry(later) => domain::Fault::Retry(later.into_domain()),
            Self::Misconfigured(problems) => domain::Fault::Misconfigured(problems.into_domain()),
            Self::Failed(reason) => domain::Fault::Failed(reason),
        }
    }
}

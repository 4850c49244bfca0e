//! Generated code. Plugin authors use none of its names.
//!
//! The types and the capabilities are generated once, in [`words`]. Each extension point has its own
//! world, so that a component exports exactly the points that it names: the linker merges the worlds
//! whose `export!` macro was called. The worlds of `wit/v0.2.0/worlds.wit` cannot be used, because each
//! of them exports `settings`, and a component that serves two points would export it twice.

#![allow(
    missing_docs,
    clippy::all,
    reason = "generated; the WIT itself is the documentation"
)]

/// Shared types, and the host's functions.
pub mod words {
    wit_bindgen::generate!({
        path: "../../wit/v0.2.0",
        inline: "package galleria:sdk-words;
            world words {
                import galleria:retail/types@0.2.0;
                import galleria:retail/log@0.2.0;
                import galleria:retail/secrets@0.2.0;
                import galleria:retail/tokens@0.2.0;
                import galleria:retail/http@0.2.0;
                import galleria:retail/input@0.2.0;
                import galleria:retail/activities@0.2.0;
                import galleria:retail/sale-lines@0.2.0;
                import galleria:retail/products@0.2.0;
                import galleria:retail/settlement@0.2.0;
                import galleria:retail/statement@0.2.0;
                import galleria:retail/output@0.2.0;
            }",
        generate_all,
        generate_unused_types: true,
        additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
        additional_derives_ignore: ["key", "file", "decimal"],
        // The JSON of fixtures is the host's: variants and cases are in snake case, absent lists
        // are empty, and absent flags are false.
        additional_type_attributes: {
            "galleria:retail/types@0.2.0/age-outcome": [#[serde(rename_all = "snake_case")]],
            "galleria:retail/types@0.2.0/line-kind": [#[derive(Default)] #[serde(rename_all = "snake_case")]],
            "galleria:retail/types@0.2.0/origin": [#[derive(Default)] #[serde(rename_all = "snake_case")]],
            "galleria:retail/types@0.2.0/void-cause": [#[serde(rename_all = "snake_case")]],
            "galleria:retail/types@0.2.0/activity": [#[serde(rename_all = "snake_case")]],
            "galleria:retail/types@0.2.0/scope": [#[serde(rename_all = "snake_case")]],
            "galleria:retail/types@0.2.0/fault": [#[serde(rename_all = "snake_case")]],
            "galleria:retail/log@0.2.0/level": [#[serde(rename_all = "snake_case")]],
            "galleria:retail/http@0.2.0/refusal": [#[serde(rename_all = "snake_case")]],
            "galleria:retail/types@0.2.0/decimal": [#[derive(PartialEq, Default, Eq, Hash)]],
            "galleria:retail/types@0.2.0/attribute": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/store": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/entry": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/tax": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/discount": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/line": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/foreign": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/tender": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/member": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/consent": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/sale": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/refund": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/shift": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/tender-total": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/document": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/publication": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/outgoing": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/reply": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/receipt": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/decision": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/window": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/totals": [#[derive(Default)]],
            "galleria:retail/types@0.2.0/texts": [#[derive(Default)]],
            "galleria:retail/sale-lines@0.2.0/batch": [#[derive(Default)]],
            "galleria:retail/products@0.2.0/batch": [#[derive(Default)]],
            "galleria:retail/settlement@0.2.0/batch": [#[derive(Default)]],
            "galleria:retail/statement@0.2.0/kind": [#[derive(Default)] #[serde(rename_all = "snake_case")]],
            "galleria:retail/statement@0.2.0/header": [#[derive(Default)]],
            "galleria:retail/statement@0.2.0/line": [#[derive(Default)]],
        },
        additional_member_attributes: {
            "galleria:retail/types@0.2.0/line-kind.item": [#[default]],
            "galleria:retail/types@0.2.0/origin.none": [#[default]],
            "galleria:retail/statement@0.2.0/kind.payment": [#[default]],
            "galleria:retail/statement@0.2.0/header.attributes": [#[serde(default)]],
            "galleria:retail/statement@0.2.0/line.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/store.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/context.counters": [#[serde(default)]],
            "galleria:retail/types@0.2.0/context.prior": [#[serde(default)]],
            "galleria:retail/types@0.2.0/entry.training": [#[serde(default)]],
            "galleria:retail/types@0.2.0/tax.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/discount.basket": [#[serde(default)]],
            "galleria:retail/types@0.2.0/discount.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/line.kind": [#[serde(default)]],
            "galleria:retail/types@0.2.0/line.returned": [#[serde(default)]],
            "galleria:retail/types@0.2.0/line.voided": [#[serde(default)]],
            "galleria:retail/types@0.2.0/line.discounts": [#[serde(default)]],
            "galleria:retail/types@0.2.0/line.taxes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/line.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/tender.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/member.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/sale.lines": [#[serde(default)]],
            "galleria:retail/types@0.2.0/sale.tenders": [#[serde(default)]],
            "galleria:retail/types@0.2.0/sale.taxes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/sale.consents": [#[serde(default)]],
            "galleria:retail/types@0.2.0/sale.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/refund.earlier": [#[serde(default)]],
            "galleria:retail/types@0.2.0/refund.lines": [#[serde(default)]],
            "galleria:retail/types@0.2.0/refund.tenders": [#[serde(default)]],
            "galleria:retail/types@0.2.0/refund.taxes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/refund.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/cancellation.lines": [#[serde(default)]],
            "galleria:retail/types@0.2.0/cancellation.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/verification.refused-lines": [#[serde(default)]],
            "galleria:retail/types@0.2.0/fiscal-mark.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/shift.tenders": [#[serde(default)]],
            "galleria:retail/types@0.2.0/shift.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/document.body": [#[serde(default)]],
            "galleria:retail/types@0.2.0/outgoing.headers": [#[serde(default)]],
            "galleria:retail/types@0.2.0/outgoing.body": [#[serde(default)]],
            "galleria:retail/types@0.2.0/reply.headers": [#[serde(default)]],
            "galleria:retail/types@0.2.0/reply.body": [#[serde(default)]],
            "galleria:retail/types@0.2.0/receipt.attributes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/decision.documents": [#[serde(default)]],
            "galleria:retail/types@0.2.0/decision.publications": [#[serde(default)]],
            "galleria:retail/types@0.2.0/decision.requests": [#[serde(default)]],
            "galleria:retail/types@0.2.0/decision.receipts": [#[serde(default)]],
            "galleria:retail/types@0.2.0/decision.notes": [#[serde(default)]],
            "galleria:retail/types@0.2.0/problem.row": [#[serde(skip_serializing_if = "Option::is_none")]],
            "galleria:retail/types@0.2.0/totals.sums": [#[serde(default)]],
        },
    });
    pub use galleria::retail::*;
}

macro_rules! point {
    ($module:ident, $inline:tt) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit/v0.2.0",
                inline: $inline,
                with: { "galleria:retail/types@0.2.0": crate::bindings::words::types },
                pub_export_macro: true,
                additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
            });
            pub use exports::galleria::retail::$module::*;
        }
    };
}

point!(
    settings,
    "package galleria:sdk-settings; world sdk-settings { export galleria:retail/settings@0.2.0; }"
);
point!(
    on_payment,
    "package galleria:sdk-on-payment; world sdk-on-payment { export galleria:retail/on-payment@0.2.0; }"
);
point!(
    on_refund,
    "package galleria:sdk-on-refund; world sdk-on-refund { export galleria:retail/on-refund@0.2.0; }"
);
point!(
    on_void,
    "package galleria:sdk-on-void; world sdk-on-void { export galleria:retail/on-void@0.2.0; }"
);
point!(
    on_verification,
    "package galleria:sdk-on-verification; world sdk-on-verification { export galleria:retail/on-verification@0.2.0; }"
);
point!(
    on_fiscal_mark,
    "package galleria:sdk-on-fiscal-mark; world sdk-on-fiscal-mark { export galleria:retail/on-fiscal-mark@0.2.0; }"
);
point!(
    on_shift_end,
    "package galleria:sdk-on-shift-end; world sdk-on-shift-end { export galleria:retail/on-shift-end@0.2.0; }"
);
point!(
    on_reply,
    "package galleria:sdk-on-reply; world sdk-on-reply { export galleria:retail/on-reply@0.2.0; }"
);
point!(
    identify_member,
    "package galleria:sdk-identify-member; world sdk-identify-member { export galleria:retail/identify-member@0.2.0; }"
);
point!(
    verify_login,
    "package galleria:sdk-verify-login; world sdk-verify-login { export galleria:retail/verify-login@0.2.0; }"
);
point!(
    report,
    "package galleria:sdk-report; world sdk-report { export galleria:retail/report@0.2.0; }"
);
point!(
    read_statement,
    "package galleria:sdk-read-statement; world sdk-read-statement { export galleria:retail/read-statement@0.2.0; }"
);
point!(
    write_settlement,
    "package galleria:sdk-write-settlement; world sdk-write-settlement { export galleria:retail/write-settlement@0.2.0; }"
);
point!(
    export_catalogue,
    "package galleria:sdk-export-catalogue; world sdk-export-catalogue { export galleria:retail/export-catalogue@0.2.0; }"
);

//! Generated code. Plugin authors use none of its names.
//!
//! The types and the capabilities are generated once, in [`words`]. Each extension point has its own
//! world, so that a component exports exactly the points that it names: the linker merges the worlds
//! whose `export!` macro was called. `worlds.wit` has a world for each of these exports, named in the table of
//! `galleria-contract`.

#![allow(
    missing_docs,
    clippy::all,
    reason = "generated; the WIT itself is the documentation"
)]

/// Shared types, and the host's functions.
pub mod words {
    wit_bindgen::generate!({
        path: "../../wit/v0.2.0",
        world: "capabilities",
        generate_all,
        generate_unused_types: true,
        additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
        additional_derives_ignore: ["key", "file", "decimal"],
        // The JSON of fixtures is the host's: variants and cases are in snake case, absent lists
        // are empty, absent flags are false, and bytes are base64.
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
            "galleria:retail/types@0.2.0/document.body": [#[serde(default, with = "galleria_json_bytes")]],
            "galleria:retail/types@0.2.0/outgoing.headers": [#[serde(default)]],
            "galleria:retail/types@0.2.0/outgoing.body": [#[serde(default, with = "galleria_json_bytes")]],
            "galleria:retail/types@0.2.0/reply.headers": [#[serde(default)]],
            "galleria:retail/types@0.2.0/reply.body": [#[serde(default, with = "galleria_json_bytes")]],
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

macro_rules! export {
    ($module:ident, $world:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit/v0.2.0",
                world: $world,
                with: { "galleria:retail/types@0.2.0": crate::bindings::words::types },
                pub_export_macro: true,
                additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
            });
            pub use exports::galleria::retail::$module::*;
        }
    };
}

macro_rules! exports {
    (
        react { $($(#[$react_doc:meta])* $react:ident $react_module:ident $react_name:literal
            $react_world:literal $argument:ident $fields:tt, $react_status:ident;)* }
        answer { $($(#[$answer_doc:meta])* $answer:ident $answer_module:ident $answer_name:literal
            $answer_world:literal $function:ident $code:tt -> $answer_type:ty, $answer_status:ident;)* }
        stream { $($(#[$stream_doc:meta])* $stream:ident $stream_module:ident $stream_name:literal
            $stream_world:literal $run:ident $window:tt, $stream_status:ident;)* }
    ) => {
        $(export!($react_module, $react_world);)*
        $(export!($answer_module, $answer_world);)*
        $(export!($stream_module, $stream_world);)*
    };
}
export!(settings, "settings-export");
galleria_contract::extension_points!(exports);

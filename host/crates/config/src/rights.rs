//! The rights that `plugin.toml` requests and `retailer.toml` grants: one form, read by one function.

use crate::checks::Checks;
use crate::raw::{RawFilter, RawRights};
use galleria_domain::names::is_id;
use galleria_domain::plugin::{Capability, Operation, Rights, StoreFilter};
use std::collections::BTreeSet;

/// Reads the rights at `key`, which is `asks` or `plugins.<slot>.grants`.
pub(crate) fn rights(key: &str, raw: RawRights, checks: &mut Checks) -> Rights {
    let RawRights {
        capabilities,
        directories,
        topics,
        targets,
        secrets,
        receipts,
    } = raw;
    let words: Vec<_> = Capability::ALL.iter().map(|c| (c.name(), *c)).collect();
    let capabilities = capabilities.iter().enumerate().filter_map(|(n, text)| {
        let key = format!("{key}.capabilities.{n}");
        checks.served_word(&key, text, &words, Capability::is_served)
    });
    let capabilities = capabilities.collect();
    checks.check(
        targets.is_empty(),
        &format!("{key}.targets"),
        "this version of the host does not send requests to targets: remove the key",
    );
    let topic = |text: &str| is_topic(text);
    Rights {
        capabilities,
        directories: named(&format!("{key}.directories"), directories, is_id, checks),
        topics: named(&format!("{key}.topics"), topics, topic, checks),
        targets: named(&format!("{key}.targets"), targets, is_id, checks),
        secrets: secrets
            .into_iter()
            .map(|(name, raw)| {
                let operations = operations(&format!("{key}.secrets.{name}"), &raw, checks);
                (name, operations)
            })
            .collect(),
        receipts,
    }
}

fn operations(key: &str, raw: &[String], checks: &mut Checks) -> BTreeSet<Operation> {
    let words: Vec<_> = Operation::ALL.iter().map(|o| (o.name(), *o)).collect();
    checks.check(
        !raw.is_empty(),
        key,
        "must be at least one of `decrypt`, `encrypt`, `mac`",
    );
    raw.iter()
        .filter_map(|text| checks.word(key, text, &words))
        .collect()
}

fn named(
    key: &str,
    names: Vec<String>,
    good: impl Fn(&str) -> bool,
    checks: &mut Checks,
) -> BTreeSet<String> {
    for (n, name) in names.iter().enumerate() {
        if !good(name) {
            let message =
                format!("must be a name of letters, digits, '-', '_' and '.', got \"{name}\"");
            checks.wrong(format!("{key}.{n}"), message);
        }
    }
    names.into_iter().collect()
}

/// Returns whether Kafka accepts the text as the name of a topic.
pub(crate) fn is_topic(text: &str) -> bool {
    (1..=249).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && text != "."
        && text != ".."
}

/// Reads a selection of stores.
pub(crate) fn filter(key: &str, raw: RawFilter, checks: &mut Checks) -> StoreFilter {
    let RawFilter {
        stores,
        countries,
        store_types,
    } = raw;
    for country in &countries {
        checks.check(
            country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()),
            &format!("{key}.countries"),
            "must be ISO 3166-1 alpha-2 codes: two capital letters each, such as \"ES\"",
        );
    }
    StoreFilter {
        stores,
        countries,
        store_types,
    }
}

//! Checks a decision: its shape, and that it stays within the plugin's rights.

use galleria_domain::plugin::Rights;
use galleria_domain::{
    Attribute, Decision, Document, Fault, HostFault, Member, Outgoing, Problem, Publication,
    Receipt, Totals, names,
};
use std::collections::BTreeSet;

/// Charged for each item of a list in addition to its text, in bytes: an item without text still costs the
/// host an allocation, and most items a row.
const ITEM_BYTES: usize = 256;

/// Documents, publications, requests and receipts of one decision. Each of them is a row, and all rows are
/// inserted in one transaction, which other stores wait for. The known plugins write fewer than ten.
const MAX_ROWS: usize = 1_000;

/// The longest key of a publication, in bytes. Keys are indexed, and an entry of an index fits a page.
const MAX_KEY: usize = 1_024;

/// The longest media type, in bytes. RFC 6838 allows 127 for the type and 127 for the subtype; parameters follow.
const MAX_MEDIA_TYPE: usize = 512;

/// Size of a decision in bytes.
pub(crate) fn size(decision: &Decision) -> u64 {
    let Decision {
        documents,
        publications,
        requests,
        receipts,
        notes,
    } = decision;
    let document = |document: &Document| {
        let Document {
            directory,
            name,
            media_type,
            body,
        } = document;
        ITEM_BYTES + directory.len() + name.len() + media_type.len() + body.len()
    };
    let publication = |publication: &Publication| {
        let Publication { topic, key, data } = publication;
        ITEM_BYTES + topic.len() + key.as_ref().map_or(0, String::len) + data.len()
    };
    let request = |request: &Outgoing| {
        let Outgoing {
            id,
            target,
            method,
            path,
            headers,
            body,
        } = request;
        ITEM_BYTES
            + id.len()
            + target.len()
            + method.len()
            + path.len()
            + attributes(headers)
            + body.len()
    };
    let receipt = |receipt: &Receipt| {
        let Receipt {
            template,
            locale,
            document: attached,
            attributes: named,
        } = receipt;
        ITEM_BYTES
            + template.len()
            + locale.len()
            + attached.as_ref().map_or(0, document)
            + attributes(named)
    };
    let total = documents.iter().map(document).sum::<usize>()
        + publications.iter().map(publication).sum::<usize>()
        + requests.iter().map(request).sum::<usize>()
        + receipts.iter().map(receipt).sum::<usize>()
        + attributes(notes);
    total as u64
}

/// Size of a fault in bytes: the journal stores it like a decision.
pub(crate) fn size_of_fault(fault: &Fault) -> u64 {
    let size = |problem: &Problem| ITEM_BYTES + problem.field.len() + problem.message.len();
    let total = match fault {
        Fault::Invalid(problems) | Fault::Misconfigured(problems) => {
            problems.iter().map(size).sum::<usize>()
        }
        Fault::Retry(later) => later.reason.len(),
        Fault::Failed(reason) => reason.len(),
    };
    total as u64
}

/// Size of a run's totals in bytes.
pub(crate) fn size_of_totals(totals: &Totals) -> u64 {
    let Totals { rows: _, sums } = totals;
    attributes(sums) as u64
}

/// Size of a member in bytes.
pub(crate) fn size_of_member(member: &Member) -> u64 {
    let Member {
        id,
        programme,
        attributes: named,
    } = member;
    (id.len() + programme.len() + attributes(named)) as u64
}

fn attributes(list: &[Attribute]) -> usize {
    list.iter()
        .map(|attribute| ITEM_BYTES + attribute.name.len() + attribute.value.len())
        .sum()
}

/// Rejects a decision that cannot be applied or that needs a right the plugin was not granted.
pub(crate) fn check(decision: &Decision, rights: &Rights) -> Result<(), HostFault> {
    check_rows(decision)?;
    let mut written = BTreeSet::new();
    for document in &decision.documents {
        check_document(document, rights)?;
        if !written.insert((&document.directory, &document.name)) {
            return Err(broken(format!(
                "the decision writes {}/{} twice",
                document.directory, document.name
            )));
        }
    }
    for publication in &decision.publications {
        check_publication(publication, rights)?;
    }
    let mut sent = BTreeSet::new();
    for request in &decision.requests {
        check_request(request, rights)?;
        if !sent.insert(&request.id) {
            return Err(broken(format!(
                "two requests have the id \"{}\"",
                request.id
            )));
        }
    }
    if !decision.receipts.is_empty() && !rights.receipts {
        return Err(HostFault::Denied("receipts".into()));
    }
    for receipt in &decision.receipts {
        if let Some(document) = &receipt.document {
            check_document(document, rights)?;
        }
    }
    Ok(())
}

fn check_rows(decision: &Decision) -> Result<(), HostFault> {
    let rows = decision.rows();
    match rows <= MAX_ROWS {
        true => Ok(()),
        false => Err(broken(format!(
            "the decision has {rows} documents, publications, requests and receipts; \
             a decision may have {MAX_ROWS} of them together"
        ))),
    }
}

fn check_document(document: &Document, rights: &Rights) -> Result<(), HostFault> {
    if !rights.directories.contains(&document.directory) {
        return Err(HostFault::Denied(format!(
            "directory \"{}\"",
            document.directory
        )));
    }
    if !names::is_file_name(&document.name) {
        return Err(broken(format!(
            "{:?} is not a valid file name",
            document.name
        )));
    }
    check_media_type(&document.media_type).map_err(broken)
}

/// Rejects a media type that cannot be stored.
pub(crate) fn check_media_type(media_type: &str) -> Result<(), String> {
    check_text("a media type", media_type, MAX_MEDIA_TYPE)
}

/// Rejects what a column of text cannot store or an index cannot contain.
fn check_text(what: &str, text: &str, max_bytes: usize) -> Result<(), String> {
    if text.len() > max_bytes {
        let bytes = text.len();
        return Err(format!(
            "{what} has {bytes} bytes; at most {max_bytes} are allowed"
        ));
    }
    match text.chars().any(char::is_control) {
        true => Err(format!("{what} has a control character: {text:?}")),
        false => Ok(()),
    }
}

fn check_publication(publication: &Publication, rights: &Rights) -> Result<(), HostFault> {
    let topic = &publication.topic;
    if !rights.topics.contains(topic) {
        return Err(HostFault::Denied(format!("topic \"{topic}\"")));
    }
    if let Some(key) = &publication.key {
        check_text("the key of a publication", key, MAX_KEY).map_err(broken)?;
    }
    match publication.json() {
        Ok(_) => Ok(()),
        Err(error) => Err(broken(format!(
            "the publication to {topic} is not valid JSON: {error}"
        ))),
    }
}

fn check_request(request: &Outgoing, rights: &Rights) -> Result<(), HostFault> {
    let Outgoing {
        id,
        target,
        method,
        path,
        headers,
        body: _,
    } = request;
    if !rights.targets.contains(target) {
        return Err(HostFault::Denied(format!("target \"{target}\"")));
    }
    if !names::is_id(id) {
        return Err(broken(format!("{id:?} is not a valid request id")));
    }
    let token = |text: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !text.is_empty() && text.bytes().all(allowed)
    };
    if !token(method) {
        return Err(broken(format!(
            "request {id}: {method:?} is not a valid method"
        )));
    }
    if !path.starts_with('/') || path.chars().any(char::is_control) {
        return Err(broken(format!(
            "request {id}: {path:?} is not a valid path"
        )));
    }
    for Attribute { name, value } in headers {
        if !token(name) || value.chars().any(char::is_control) {
            return Err(broken(format!(
                "request {id}: {name:?} is not a valid header"
            )));
        }
    }
    Ok(())
}

fn broken(what: String) -> HostFault {
    HostFault::ContractBroken(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publication(key: Option<&str>, data: &str) -> Publication {
        Publication {
            topic: "sales".into(),
            key: key.map(ToOwned::to_owned),
            data: data.into(),
        }
    }

    fn rights() -> Rights {
        Rights {
            directories: ["poslog".to_owned()].into(),
            topics: ["sales".to_owned()].into(),
            ..Rights::default()
        }
    }

    fn checked(publications: Vec<Publication>) -> Result<(), HostFault> {
        let decision = Decision {
            publications,
            ..Decision::default()
        };
        check(&decision, &rights())
    }

    fn message(result: Result<(), HostFault>) -> String {
        match result {
            Err(HostFault::ContractBroken(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_rows_of_a_decision_are_limited() {
        let empty = |count| vec![publication(None, "{}"); count];
        assert_eq!(checked(empty(MAX_ROWS)), Ok(()));
        let text = message(checked(empty(MAX_ROWS + 1)));
        assert!(text.contains("has 1001 documents, publications"), "{text}");
    }

    #[test]
    fn every_item_has_a_base_cost() {
        let attribute = Attribute {
            name: String::new(),
            value: String::new(),
        };
        let mut decision = Decision {
            publications: vec![publication(None, "")],
            notes: vec![attribute; 3],
            ..Decision::default()
        };
        decision.publications[0].topic.clear();
        assert_eq!(size(&decision), 4 * ITEM_BYTES as u64);
        let fault = Fault::Invalid(vec![Problem::new("", ""); 2]);
        assert_eq!(size_of_fault(&fault), 2 * ITEM_BYTES as u64);
    }

    #[test]
    fn json_that_cannot_be_applied_is_rejected() {
        for data in ["1e999", r#""\ud800""#, &"[".repeat(200), "{", "", "{} {}"] {
            let data = match data.starts_with("[[") {
                true => format!("{data}{}", "]".repeat(200)),
                false => data.to_owned(),
            };
            let text = message(checked(vec![publication(None, &data)]));
            assert!(text.contains("not valid JSON"), "{data}: {text}");
        }
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        message(checked(vec![publication(None, &nested(128))]));
        for data in [&nested(127)[..], "null", r#""\u0000""#, "-1.5e300"] {
            assert_eq!(
                checked(vec![publication(Some("k"), data)]),
                Ok(()),
                "{data}"
            );
        }
    }

    #[test]
    fn texts_fit_their_columns() {
        for key in ["a\0b", "a\nb", &"k".repeat(MAX_KEY + 1)] {
            let text = message(checked(vec![publication(Some(key), "{}")]));
            assert!(text.starts_with("the key of a publication has"), "{text}");
        }
        let document = Document {
            directory: "poslog".into(),
            name: "a.xml".into(),
            media_type: "text/\0".into(),
            body: Vec::new(),
        };
        let decision = Decision {
            documents: vec![document],
            ..Decision::default()
        };
        let text = message(check(&decision, &rights()));
        assert!(text.starts_with("a media type has a control"), "{text}");
    }
}

//! Decisions.

use super::texts::{HEADER_VALUE, KEY, LOCALE, MEDIA_TYPE, METHOD, PATH, TEMPLATE};
use super::{ITEM_BYTES, broken, check_attributes, quoted, size_of_attributes, texts};
use crate::plugin::{Limits, Rights};
use crate::{
    Attribute, Decision, Document, HostFault, JsonText, Outgoing, Publication, Receipt, names,
};
use std::collections::BTreeSet;

/// Size of a decision in bytes.
pub fn size_of_decision<Data: AsRef<str>>(decision: &Decision<Data>) -> u64 {
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
    let publication = |publication: &Publication<Data>| {
        let Publication { topic, key, data } = publication;
        ITEM_BYTES + topic.len() + key.as_ref().map_or(0, String::len) + data.as_ref().len()
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
        let texts = id.len() + target.len() + method.len() + path.len();
        ITEM_BYTES + texts + size_of_attributes(headers) + body.len()
    };
    let receipt = |receipt: &Receipt| {
        let Receipt {
            template,
            locale,
            document: attached,
            attributes,
        } = receipt;
        let texts = template.len() + locale.len() + size_of_attributes(attributes);
        ITEM_BYTES + texts + attached.as_ref().map_or(0, document)
    };
    let total = documents.iter().map(document).sum::<usize>()
        + publications.iter().map(publication).sum::<usize>()
        + requests.iter().map(request).sum::<usize>()
        + receipts.iter().map(receipt).sum::<usize>()
        + size_of_attributes(notes);
    total as u64
}

/// Refuses a decision that is above a limit, needs a right that the plugin was not granted, or cannot be
/// applied. The caller counts its size. Without `rights`, everything is granted.
pub fn check_decision(
    decision: Decision<String>,
    limits: &Limits,
    rights: Option<&Rights>,
) -> Result<Decision, HostFault> {
    check_counts(&decision, limits)?;
    if let Some(rights) = rights {
        check_rights(&decision, rights)?;
    }
    check_texts(&decision)?;
    let Decision {
        documents,
        publications,
        requests,
        receipts,
        notes,
    } = decision;
    let parsed = publications.into_iter().enumerate().map(parse);
    Ok(Decision {
        documents,
        publications: parsed.collect::<Result<_, _>>()?,
        requests,
        receipts,
        notes,
    })
}

fn parse((index, publication): (usize, Publication<String>)) -> Result<Publication, HostFault> {
    let Publication { topic, key, data } = publication;
    match JsonText::parse(data) {
        Ok(data) => Ok(Publication { topic, key, data }),
        Err(error) => Err(broken(format!(
            "decision.publications.{index}.data: must be valid JSON: {error}"
        ))),
    }
}

fn check_rights(decision: &Decision<String>, rights: &Rights) -> Result<(), HostFault> {
    let granted = |names: &BTreeSet<String>, what: &str, name: &String| match names.contains(name) {
        true => Ok(()),
        false => Err(HostFault::Denied(format!("{what} {}", quoted(name)))),
    };
    if !decision.receipts.is_empty() && !rights.receipts {
        return Err(HostFault::Denied("receipts".into()));
    }
    let attached = decision
        .receipts
        .iter()
        .filter_map(|receipt| receipt.document.as_ref());
    for document in decision.documents.iter().chain(attached) {
        granted(&rights.directories, "directory", &document.directory)?;
    }
    for publication in &decision.publications {
        granted(&rights.topics, "topic", &publication.topic)?;
    }
    for request in &decision.requests {
        granted(&rights.targets, "target", &request.target)?;
    }
    Ok(())
}

fn check_texts(decision: &Decision<String>) -> Result<(), HostFault> {
    let Decision {
        documents,
        publications,
        requests,
        receipts,
        notes,
    } = decision;
    let mut written = BTreeSet::new();
    for (index, document) in documents.iter().enumerate() {
        let place = || format!("decision.documents.{index}");
        check_document(document, place)?;
        if !written.insert((&document.directory, &document.name)) {
            return Err(broken(format!(
                "{}: must have a name of its own; the decision writes {}/{} twice",
                place(),
                document.directory,
                document.name
            )));
        }
    }
    for (index, publication) in publications.iter().enumerate() {
        if let Some(key) = &publication.key {
            KEY.check(key, || format!("decision.publications.{index}.key"))?;
        }
    }
    let mut sent = BTreeSet::new();
    for (index, request) in requests.iter().enumerate() {
        let place = || format!("decision.requests.{index}");
        check_request(request, place)?;
        if !sent.insert(&request.id) {
            return Err(broken(format!(
                "{}.id: must be unique in the decision, got \"{}\" twice",
                place(),
                request.id
            )));
        }
    }
    for (index, receipt) in receipts.iter().enumerate() {
        check_receipt(receipt, || format!("decision.receipts.{index}"))?;
    }
    check_attributes(notes, || "decision.notes".into())
}

fn check_counts(decision: &Decision<String>, limits: &Limits) -> Result<(), HostFault> {
    let Decision {
        documents,
        publications,
        requests,
        receipts,
        notes,
    } = decision;
    if decision.rows() as u64 > limits.items {
        return Err(broken(format!(
            "decision: must have at most {} items (limit `items`), got {} documents, {} publications, \
             {} requests and {} receipts",
            limits.items,
            documents.len(),
            publications.len(),
            requests.len(),
            receipts.len(),
        )));
    }
    let headers: usize = requests.iter().map(|request| request.headers.len()).sum();
    let attributes: usize = receipts
        .iter()
        .map(|receipt| receipt.attributes.len())
        .sum();
    if (notes.len() + headers + attributes) as u64 > limits.attributes {
        return Err(broken(format!(
            "decision: must have at most {} attributes (limit `attributes`), got {} notes, {headers} \
             headers of requests and {attributes} attributes of receipts",
            limits.attributes,
            notes.len(),
        )));
    }
    Ok(())
}

fn check_document(document: &Document, place: impl Fn() -> String) -> Result<(), HostFault> {
    let Document {
        directory: _,
        name,
        media_type,
        body: _,
    } = document;
    check_file_name(name, || format!("{}.name", place()))?;
    MEDIA_TYPE.check(media_type, || format!("{}.media-type", place()))
}

pub(super) fn check_file_name(name: &str, place: impl FnOnce() -> String) -> Result<(), HostFault> {
    match names::is_file_name(name) {
        true => Ok(()),
        false => Err(broken(format!(
            "{}: {} is not a valid file name; it {}",
            place(),
            quoted(name),
            names::FILE_NAME_RULE
        ))),
    }
}

fn check_request(request: &Outgoing, place: impl Fn() -> String) -> Result<(), HostFault> {
    let Outgoing {
        id,
        target: _,
        method,
        path,
        headers,
        body: _,
    } = request;
    let refuse = |field: &str, text: &str, rule: &str| {
        Err(broken(format!(
            "{}.{field}: {rule}, got {}",
            place(),
            quoted(text)
        )))
    };
    if !names::is_id(id) {
        return refuse("id", id, names::ID_RULE);
    }
    METHOD.check(method, || format!("{}.method", place()))?;
    if !is_token(method) {
        return refuse("method", method, "must be a method such as POST");
    }
    PATH.check(path, || format!("{}.path", place()))?;
    if !path.starts_with('/') {
        return refuse("path", path, "must start with `/`");
    }
    for (index, Attribute { name, value }) in headers.iter().enumerate() {
        let field = |field: &str| format!("{}.headers.{index}.{field}", place());
        texts::ATTRIBUTE_NAME.check(name, || field("name"))?;
        if !is_token(name) {
            return refuse(
                &format!("headers.{index}.name"),
                name,
                "must be the name of a header, such as Content-Type",
            );
        }
        HEADER_VALUE.check(value, || field("value"))?;
    }
    Ok(())
}

/// Whether a text is a token of RFC 9110.
fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

fn check_receipt(receipt: &Receipt, place: impl Fn() -> String) -> Result<(), HostFault> {
    let Receipt {
        template,
        locale,
        document,
        attributes,
    } = receipt;
    TEMPLATE.check(template, || format!("{}.template", place()))?;
    LOCALE.check(locale, || format!("{}.locale", place()))?;
    if let Some(document) = document {
        check_document(document, || format!("{}.document", place()))?;
    }
    check_attributes(attributes, || format!("{}.attributes", place()))
}

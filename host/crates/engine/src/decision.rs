//! Checks a decision: its shape, and that it stays within the plugin's rights.

use galleria_domain::plugin::Rights;
use galleria_domain::{
    Attribute, Decision, Document, Fault, HostFault, Member, Outgoing, Problem, Publication,
    Receipt, Totals, names,
};
use std::collections::BTreeSet;

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
        directory.len() + name.len() + media_type.len() + body.len()
    };
    let publication = |publication: &Publication| {
        let Publication { topic, key, data } = publication;
        topic.len() + key.as_ref().map_or(0, String::len) + data.len()
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
        id.len() + target.len() + method.len() + path.len() + attributes(headers) + body.len()
    };
    let receipt = |receipt: &Receipt| {
        let Receipt {
            template,
            locale,
            document: attached,
            attributes: named,
        } = receipt;
        template.len() + locale.len() + attached.as_ref().map_or(0, document) + attributes(named)
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
    let size = |problem: &Problem| problem.field.len() + problem.message.len();
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
    list.iter().map(|a| a.name.len() + a.value.len()).sum()
}

/// Rejects a decision that cannot be applied or that needs a right the plugin was not granted.
pub(crate) fn check(decision: &Decision, rights: &Rights) -> Result<(), HostFault> {
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
    Ok(())
}

fn check_publication(publication: &Publication, rights: &Rights) -> Result<(), HostFault> {
    let Publication {
        topic,
        key: _,
        data,
    } = publication;
    if !rights.topics.contains(topic) {
        return Err(HostFault::Denied(format!("topic \"{topic}\"")));
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(data) {
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

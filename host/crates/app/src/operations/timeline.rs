//! The timeline of an id: everything recorded about it, in order of time. Requests to sensitive
//! points are in no record, so they are not in a timeline.

use crate::access;
use crate::operations::Operations;
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::in_tx;
use galleria_ports::records::TIMELINE_ORDER;
use galleria_ports::records::{Subject, TimelineRow, Tx};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of entries of one kind for one subject.
const OF_A_KIND: u32 = 200;
/// The maximum number of subjects of an id, and of events of an order.
const SUBJECTS: u32 = 50;
/// The same before subjects out of reach are removed: many stores number their receipts from 1.
const LOOKED_AT: u32 = 500;

/// A resource that has the id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AboutView {
    /// The kind.
    pub kind: Subject,
    /// The id of the resource.
    pub id: String,
}

/// An entry of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineEntry {
    /// Time, RFC 3339.
    pub at: String,
    /// The kind, such as `payment`, `event`, `attempt`, `publication`, `document`, `delivery`,
    /// `statement_line` or `tax_evaluation`.
    pub what: String,
    /// The id of the resource.
    pub id: String,
    /// Its details by name. Amounts are in minor units: of `paid_currency` for `net` and `fee` of a statement line,
    /// else of `currency`. Those of a tax evaluation are in major units, as in its response. `paid_minor_digits` and `minor_digits` are the digits after their decimal mark.
    pub facts: BTreeMap<String, String>,
}

/// The timeline of an id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineView {
    /// The requested id.
    pub id: String,
    /// The resources that have the id.
    pub about: Vec<AboutView>,
    /// The entries, oldest first.
    pub entries: Vec<TimelineEntry>,
    /// The kinds of which there are more entries; empty if the timeline is complete.
    pub cut: Vec<String>,
}

impl Operations {
    /// The timeline of any id: of an order, payment, refund, event, file and so on. Subjects out of
    /// reach are omitted. If none remain, the id is not found.
    pub async fn timeline(&self, id: &str, reach: &Reach) -> Result<TimelineView, Error> {
        let (requested_id, reach) = (id.to_owned(), reach.clone());
        self.core
            .records
            .read(in_tx!(|tx, requested_id, reach| collect(
                tx,
                requested_id,
                &reach
            )
            .await))
            .await
    }
}

async fn collect(tx: &mut dyn Tx, id: String, reach: &Reach) -> Result<TimelineView, Error> {
    let mut cut = BTreeSet::new();
    let mut subjects = reached(tx, &id, reach, &mut cut).await?;
    if subjects.is_empty() {
        return Err(Error::NotFound {
            what: "timeline",
            id: id.clone(),
        });
    }
    // Records of an order or a shift are in reach if that is.
    for (subject, of) in subjects.clone() {
        match subject {
            Subject::Order => {
                let events = tx.timeline_events(&of, SUBJECTS).await?;
                subjects.extend(events.into_iter().map(|event| (Subject::Event, event)));
            }
            Subject::Shift => {
                subjects.insert((Subject::Event, format!("shift:{of}")));
            }
            _ => {}
        }
    }
    let most = SUBJECTS as usize;
    if subjects.len() > most {
        cut.insert("subject".to_owned());
    }
    // An attempt is found by its order and by its event, but appears once.
    let mut rows: BTreeSet<TimelineRow> = BTreeSet::new();
    for (subject, of) in subjects.iter().take(most) {
        let found_rows = tx.timeline_rows(*subject, of, OF_A_KIND).await?;
        rows.extend(found_rows.rows);
        cut.extend(found_rows.truncated.into_iter().map(str::to_owned));
    }
    let about = subjects.into_iter().take(most);
    let mut rows: Vec<_> = rows.into_iter().collect();
    let place = |what: &str| TIMELINE_ORDER.iter().position(|known| *known == what);
    rows.sort_by_key(|row| (row.at, place(row.kind).unwrap_or(TIMELINE_ORDER.len())));
    Ok(TimelineView {
        id,
        about: about.map(|(kind, id)| AboutView { kind, id }).collect(),
        entries: rows.into_iter().map(entry).collect(),
        cut: cut.into_iter().collect(),
    })
}

/// The subjects of an id that are in reach.
async fn reached(
    tx: &mut dyn Tx,
    id: &str,
    reach: &Reach,
    cut: &mut BTreeSet<String>,
) -> Result<BTreeSet<(Subject, String)>, Error> {
    let most = match reach {
        Reach::Everything => SUBJECTS + 1,
        Reach::Some { .. } => LOOKED_AT,
    };
    let mut found: BTreeSet<_> = tx.timeline_subjects(id, most).await?.into_iter().collect();
    if let Some(of) = named_by_event(id) {
        found.extend(tx.timeline_subjects(of, most).await?);
    }
    if *reach == Reach::Everything {
        return Ok(found);
    }
    if found.len() >= most as usize {
        cut.insert("subject".to_owned());
    }
    let mut mine = BTreeSet::new();
    for (subject, of) in found {
        if reaches(tx, reach, subject, &of).await? {
            mine.insert((subject, of));
        }
    }
    Ok(mine)
}

async fn reaches(
    tx: &mut dyn Tx,
    reach: &Reach,
    subject: Subject,
    id: &str,
) -> Result<bool, Error> {
    let id = id.to_owned();
    let access_subject = match subject {
        Subject::Order => access::Subject::Order(id),
        Subject::Shift => access::Subject::Shift(id),
        Subject::Run => access::Subject::Run(id),
        Subject::Statement => access::Subject::Statement(id),
        Subject::Line => access::Subject::Line(id),
        Subject::Document => match tx.document_get(&id).await? {
            Some(document) if document.store_id.is_empty() => {
                access::Subject::Retailer(document.retailer)
            }
            Some(document) => access::Subject::Store(document.store_id),
            None => return Ok(false),
        },
        Subject::Event => access::Subject::Event(id),
        Subject::Store => access::Subject::Store(id),
        Subject::TaxEvaluation => match tx.tax_evaluation_get(&id).await? {
            Some(evaluation) => access::Subject::Store(evaluation.store_id),
            None => return Ok(false),
        },
    };
    access::may_reach(tx, reach, &access_subject).await
}

/// The id that an event's id contains.
fn named_by_event(id: &str) -> Option<&str> {
    let (kind, rest) = id.split_once(':')?;
    match kind {
        "payment" | "refund" | "void" | "shift" | "run" => {
            // The id of a publication is its event, its slot and a number.
            Some(rest.split('/').next().unwrap_or(rest))
        }
        // The id of an order may contain a colon; the part after it does not.
        "verification" | "mark" => rest.rsplit_once(':').map(|(order, _)| order),
        _ => None,
    }
}

fn entry(row: TimelineRow) -> TimelineEntry {
    TimelineEntry {
        at: row.at.to_string(),
        what: row.kind.to_owned(),
        id: row.id,
        facts: row
            .facts
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_what_it_is_about() {
        assert_eq!(named_by_event("payment:p:1"), Some("p:1"));
        assert_eq!(named_by_event("refund:r1/slot/1"), Some("r1"));
        assert_eq!(named_by_event("verification:o:1:17"), Some("o:1"));
        assert_eq!(named_by_event("run:b2fb"), Some("b2fb"));
        assert_eq!(named_by_event("stock:1"), None);
        assert_eq!(named_by_event("o1"), None);
    }
}

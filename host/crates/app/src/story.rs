//! Everything that is known about an id, in order of time. What a sensitive point was told is in no
//! record, so it cannot be told here.

use crate::Error;
use crate::app::App;
use crate::records::{StoryRow, Subject, Tx};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Things of one kind that are told of one subject.
const OF_A_KIND: u32 = 200;
/// Subjects that one id may belong to, and events of one order.
const SUBJECTS: u32 = 50;

/// Something that the id belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AboutView {
    /// What it is.
    pub kind: Subject,
    /// Its own id.
    pub id: String,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoryEntry {
    /// When, RFC 3339.
    pub at: String,
    /// What, such as `payment`, `event`, `attempt`, `document`, `delivery` or `statement_line`.
    pub what: String,
    /// Which.
    pub id: String,
    /// What is kept about it, by name.
    pub facts: BTreeMap<String, String>,
}

/// Everything that is known about an id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoryView {
    /// As asked for.
    pub id: String,
    /// What it belongs to.
    pub about: Vec<AboutView>,
    /// What happened, oldest first.
    pub entries: Vec<StoryEntry>,
    /// Of what there is more than is told here; empty where this is everything.
    pub cut: Vec<String>,
}

impl App {
    /// Everything that is known about any id: an order's, payment's, refund's, event's, file's...
    pub async fn story(&self, id: &str) -> Result<StoryView, Error> {
        let asked = id.to_owned();
        self.records
            .read(move |tx| {
                let asked = asked.clone();
                Box::pin(async move { tell(tx, asked).await })
            })
            .await
    }
}

async fn tell(tx: &mut dyn Tx, id: String) -> Result<StoryView, Error> {
    let mut cut = BTreeSet::new();
    let mut subjects: BTreeSet<_> = tx
        .story_subjects(&id, SUBJECTS)
        .await?
        .into_iter()
        .collect();
    if let Some(of) = named_by_event(&id) {
        subjects.extend(tx.story_subjects(of, SUBJECTS).await?);
    }
    if subjects.is_empty() {
        return Err(Error::NotFound {
            what: "story",
            id: id.clone(),
        });
    }
    for (subject, of) in subjects.clone() {
        match subject {
            Subject::Order => {
                let events = tx.story_events(&of, SUBJECTS).await?;
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
    // The same attempt is known by its order and by its event, and is told once.
    let mut rows: BTreeSet<StoryRow> = BTreeSet::new();
    for (subject, of) in subjects.iter().take(most) {
        let told = tx.story_rows(*subject, of, OF_A_KIND).await?;
        rows.extend(told.rows);
        cut.extend(told.cut.into_iter().map(str::to_owned));
    }
    let about = subjects.into_iter().take(most);
    Ok(StoryView {
        id,
        about: about.map(|(kind, id)| AboutView { kind, id }).collect(),
        entries: rows.into_iter().map(entry).collect(),
        cut: cut.into_iter().collect(),
    })
}

/// The id that an event's id is made of.
fn named_by_event(id: &str) -> Option<&str> {
    let (kind, rest) = id.split_once(':')?;
    match kind {
        "payment" | "refund" | "void" | "shift" => {
            // A publication is named by its event, its slot and a number.
            Some(rest.split('/').next().unwrap_or(rest))
        }
        // An order's id may have the colon in it; what stands behind it has none.
        "verification" | "mark" => rest.rsplit_once(':').map(|(order, _)| order),
        _ => None,
    }
}

fn entry(row: StoryRow) -> StoryEntry {
    StoryEntry {
        at: row.at.to_string(),
        what: row.what.to_owned(),
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
        assert_eq!(named_by_event("stock:1"), None);
        assert_eq!(named_by_event("o1"), None);
    }
}

//! The questions that a story is made of: one statement for each kind of thing that can have
//! happened to a subject. `$1` is the subject's id, `$2` how many are wanted; each answers `at_ms`,
//! `id` and the facts it names, as text.

mod document;
mod event;
mod order;
mod run;
mod shift;
mod statement;
mod tied;

pub(crate) use tied::{EVENTS, LINE, STORES, TIED, TIED_BY_RETAILER};

use galleria_app::records::Subject;

/// One of them.
pub(crate) struct Question {
    pub(crate) what: &'static str,
    /// Columns that are told, where they hold anything.
    pub(crate) facts: &'static [&'static str],
    pub(crate) sql: &'static str,
}

/// Those about a subject.
pub(crate) fn about(subject: Subject) -> &'static [Question] {
    match subject {
        Subject::Order => order::QUESTIONS,
        Subject::Shift => shift::QUESTIONS,
        Subject::Event => event::QUESTIONS,
        Subject::Run => run::QUESTIONS,
        Subject::Statement => statement::QUESTIONS,
        Subject::Line => statement::OF_A_LINE,
        Subject::Document => document::QUESTIONS,
    }
}

#[cfg(test)]
mod tests {
    use super::about;
    use galleria_app::records::Subject::{Document, Event, Line, Order, Run, Shift, Statement};
    use galleria_app::story::ORDER;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_its_place_in_a_story_and_every_place_a_kind() {
        let subjects = [Order, Shift, Event, Run, Statement, Line, Document];
        let questions = subjects.into_iter().flat_map(about);
        let kinds: BTreeSet<_> = questions.map(|one| one.what).collect();
        assert_eq!(kinds, BTreeSet::from(ORDER));
        let places: BTreeSet<_> = ORDER.into();
        assert_eq!(places.len(), ORDER.len(), "a place is named once");
    }
}

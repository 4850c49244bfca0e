//! The watermark of a group: every event up to it is settled.

use galleria_domain::Position;
use std::collections::BTreeMap;

/// Tracks the events that were read and are not settled yet.
#[derive(Debug)]
pub(crate) struct Watermark {
    /// Parts still to settle, by the event's position.
    open: BTreeMap<Position, usize>,
    read: Position,
}

impl Watermark {
    /// Starts with everything up to `position` settled.
    pub(crate) fn new(position: Position) -> Self {
        Self {
            open: BTreeMap::new(),
            read: position,
        }
    }

    /// Adds an event that was read and has `parts` to settle. Positions must ascend.
    pub(crate) fn begin(&mut self, position: Position, parts: usize) {
        debug_assert!(position > self.read);
        self.read = position;
        if parts > 0 {
            self.open.insert(position, parts);
        }
    }

    /// Settles one part of an event: it has its effect or is parked. An unparked event was settled when
    /// it was parked; do not count it again.
    pub(crate) fn finish(&mut self, position: Position) {
        if let Some(parts) = self.open.get_mut(&position) {
            *parts -= 1;
            if *parts == 0 {
                self.open.remove(&position);
            }
        }
    }

    /// The position up to which everything is settled.
    pub(crate) fn settled(&self) -> Position {
        self.open
            .first_key_value()
            .map_or(self.read, |(first, _)| first - 1)
    }

    /// The same, after one part of an event is settled too.
    pub(crate) fn settled_with(&self, position: Position) -> Position {
        let mut open = self.open.iter();
        match open.next() {
            Some((first, 1)) if *first == position => {
                open.next().map_or(self.read, |(next, _)| next - 1)
            }
            _ => self.settled(),
        }
    }

    /// The last position that was read.
    pub(crate) fn read(&self) -> Position {
        self.read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_only_over_settled_events() {
        let mut watermark = Watermark::new(10);
        watermark.begin(12, 2);
        watermark.begin(13, 1);
        watermark.begin(17, 0);
        assert_eq!((watermark.settled(), watermark.read()), (11, 17));
        assert_eq!(watermark.settled_with(12), 11);
        watermark.finish(13);
        watermark.finish(12);
        assert_eq!(watermark.settled_with(12), 17);
        assert_eq!(watermark.settled_with(13), 11);
        assert_eq!(watermark.settled(), 11);
        watermark.finish(12);
        assert_eq!(watermark.settled(), 17);
    }
}

//! How far a group has come: the contiguous part of the log that is settled.

use galleria_domain::Position;
use std::collections::BTreeMap;

/// Events read and not yet settled.
#[derive(Debug)]
pub(crate) struct Prefix {
    open: BTreeMap<Position, usize>,
    read: Position,
}

impl Prefix {
    /// Everything up to `position` is settled.
    pub(crate) fn new(position: Position) -> Self {
        Self {
            open: BTreeMap::new(),
            read: position,
        }
    }

    /// An event was read that has `parts` to settle. Positions come in ascending order.
    pub(crate) fn begin(&mut self, position: Position, parts: usize) {
        debug_assert!(position > self.read);
        self.read = position;
        if parts > 0 {
            self.open.insert(position, parts);
        }
    }

    /// One part of an event that was read is settled: it has its effect, or is parked. What comes
    /// back from the park was settled when it was parked, and must not be counted again.
    pub(crate) fn finish(&mut self, position: Position) {
        if let Some(parts) = self.open.get_mut(&position) {
            *parts -= 1;
            if *parts == 0 {
                self.open.remove(&position);
            }
        }
    }

    /// Everything up to here is settled.
    pub(crate) fn settled(&self) -> Position {
        self.open
            .first_key_value()
            .map_or(self.read, |(first, _)| first - 1)
    }

    /// Where reading continues.
    pub(crate) fn read(&self) -> Position {
        self.read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_only_over_what_is_settled() {
        let mut prefix = Prefix::new(10);
        prefix.begin(12, 2);
        prefix.begin(13, 1);
        prefix.begin(17, 0);
        assert_eq!((prefix.settled(), prefix.read()), (11, 17));
        prefix.finish(13);
        prefix.finish(12);
        assert_eq!(prefix.settled(), 11);
        prefix.finish(12);
        assert_eq!(prefix.settled(), 17);
    }
}

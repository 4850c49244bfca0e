//! How far a group has come.

use galleria_domain::Position;
use galleria_ports::Error;
use galleria_ports::records::Tx;

/// The position that a group reaches when an item is settled. It is stored in the item's transaction, if it is
/// beyond the stored one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress(Option<Position>);

impl Progress {
    /// The group reaches `position`; `stored` is in the database.
    pub fn to(position: Position, stored: Position) -> Self {
        Self((position > stored).then_some(position))
    }

    /// The position to store.
    pub fn position(self) -> Option<Position> {
        self.0
    }

    pub(super) async fn store(self, tx: &mut dyn Tx, group: &str) -> Result<(), Error> {
        match self.0 {
            Some(position) => tx.position_set(group, position).await,
            None => Ok(()),
        }
    }
}

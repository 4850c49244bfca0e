//! The reason why the consumer parks an item without trying it.

use galleria_app::App;
use galleria_app::events::{Item, Progress};
use galleria_ports::Error;

#[derive(Clone, Copy, Debug)]
pub(crate) enum ParkReason {
    /// An earlier item of its lane is parked.
    Behind,
    /// Too many items of its store wait in memory.
    SetAside,
}

impl ParkReason {
    /// Parks an item for this reason.
    pub(crate) async fn park(
        self,
        app: &App,
        item: &Item,
        progress: Progress,
    ) -> Result<(), Error> {
        match self {
            Self::Behind => app.events.park_behind(item, progress).await,
            Self::SetAside => app.events.park_aside(item, progress).await,
        }
    }
}

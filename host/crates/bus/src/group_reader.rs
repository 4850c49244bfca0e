//! Reads the log for one group and stores how far it has come.

use crate::watermark::Watermark;
use galleria_app::App;
use galleria_app::events::Group;
use galleria_domain::{Event, Position};
use galleria_ports::Error;

/// Events in one page.
const PAGE: u32 = 200;

/// A group's position in the log.
#[derive(Debug)]
pub(crate) struct GroupReader {
    pub(crate) group: Group,
    pub(crate) watermark: Watermark,
    /// Whether the log may contain more events.
    pub(crate) more: bool,
    /// The position that was stored last.
    stored: Position,
}

impl GroupReader {
    /// Continues after a stored position.
    pub(crate) fn new(group: Group, position: Position) -> Self {
        Self {
            group,
            watermark: Watermark::new(position),
            more: true,
            stored: position,
        }
    }

    /// Reads the next page, which may be empty.
    pub(crate) async fn page(&mut self, app: &App) -> Result<Vec<Event>, Error> {
        let events = app
            .events
            .events_after(&self.group, self.watermark.read(), PAGE)
            .await?;
        self.more = events.len() == PAGE as usize;
        Ok(events)
    }

    /// Stores the watermark if it has moved.
    pub(crate) async fn store(&mut self, app: &App) -> Result<(), Error> {
        let settled = self.watermark.settled();
        if settled > self.stored {
            app.events.store_position(&self.group.name, settled).await?;
            self.stored = settled;
        }
        Ok(())
    }
}

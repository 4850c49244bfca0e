//! A group's place in the log.

use crate::prefix::Prefix;
use galleria_app::handling::Group;
use galleria_app::{App, Error};
use galleria_domain::{Event, Position};

/// Events read at a time.
const PAGE: u32 = 200;

/// Where a group stands, and whether there is more for it.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) group: Group,
    pub(crate) prefix: Prefix,
    /// More may be in the log.
    pub(crate) more: bool,
    /// What was stored last.
    stored: Position,
}

impl Reading {
    /// Continues from a stored position.
    pub(crate) fn new(group: Group, position: Position) -> Self {
        Self {
            group,
            prefix: Prefix::new(position),
            more: true,
            stored: position,
        }
    }

    /// The next events, if any.
    pub(crate) async fn page(&mut self, app: &App) -> Result<Vec<Event>, Error> {
        let events = app
            .events_after(&self.group, self.prefix.read(), PAGE)
            .await?;
        self.more = events.len() == PAGE as usize;
        Ok(events)
    }

    /// Stores how far the group has come, where that has changed.
    pub(crate) async fn store(&mut self, app: &App) -> Result<(), Error> {
        let settled = self.prefix.settled();
        if settled > self.stored {
            app.progress(&self.group.name, settled).await?;
            self.stored = settled;
        }
        Ok(())
    }
}

//! Reads the log for one group and stores how far it has come.

use crate::watermark::Watermark;
use galleria_app::App;
use galleria_app::events::{Group, Item, Progress};
use galleria_domain::{Event, Position, Store};
use galleria_ports::Error;

/// Events of a group in one page.
pub(crate) const PAGE: u32 = 200;

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

    /// What is stored with the settlement of an event.
    pub(crate) fn progress(&self, item: &Item) -> Progress {
        let settled = match item.parked {
            None => self.watermark.settled_with(item.event.position),
            // The event of an unparked item was settled when it was parked.
            Some(_) => self.watermark.settled(),
        };
        Progress::to(settled, self.stored)
    }

    /// Counts the item's position as done, after `progress` was stored. An unparked item has no open position: its
    /// event may still be in the window for another subscriber.
    pub(crate) fn finish(&mut self, item: &Item, progress: Progress) {
        if item.parked.is_none() {
            self.watermark.finish(item.event.position);
        }
        self.stored = self.stored.max(progress.position().unwrap_or_default());
    }

    /// The topics, each with the position after which it is read.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (String, Position)> {
        let after = self.watermark.read();
        self.group
            .topics()
            .into_iter()
            .map(move |topic| (topic, after))
    }

    /// Takes the group's events from a page of several groups.
    pub(crate) fn page(&mut self, page: &[(Event, Option<Store>)]) -> Vec<(Event, Option<Store>)> {
        let topics = self.group.topics();
        let own = page
            .iter()
            .filter(|(event, _)| topics.contains(&event.topic));
        let own: Vec<_> = own.take(PAGE as usize).cloned().collect();
        self.more = own.len() == PAGE as usize;
        own
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

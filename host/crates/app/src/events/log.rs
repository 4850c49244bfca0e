//! What a consumer reads and stores: the log, positions of groups, and parked events that are due.

use super::{Events, Group};
use galleria_domain::{Event, Position, Store};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::ParkedEvent;

impl Events {
    /// The position of a group, and its closed lanes.
    pub async fn resume(&self, group: &str) -> Result<(Position, Vec<(String, String)>), Error> {
        let group = group.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, group| {
                let position = tx.position_get(&group).await?;
                Ok((position, tx.parked_lane_list(&group).await?))
            }))
            .await
    }

    /// The next events of a group's topics.
    pub async fn events_after(
        &self,
        group: &Group,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let topics = group.topics();
        self.core
            .records
            .read(in_tx!(|tx, topics| tx
                .event_list(&topics, after, limit)
                .await))
            .await
    }

    /// The next events of each topic after its position, with their stores.
    pub async fn next_events(
        &self,
        topics: Vec<(String, Position)>,
        limit: u32,
    ) -> Result<Vec<(Event, Option<Store>)>, Error> {
        self.core
            .records
            .read_one(in_tx!(|tx, topics| tx
                .event_list_next(&topics, limit)
                .await))
            .await
    }

    /// Stores the position of a group.
    pub async fn store_position(&self, group: &str, position: Position) -> Result<(), Error> {
        let group = group.to_owned();
        self.core
            .records
            .write(in_tx!(|tx, group| tx.position_set(&group, position).await))
            .await
    }

    /// Parked events of a group that are due, at most one per lane.
    pub async fn due(&self, group: &str, limit: u32) -> Result<Vec<ParkedEvent>, Error> {
        let (group, now) = (group.to_owned(), self.core.clock.now());
        self.core
            .records
            .read_one(in_tx!(|tx, group| tx.parked_due(&group, now, limit).await))
            .await
    }

    /// Whether a lane has parked events.
    pub async fn lane_waits(
        &self,
        group: &str,
        subscriber: &str,
        lane: &str,
    ) -> Result<bool, Error> {
        let names = (group.to_owned(), subscriber.to_owned(), lane.to_owned());
        self.core
            .records
            .read_one(in_tx!(|tx, names| {
                let (group, subscriber, lane) = names;
                tx.parked_in_lane(&group, &subscriber, &lane).await
            }))
            .await
    }
}

//! Writes a version of a retailer's catalogue: one writer at a time, without leftovers of an interrupted one.

use crate::catalogue::Catalogue;
use galleria_ports::Error;
use galleria_ports::clock;
use galleria_ports::in_tx;
use galleria_ports::records::{CatalogueDraft, DraftStart, PriceRow, ProductRow};
use jiff::Timestamp;
use std::time::Duration;

/// How long a replaced version stays readable. A run is repeated within days.
const READABLE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Rows that one transaction removes: about ten milliseconds.
const CLEARED: u32 = 1000;

/// How long a draft is reserved for a writer without progress. A batch takes milliseconds; after half a minute
/// the machine hangs.
pub(super) const HELD: Duration = Duration::from_secs(30);

/// A draft that is being written.
pub(super) struct LeasedDraft {
    pub draft: CatalogueDraft,
    /// Whether the draft is empty.
    pub empty: bool,
    /// When the reservation was last renewed.
    renewed: Timestamp,
}

impl Catalogue {
    pub(super) async fn draft_begin(&self, retailer: &str) -> Result<LeasedDraft, Error> {
        loop {
            let (retailer, writer, now) = (retailer.to_owned(), writer(), self.core.clock.now());
            let begun = self
                .core
                .records
                .write(in_tx!(|tx, retailer, writer| tx
                    .catalogue_draft_begin(&retailer, &writer, now, until(now))
                    .await))
                .await?;
            match begun {
                DraftStart::Draft(draft) => {
                    return Ok(LeasedDraft {
                        draft,
                        empty: true,
                        renewed: now,
                    });
                }
                DraftStart::Busy => return Err(busy()),
                DraftStart::LeftOver => self.sweep().await.map(drop)?,
            }
        }
    }

    pub(super) async fn draft_add(
        &self,
        lease: &mut LeasedDraft,
        products: Vec<ProductRow>,
        prices: Vec<PriceRow>,
    ) -> Result<(), Error> {
        let now = self.core.clock.now();
        let nothing = products.is_empty() && prices.is_empty();
        let recent = until(now).as_second() - until(lease.renewed).as_second() < 10;
        if nothing && recent {
            return Ok(());
        }
        let draft = lease.draft.clone();
        let forget = readable_from(now);
        self.core
            .records
            .write(in_tx!(|tx, draft, products, prices| tx
                .catalogue_draft_add(&draft, &products, &prices, until(now), forget)
                .await))
            .await?;
        lease.renewed = now;
        lease.empty &= nothing;
        Ok(())
    }

    pub(super) async fn draft_clear(&self, draft: &CatalogueDraft) -> Result<(), Error> {
        loop {
            let draft = draft.clone();
            let over = self
                .core
                .records
                .write(in_tx!(|tx, draft| tx
                    .catalogue_draft_clear(&draft, CLEARED)
                    .await))
                .await?;
            if over {
                return Ok(());
            }
        }
    }

    /// Removes the drafts of interrupted imports, and versions that are not referenced any more. Returns the number
    /// of drafts.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let mut swept = 0;
        loop {
            let (writer, now) = (writer(), self.core.clock.now());
            let left = self
                .core
                .records
                .write(in_tx!(|tx, writer| tx
                    .catalogue_draft_take_over(&writer, now, until(now))
                    .await))
                .await?;
            let Some(draft) = left else { break };
            self.draft_clear(&draft).await?;
            swept += 1;
        }
        let before = readable_from(self.core.clock.now());
        self.core
            .records
            .write(in_tx!(|tx| tx
                .catalogue_version_remove(before, CLEARED)
                .await))
            .await?;
        Ok(swept)
    }
}

pub(super) fn until(now: Timestamp) -> Timestamp {
    clock::later(now, HELD)
}

pub(super) fn readable_from(now: Timestamp) -> Timestamp {
    now.checked_sub(READABLE).unwrap_or(Timestamp::MIN)
}

pub(super) fn writer() -> String {
    uuid::Uuid::new_v4().to_string()
}

pub(super) fn busy() -> Error {
    Error::Conflict {
        code: "catalogue_busy",
        message: "products of this retailer are being imported; try again afterwards".into(),
    }
}

//! The transaction that ends an import: publishes the draft and saves the response.

use crate::core::{IdempotencyKey, Reply};
use galleria_ports::Error;
use galleria_ports::records::{CatalogueDraft, SavedResponse, Tx};
use jiff::Timestamp;

/// The last transaction of an import.
#[derive(Clone)]
pub(super) struct Publication {
    pub draft: CatalogueDraft,
    pub empty: bool,
    pub key: Option<IdempotencyKey>,
    pub reply: Reply,
    pub now: Timestamp,
}

impl Publication {
    pub async fn write(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        if let Some(key) = &self.key {
            tx.saved_response_insert(&SavedResponse {
                key: key.key.clone(),
                request: key.request.to_string(),
                status: self.reply.status,
                body: self.reply.body.clone(),
                at: self.now,
            })
            .await?;
        }
        match self.empty {
            // The draft is empty: one call removes it.
            true => tx.catalogue_draft_clear(&self.draft, 1).await.map(drop),
            false => tx
                .catalogue_draft_publish(&self.draft, self.now)
                .await
                .map(drop),
        }
    }
}

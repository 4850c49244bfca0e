//! Texts that many journal rows refer to, such as the settings of a plugin.
//!
//! A process stores such a text with the first row that refers to it, and then once an hour. Retention deletes texts
//! by the time of their last use and counts in days, so a text that rows refer to stays. Storing it with each row
//! would lock its row in the database for all events of a plugin.

use galleria_domain::Digest;
use galleria_ports::Error;
use galleria_ports::records::Tx;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const STORED_FOR: Duration = Duration::from_secs(3_600);

/// The number of texts after which all are forgotten: reloads replace settings.
const MOST: usize = 10_000;

struct SharedText {
    digest: Digest,
    stored_at: Option<Timestamp>,
}

/// The texts that this process has used, with their digests.
#[derive(Default)]
pub(crate) struct SharedTexts(Mutex<HashMap<String, SharedText>>);

impl SharedTexts {
    fn texts(&self) -> MutexGuard<'_, HashMap<String, SharedText>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The digest of a text, and whether the text must be stored with a row that refers to it.
    pub(crate) fn digest(&self, text: &str, now: Timestamp) -> (Digest, bool) {
        let mut texts = self.texts();
        if let Some(known) = texts.get(text) {
            let is_stored = known.stored_at.is_some_and(|at| {
                let age = now.duration_since(at);
                !age.is_negative() && age.unsigned_abs() < STORED_FOR
            });
            return (known.digest.clone(), !is_stored);
        }
        if texts.len() >= MOST {
            texts.clear();
        }
        let digest = Digest::of(text.as_bytes());
        let known = SharedText {
            digest: digest.clone(),
            stored_at: None,
        };
        texts.insert(text.to_owned(), known);
        (digest, true)
    }

    /// Remembers that the text was stored. Call it after the commit.
    pub(crate) fn stored(&self, text: &str, now: Timestamp) {
        if let Some(known) = self.texts().get_mut(text) {
            known.stored_at = Some(now);
        }
    }

    /// Forgets what was stored. A database that failed may have been replaced by an earlier copy.
    pub(crate) fn forget(&self) {
        self.texts().clear();
    }
}

/// Stores the texts of a journal row.
pub(crate) async fn put_texts(
    tx: &mut dyn Tx,
    texts: &[(Digest, String)],
    at: Timestamp,
) -> Result<(), Error> {
    let texts: Vec<_> = texts
        .iter()
        .map(|(digest, text)| (digest.as_str(), text.as_str()))
        .collect();
    tx.blob_put_many(&texts, at).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_stored_once_an_hour() {
        let texts = SharedTexts::default();
        let at = |second: i64| Timestamp::from_second(second).expect("a time");
        let digest = Digest::of(b"{}");
        assert_eq!(texts.digest("{}", at(0)), (digest.clone(), true));
        // Not committed yet.
        assert_eq!(texts.digest("{}", at(1)), (digest.clone(), true));
        texts.stored("{}", at(1));
        assert_eq!(texts.digest("{}", at(3_600)), (digest.clone(), false));
        assert_eq!(texts.digest("{}", at(3_601)), (digest.clone(), true));
        assert_eq!(texts.digest("{}", at(0)), (digest.clone(), true));
        texts.forget();
        assert_eq!(texts.digest("{}", at(2)), (digest, true));
    }
}

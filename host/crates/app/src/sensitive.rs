//! What sensitive points share: digests that only the host can make, and answers that take their time.
//!
//! Owns: the host's digest key and the floor. Never knows: what is asked.

use crate::Clock;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// Bytes of a digest key: as many as SHA-256 gives back.
pub const DIGEST_KEY_BYTES: usize = 32;

/// The key under which digests of codes, answers and callers are kept. A plain digest of a number of
/// thirteen digits is found by trying them all; without this key there is nothing to try against.
#[derive(Clone, PartialEq, Eq)]
pub struct DigestKey(Zeroizing<[u8; DIGEST_KEY_BYTES]>);

impl DigestKey {
    /// A key that was made before.
    pub fn new(bytes: [u8; DIGEST_KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A key that nobody has. Digests under it can be compared as long as it is kept.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; DIGEST_KEY_BYTES]);
        getrandom::fill(&mut *bytes).expect("a system has randomness");
        Self(bytes)
    }

    /// The bytes, for the one who keeps the key; never for a message.
    pub fn expose(&self) -> &[u8; DIGEST_KEY_BYTES] {
        &self.0
    }

    /// HMAC-SHA-256 of a text, written so that nobody takes it for a plain digest. `of` says what the
    /// text is: a code and an answer that read alike have different digests.
    pub fn digest(&self, of: &str, text: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes keys of every length");
        mac.update(of.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        let code = mac.finalize().into_bytes();
        format!("hmac-sha256:{}", base16ct::lower::encode_string(&code))
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey")
    }
}

/// Waits until an answer that was begun at `begun` may be given: at the next multiple of `floor`, and
/// not before the first. What took longer than the floor, because the machine was busy or a plugin
/// looped, would otherwise tell how long it took.
pub async fn wait_for_floor(clock: &dyn Clock, begun: Timestamp, floor: Duration) {
    let rest = until_floor(clock.now(), begun, floor);
    if !rest.is_zero() {
        clock.sleep(rest).await;
    }
}

fn until_floor(now: Timestamp, begun: Timestamp, floor: Duration) -> Duration {
    // A clock that was set back has measured nothing.
    let spent = Duration::try_from(now.duration_since(begun)).unwrap_or_default();
    let (spent, floor) = (spent.as_millis(), floor.as_millis());
    if floor == 0 {
        return Duration::ZERO;
    }
    let due = spent.div_ceil(floor).max(1) * floor;
    Duration::from_millis(u64::try_from(due - spent).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_answer_and_what_is_digested_counts() {
        // RFC 4231 has no key of 32 bytes; this one comes from another implementation:
        // printf 'code\0abc' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707...07
        let key = DigestKey::new([7; DIGEST_KEY_BYTES]);
        assert_eq!(key.digest("code", "abc"), KNOWN);
        assert_ne!(key.digest("code", "abc"), key.digest("answer", "abc"));
        let other = DigestKey::new([8; DIGEST_KEY_BYTES]);
        assert_ne!(key.digest("code", "abc"), other.digest("code", "abc"));
    }

    const KNOWN: &str =
        "hmac-sha256:ca4cbac5425aec7f1199e28b5f7a1d4951c7afd040632a94dc3aa09ee22ce4db";

    #[test]
    fn a_key_is_not_printed_and_two_random_ones_differ() {
        let key = DigestKey::random();
        assert_ne!(key, DigestKey::random());
        assert_eq!(format!("{key:?}"), "DigestKey");
    }

    #[test]
    fn answers_come_at_multiples_of_the_floor() {
        let begun = Timestamp::UNIX_EPOCH;
        let floor = Duration::from_millis(250);
        let rest = |spent_ms: u64| {
            let now = crate::clock::later(begun, Duration::from_millis(spent_ms));
            until_floor(now, begun, floor).as_millis()
        };
        assert_eq!([rest(0), rest(1), rest(249), rest(250)], [250, 249, 1, 0]);
        assert_eq!([rest(251), rest(500), rest(501)], [249, 0, 249]);
        let before = crate::clock::later(begun, Duration::from_secs(9));
        assert_eq!(until_floor(begun, before, floor), floor);
        assert_eq!(until_floor(before, begun, Duration::ZERO), Duration::ZERO);
    }
}

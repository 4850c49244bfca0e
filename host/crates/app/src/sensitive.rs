//! Keyed digests and constant answer times for sensitive points.
//!
//! Owns the digest key of the host and the floor. Never knows the request.

use galleria_ports::clock::Clock;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;
use std::time::Duration;
use tokio::task::{JoinError, JoinHandle};
use zeroize::Zeroizing;

/// The length of a digest key: the output length of SHA-256.
pub const DIGEST_KEY_BYTES: usize = 32;

/// The key of the stored digests of codes, answers and clients. A plain digest of a number with
/// thirteen digits can be reversed by trying all numbers; without this key that is not possible.
#[derive(Clone, PartialEq, Eq)]
pub struct DigestKey(Zeroizing<[u8; DIGEST_KEY_BYTES]>);

impl DigestKey {
    /// An existing key.
    pub fn new(bytes: [u8; DIGEST_KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A random key. Digests can be compared as long as it is kept.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; DIGEST_KEY_BYTES]);
        getrandom::fill(&mut *bytes).expect("a system has randomness");
        Self(bytes)
    }

    /// The bytes, for storing the key; never for a message.
    pub fn expose(&self) -> &[u8; DIGEST_KEY_BYTES] {
        &self.0
    }

    /// The HMAC-SHA-256 of a text, in a format that differs from a plain digest. `of` is the kind
    /// of text, so that equal codes and answers have different digests.
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

/// Returns the result of a task at the first multiple of `floor` after it ended. Otherwise a task
/// that exceeds the floor, on a busy machine or with a looping plugin, would reveal its duration.
///
/// Each wait begins where the previous one ended, never when the task ended: a wait for the
/// remainder would end on another tick of the timer, and reveal the duration to a fraction of a
/// millisecond. Changes of the clock have no effect.
pub async fn at_floor<T>(
    clock: &dyn Clock,
    floor: Duration,
    task: JoinHandle<T>,
) -> Result<T, JoinError> {
    while !floor.is_zero() {
        clock.sleep(floor).await;
        if task.is_finished() {
            break;
        }
    }
    task.await
}

#[cfg(test)]
mod tests {
    use super::*;
    use galleria_ports::clock::DrivenClock;
    use jiff::Timestamp;
    use std::sync::Arc;

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

    /// Lets everything go on that can.
    async fn settled() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn answers_come_at_multiples_of_the_floor_whenever_the_work_ended() {
        let floor = Duration::from_millis(250);
        // The end of the work and the answer, in milliseconds.
        for (work, answered) in [
            (0, 250),
            (1, 250),
            (249, 250),
            (251, 500),
            (499, 500),
            (800, 1_000),
        ] {
            let clock = Arc::new(DrivenClock::new(Timestamp::UNIX_EPOCH));
            let (end, ended) = tokio::sync::oneshot::channel::<()>();
            let mut end = Some(end);
            let task_clock = Arc::clone(&clock);
            let task = tokio::spawn(ended);
            let answer = tokio::spawn(async move { at_floor(&*task_clock, floor, task).await });
            for now in 0..=1_000 {
                if now == work {
                    end.take().expect("once").send(()).expect("still there");
                }
                settled().await;
                assert_eq!(answer.is_finished(), now >= answered, "{work}: at {now}");
                clock.advance(Duration::from_millis(1));
            }
            answer
                .await
                .expect("no panic")
                .expect("no panic")
                .expect("an end");
        }
        let clock = DrivenClock::new(Timestamp::UNIX_EPOCH);
        let none = at_floor(&clock, Duration::ZERO, tokio::spawn(async { 7 }));
        assert_eq!(none.await.expect("no panic"), 7);
    }
}

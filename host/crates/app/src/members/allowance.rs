//! Limits the rate of attempts with a bucket that refills. It is stored as the instant at which it
//! is full again.

use crate::members::Members;
use galleria_domain::Store;
use galleria_ports::Error;
use galleria_ports::clock::later;
use galleria_ports::in_tx;
use jiff::Timestamp;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

/// Permits `burst` attempts at once, and one more each time `every` has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Attempts at once; at least 1.
    pub burst: u32,
    /// The time until one attempt refills; at least a millisecond.
    pub every: Duration,
}

impl Allowance {
    /// Takes one attempt: returns when the bucket is full again, or the time to wait.
    fn take(self, full_at: Timestamp, now: Timestamp) -> Result<Timestamp, Duration> {
        let after = later(full_at.max(now), self.every);
        let latest = later(now, self.every * self.burst);
        if after <= latest {
            Ok(after)
        } else {
            Err(Duration::try_from(after.duration_since(latest)).unwrap_or_default())
        }
    }
}

/// The client of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// A client known only by its address.
    Address(IpAddr),
}

impl Client {
    /// The name under which attempts are counted. A client usually controls a whole IPv6 /64, so it
    /// is counted by prefix.
    fn name(&self) -> String {
        match self {
            Self::Address(address) => match address.to_canonical() {
                IpAddr::V4(address) => format!("address/{address}"),
                IpAddr::V6(address) => {
                    let network = u128::from(address) >> 64 << 64;
                    format!("address/{}", Ipv6Addr::from(network))
                }
            },
        }
    }
}

impl Members {
    /// Counts an attempt against the store and the client before the code is checked, so that
    /// invalid codes count too. A rejected attempt does not count: an early retry does not extend
    /// the wait.
    pub(super) async fn count_attempt(&self, store: &Store, client: &Client) -> Result<(), Error> {
        let policy = &self.policy;
        let now = self.core.clock.now();
        // An address may be personal data: only its digest is stored.
        let client = policy.digest_key.digest("client", &client.name());
        // Stores before clients in every transaction, to prevent deadlocks.
        let buckets: Arc<[(String, Allowance)]> = Arc::new([
            (
                format!("identify-member/store/{}", store.id),
                policy.per_store,
            ),
            (
                format!("identify-member/client/{client}"),
                policy.per_client,
            ),
        ]);
        let wait: Duration = self
            .core
            .records
            .write(in_tx!(|tx, buckets| {
                let mut wait = Duration::ZERO;
                let mut taken = Vec::with_capacity(buckets.len());
                for (id, allowance) in buckets.iter() {
                    let full_at = tx.allowance_lock(id, now).await?;
                    match allowance.take(full_at, now) {
                        Ok(full_at) => taken.push((id, full_at)),
                        Err(longer) => wait = wait.max(longer),
                    }
                }
                if wait.is_zero() {
                    for (id, full_at) in taken {
                        tx.allowance_set(id, full_at).await?;
                    }
                }
                Ok(wait)
            }))
            .await?;
        if wait.is_zero() {
            Ok(())
        } else {
            Err(Error::Limited { wait })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Allowance = Allowance {
        burst: 10,
        every: Duration::from_millis(300),
    };

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).expect("an instant")
    }

    /// Attempts that are allowed, one at each instant.
    fn allowed(instants: impl IntoIterator<Item = i64>) -> usize {
        let mut full_at = at(0);
        let tried = instants.into_iter().filter(|ms| {
            let taken = TEN.take(full_at, at(*ms));
            full_at = taken.unwrap_or(full_at);
            taken.is_ok()
        });
        tried.count()
    }

    #[test]
    fn as_many_at_once_as_said_and_then_one_each_time() {
        assert_eq!(allowed(vec![0; 100]), 10);
        // A try each millisecond for three seconds: the burst, and one for each 300 ms that passed.
        assert_eq!(allowed(0..3_000), 10 + 9);
        assert_eq!(allowed((0..100).map(|n| n * 300)), 100);
    }

    #[test]
    fn the_wait_has_millisecond_precision() {
        let mut full_at = at(0);
        for _ in 0..10 {
            full_at = TEN.take(full_at, at(0)).expect("allowed");
        }
        assert_eq!(TEN.take(full_at, at(0)), Err(Duration::from_millis(300)));
        assert_eq!(TEN.take(full_at, at(299)), Err(Duration::from_millis(1)));
        assert!(TEN.take(full_at, at(300)).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let name = |text: &str| Client::Address(text.parse().expect("an address")).name();
        assert_eq!(name("2001:db8::1"), name("2001:db8::ffff:2"));
        assert_ne!(name("2001:db8::1"), name("2001:db8:0:1::1"));
        assert_eq!(name("::ffff:10.0.0.7"), name("10.0.0.7"));
        assert_ne!(name("10.0.0.7"), name("10.0.0.8"));
    }
}

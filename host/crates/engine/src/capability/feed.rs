//! Feeds, read ahead: the number of queries does not depend on the size of the batches that a guest requests.

use super::host_failed;
use crate::meter::Meter;
use galleria_domain::plugin::Capability;
use galleria_ports::Error;
use galleria_ports::plugins::{BATCH_ROWS, Deadline, Feed, Streams};
use std::collections::VecDeque;

/// A feed with the rows that were read and not requested yet.
struct ReadAhead<T> {
    feed: Box<dyn Feed<T>>,
    rows: VecDeque<T>,
    ended: bool,
}

impl<T: Send> Feed<T> for ReadAhead<T> {
    fn next(&mut self, max: u32, deadline: &dyn Deadline) -> Result<Vec<T>, Error> {
        if self.rows.is_empty() && !self.ended {
            self.rows = self.feed.next(BATCH_ROWS, deadline)?.into();
            self.ended = self.rows.is_empty();
        }
        let count = self.rows.len().min(max as usize);
        Ok(self.rows.drain(..count).collect())
    }
}

/// Makes the feeds of a call read ahead.
pub(crate) fn read_ahead(streams: Streams) -> Streams {
    let Streams {
        sale_lines,
        activities,
        settlement,
        products,
        input,
        statement,
        output,
        stop,
    } = streams;
    Streams {
        sale_lines: sale_lines.map(ahead),
        activities: activities.map(ahead),
        settlement: settlement.map(ahead),
        products: products.map(ahead),
        input,
        statement,
        output,
        stop,
    }
}

fn ahead<T: Send + 'static>(feed: Box<dyn Feed<T>>) -> Box<dyn Feed<T>> {
    Box::new(ReadAhead {
        feed,
        rows: VecDeque::new(),
        ended: false,
    })
}

impl Deadline for Meter {
    fn check(&self) -> Result<(), Error> {
        self.deadline().map_err(|_| Error::Stopped)
    }
}

/// Serves one call of a feed.
pub(super) fn next<T>(
    feed: &mut Option<Box<dyn Feed<T>>>,
    meter: &mut Meter,
    capability: Capability,
    max: u32,
) -> wasmtime::Result<Vec<T>> {
    meter.host_call()?;
    let Some(feed) = feed else {
        return Err(meter.denied(format!("{capability} outside a run")).into());
    };
    let rows = feed.next(max.clamp(1, BATCH_ROWS), meter);
    if let Ok(_) | Err(Error::Stopped) = rows {
        meter.deadline()?;
    }
    rows.map_err(|error| host_failed(&format!("the feed {capability}"), &error).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    /// Numbers up to an end, in pages whose size varies.
    struct Numbers {
        next: u32,
        end: u32,
        queries: Arc<AtomicU32>,
    }

    impl Feed<u32> for Numbers {
        fn next(&mut self, max: u32, _: &dyn Deadline) -> Result<Vec<u32>, Error> {
            let query = self.queries.fetch_add(1, Ordering::Relaxed);
            let page = self.next..self.end.min(self.next + max - query % 7);
            self.next = page.end;
            Ok(page.collect())
        }
    }

    fn batches(sizes: &[u32], end: u32) -> (Vec<Vec<u32>>, u32) {
        let queries = Arc::<AtomicU32>::default();
        let mut feed = ahead(Box::new(Numbers {
            next: 0,
            end,
            queries: Arc::clone(&queries),
        }));
        let stop = AtomicBool::new(false);
        let next = |max: &u32| feed.next(*max, &stop).expect("a batch");
        let all = sizes.iter().map(next).collect();
        (all, queries.load(Ordering::Relaxed))
    }

    #[test]
    fn one_row_at_a_time_needs_few_queries() {
        let (all, queries) = batches(&vec![1; 100_000], 90_000);
        assert!(all.concat().into_iter().eq(0..90_000));
        // 22 pages, and the end, which is read once.
        assert_eq!(queries, 23);
    }

    #[test]
    fn the_same_requests_return_the_same_batches() {
        let mut random = ChaCha8Rng::seed_from_u64(13);
        for _ in 0..200 {
            let end = random.next_u32() % 10_000;
            let sizes: Vec<u32> = (0..200).map(|_| 1 + random.next_u32() % 300).collect();
            let (all, _) = batches(&sizes, end);
            assert_eq!(all, batches(&sizes, end).0);
            let fits = |(batch, max): (&Vec<u32>, &u32)| batch.len() <= *max as usize;
            assert!(all.iter().zip(&sizes).all(fits));
            let rows = all.concat();
            let read = u32::try_from(rows.len()).expect("few rows");
            assert!(rows.into_iter().eq(0..read));
            let ended = all.iter().position(Vec::is_empty);
            assert!(
                ended.is_none() || read == end,
                "a batch without rows ends the feed"
            );
        }
    }
}

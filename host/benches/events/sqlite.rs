//! The counters of a SQLite database: the index of its write-ahead log begins with them.

use anyhow::{Result, bail};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Bytes before the page in each frame of the log.
const FRAME_HEADER: u64 = 24;
const SAMPLE: Duration = Duration::from_millis(2);

pub struct Sqlite {
    index: PathBuf,
}

/// The header of the index, in native byte order (`sqlite.org/walformat.html`).
#[derive(PartialEq, Eq)]
pub struct Header {
    /// A number that every transaction increments.
    pub commits: u32,
    page_bytes: u64,
    /// Valid frames in the log. It begins anew after a checkpoint.
    frames: u64,
    pages: u64,
}

impl Header {
    fn parse(bytes: &[u8; 48]) -> Self {
        let number = |at: usize| {
            u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Self {
            commits: number(8),
            // 1 stands for 64 KiB, which two bytes cannot express.
            page_bytes: match u16::from_ne_bytes([bytes[14], bytes[15]]) {
                1 => 65_536,
                bytes => bytes.into(),
            },
            frames: number(16).into(),
            pages: number(20).into(),
        }
    }

    /// The database with the pages that are only in the log yet.
    pub const fn database_bytes(&self) -> u64 {
        self.pages * self.page_bytes
    }
}

impl Sqlite {
    pub fn new(data: &Path) -> Self {
        let index = data.join("galleria.db-shm");
        Self { index }
    }

    pub fn header(&self) -> Result<Header> {
        read(&self.index)
    }

    /// Adds up what is written to the log from now on.
    pub fn watch(&self) -> LogGrowth {
        let (index, bytes) = (self.index.clone(), Arc::new(AtomicU64::new(0)));
        let sum = Arc::clone(&bytes);
        let task = tokio::spawn(async move {
            let mut last = read(&index).map_or(0, |header| header.frames);
            loop {
                if let Ok(header) = read(&index) {
                    // Frames between the last sample and a new beginning are missed: a few of thousands.
                    let new = header.frames.checked_sub(last).unwrap_or(header.frames);
                    last = header.frames;
                    let bytes = new * (header.page_bytes + FRAME_HEADER);
                    sum.fetch_add(bytes, Ordering::Relaxed);
                }
                tokio::time::sleep(SAMPLE).await;
            }
        });
        LogGrowth { bytes, task }
    }
}

/// Reads the header, which the index contains twice: a writer changes the second copy first.
fn read(index: &Path) -> Result<Header> {
    let file = File::open(index)?;
    for _ in 0..100 {
        let (mut first, mut second) = ([0; 48], [0; 48]);
        file.read_exact_at(&mut first, 0)?;
        file.read_exact_at(&mut second, 48)?;
        if first == second {
            return Ok(Header::parse(&first));
        }
    }
    bail!("{} changes while it is read", index.display())
}

/// The growth of a log. Dropping it ends the samples.
pub struct LogGrowth {
    bytes: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl LogGrowth {
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for LogGrowth {
    fn drop(&mut self) {
        self.task.abort();
    }
}

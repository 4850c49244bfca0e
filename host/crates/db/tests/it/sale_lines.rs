//! Sale lines in pages.

use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_ports::records::{SaleLine, SaleLineCursor};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

on_both!(pages_have_no_gaps_and_no_overlaps, a_line_is_inserted_once);

const STORES: [(&str, &str); 5] = [("B", "r"), ("a", "r"), ("b", "q"), ("b-1", "r"), ("é", "r")];

fn position(line: &SaleLine) -> (&str, &str, &str, &str, u32) {
    let SaleLine {
        store_id,
        business_date,
        begun_at,
        entry_id,
        number,
        ..
    } = line;
    (store_id, business_date, begun_at, entry_id, *number)
}

/// A few hundred lines in random order. The position in the list is the acceptance time in ms.
fn lines() -> Vec<SaleLine> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut lines: Vec<SaleLine> = Vec::new();
    for entry in 0..120 {
        let store = STORES[random.random_range(0..STORES.len())].0;
        let date = format!("2026-11-{:02}", random.random_range(1..=4));
        // Few different times, so that many rows differ only in the entry; ids in both cases.
        let begun = format!("2026-11-01T10:00:0{}.000+01:00", random.random_range(0..2));
        let id = format!("{}{entry}", ["p", "P", "r_"][random.random_range(0..3)]);
        for number in [10, 9, 1].into_iter().take(random.random_range(1..=3)) {
            let mut line = rows::sale_line(store, &date, &begun, &id, number);
            line.accepted_at = at(lines.len() as i64);
            lines.push(line);
        }
    }
    lines
}

/// Reads all pages of a window.
async fn read(stage: &Stage, window: Window, limit: u32) -> Vec<SaleLine> {
    let Window {
        store_id,
        first,
        last,
        as_of,
    } = window;
    let mut all = Vec::new();
    let mut after = SaleLineCursor::default();
    loop {
        let page = read_tx!(stage, [after], |tx| {
            tx.sale_line_list("r", store_id, first, last, at(as_of), &after, limit)
                .await
        })
        .expect("a page");
        assert!(page.len() <= limit as usize);
        let Some(last_line) = page.last() else {
            return all;
        };
        after = SaleLineCursor {
            store_id: last_line.store_id.clone(),
            business_date: last_line.business_date.clone(),
            begun_at: last_line.begun_at.clone(),
            entry_id: last_line.entry_id.clone(),
            number: last_line.number,
        };
        // Only the last page may be short: readers stop at a short page.
        let short = page.len() < limit as usize;
        all.extend(page);
        if short {
            return all;
        }
    }
}

#[derive(Clone, Copy)]
struct Window {
    store_id: Option<&'static str>,
    first: &'static str,
    last: &'static str,
    as_of: i64,
}

async fn pages_have_no_gaps_and_no_overlaps(stage: &Stage) {
    let mut lines = lines();
    write_tx!(stage, [lines], |tx| {
        for (id, retailer) in STORES {
            tx.store_put(&rows::store(id, retailer)).await?;
        }
        tx.sale_line_insert_many(&lines).await
    })
    .expect("added");
    lines.sort_by(|one, other| position(one).cmp(&position(other)));
    let ids = [
        None,
        Some("B"),
        Some("a"),
        Some("b-1"),
        Some("é"),
        Some("b"),
        Some("unknown"),
    ];
    for store_id in ids {
        for (first, last, as_of) in [
            ("2026-11-01", "2026-11-30", 1_000),
            ("2026-11-02", "2026-11-03", 1_000),
            ("2026-11-01", "2026-11-30", 99),
            ("2026-11-05", "2026-11-30", 1_000),
        ] {
            let expected: Vec<_> = lines
                .iter()
                .filter(|line| store_id.is_none_or(|id| id == line.store_id))
                .filter(|line| line.store_id != "b")
                .filter(|line| *first <= *line.business_date && *line.business_date <= *last)
                .filter(|line| line.accepted_at <= at(as_of))
                .cloned()
                .collect();
            for limit in [1, 7, 10_000] {
                let window = Window {
                    store_id,
                    first,
                    last,
                    as_of,
                };
                assert_eq!(read(stage, window, limit).await, expected);
            }
        }
    }
}

async fn a_line_is_inserted_once(stage: &Stage) {
    let line = rows::sale_line("s1", "2026-11-24", "10:00", "p1", 1);
    let added = vec![
        line.clone(),
        rows::sale_line("s1", "2026-11-24", "10:00", "p1", 2),
    ];
    write_tx!(stage, [added], |tx| tx.sale_line_insert_many(&added).await).expect("added");
    let other = vec![rows::sale_line("s1", "2026-11-24", "10:00", "p2", 1), line];
    write_tx!(stage, [other], |tx| tx.sale_line_insert_many(&other).await)
        .expect_err("line exists");
    let count = stage
        .rows("SELECT 'lines' AS what, COUNT(*) AS count FROM sale_lines")
        .await;
    assert_eq!(
        count,
        [("lines".to_owned(), 2)],
        "all lines of an insert, or none"
    );
}

//! Text as columns: all cells of a batch in one piece, and where each ends. One row crosses in the
//! cost of its bytes; as records, each text would be a call of the guest's allocator.

use crate::bindings::types::Texts;

/// An empty column with room for the ends of so many rows.
pub(super) fn texts(rows: usize) -> Texts {
    Texts {
        bytes: String::new(),
        ends: Vec::with_capacity(rows),
    }
}

/// A batch has at most 4,096 rows of bounded texts, so that its bytes are far below 4 GiB; were they
/// not, the end would stay where it can still be counted.
pub(super) fn push(column: &mut Texts, cell: &str) {
    column.bytes.push_str(cell);
    column
        .ends
        .push(u32::try_from(column.bytes.len()).unwrap_or(u32::MAX));
}

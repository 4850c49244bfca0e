//! Columns of text: all cells of a batch in one string, and the position where each ends. The cost of a
//! row is the cost of its bytes. With records, each text would call the guest's allocator.

use crate::bindings::types::Texts;

/// Creates an empty column with capacity for `rows` rows.
pub(super) fn texts(rows: usize) -> Texts {
    Texts {
        bytes: String::new(),
        ends: Vec::with_capacity(rows),
    }
}

/// Appends a cell. A batch has at most 4,096 rows of limited texts, so its length is far below 4 GiB.
/// Beyond that, the end saturates.
pub(super) fn push(column: &mut Texts, cell: &str) {
    column.bytes.push_str(cell);
    column
        .ends
        .push(u32::try_from(column.bytes.len()).unwrap_or(u32::MAX));
}

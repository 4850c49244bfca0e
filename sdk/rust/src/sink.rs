//! Where a writer's bytes go: a vector for a document, an [`Output`](crate::Output) for a run.

/// Takes what a writer writes.
pub trait Sink {
    /// Where the next bytes are appended.
    fn buffer(&mut self) -> &mut Vec<u8>;

    /// Called between pieces, so that a sink that passes its bytes on may do it.
    fn piece_ended(&mut self) {}
}

impl Sink for Vec<u8> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        self
    }
}

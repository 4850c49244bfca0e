//! The destination of a writer's bytes: a vector for a document, an [`Output`](crate::Output) for a
//! run.

/// Accepts the bytes of a writer.
pub trait Sink {
    /// Returns the buffer for the next bytes.
    fn buffer(&mut self) -> &mut Vec<u8>;

    /// Called between pieces, so that a sink can pass its bytes on.
    fn piece_ended(&mut self) {}
}

impl Sink for Vec<u8> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        self
    }
}

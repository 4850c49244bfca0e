//! Facts of what is refused.

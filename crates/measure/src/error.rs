//! What can go wrong in measuring itself.

/// Why something was not measured, or a result was not written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory for the results holds something else.
    #[error("{0}")]
    Occupied(String),
    /// This computer did not do its part: a file, a thread, a drawing.
    #[error("{0}")]
    Resource(String),
}

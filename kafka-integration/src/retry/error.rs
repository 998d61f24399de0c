use std::error::Error;
use std::fmt;

/// A consume hook's failure. Every error converts into it, so `?` just works.
///
/// It does not implement [`Error`] itself: that is what lets any error convert.
pub struct ConsumeError {
    source: Box<dyn Error + Send + Sync>,
}

impl ConsumeError {
    /// From any error, or from a text.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: error.into(),
        }
    }

    /// The error that made the handler fail.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        self.source.as_ref()
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for ConsumeError {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for ConsumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)?;
        let mut cause = self.source.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for ConsumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

use std::fmt;

use super::ConsumeError;

/// A failure of a consume hook that takes batches.
///
/// Any error converts into one that concerns the whole batch: all its messages
/// are retried as the policy says. One that names indices concerns only those
/// messages; the others are done:
///
/// ```
/// # use kafka_integration::prelude::*;
/// fn pay(amounts: &[i64]) -> Result<(), BatchError> {
///     // `?` fails the whole batch.
///     std::str::from_utf8(b"connected")?;
///     match amounts.iter().position(|amount| *amount < 0) {
///         Some(index) => Err(BatchError::at(index, ConsumeError::new("negative").terminal())),
///         None => Ok(()),
///     }
/// }
/// # pay(&[1]).unwrap();
/// ```
///
/// [`BatchFailures`] collects several. When a failure of the whole batch leaves
/// its messages without a further attempt, each is tried once more alone, so
/// that only those that are to blame go to the dead-letter topic.
///
/// Like [`ConsumeError`], it does not implement [`Error`](std::error::Error).
pub struct BatchError(What);

enum What {
    Whole(ConsumeError),
    Some(Vec<(usize, ConsumeError)>),
}

/// What failed of a batch of a known length.
pub(crate) enum Share {
    /// Everything.
    Whole(ConsumeError),
    /// One error or none for each message.
    Each(Vec<Option<ConsumeError>>),
}

impl BatchError {
    /// The whole batch failed, for that error or text.
    pub fn new<E: Into<Box<dyn std::error::Error + Send + Sync>>>(error: E) -> Self {
        Self(What::Whole(ConsumeError::new(error)))
    }

    /// The message at that index failed, from 0. The others count as done, but
    /// for those added by [`and`](Self::and). An index that the batch does not
    /// have fails the whole batch.
    pub fn at(index: usize, error: impl Into<ConsumeError>) -> Self {
        Self(What::Some(vec![(index, error.into())]))
    }

    /// The message at that index failed too. An error of the whole batch stays
    /// what it is.
    #[must_use]
    pub fn and(mut self, index: usize, error: impl Into<ConsumeError>) -> Self {
        if let What::Some(failed) = &mut self.0 {
            failed.push((index, error.into()));
        }
        self
    }

    /// What that means for a batch of that many messages. Of two errors of one
    /// message the first counts.
    pub(crate) fn of(self, length: usize) -> Share {
        let failed = match self.0 {
            What::Whole(error) => return Share::Whole(error),
            What::Some(failed) => failed,
        };
        let mut each: Vec<_> = (0..length).map(|_| None).collect();
        for (index, error) in failed {
            match each.get_mut(index) {
                Some(slot) => {
                    slot.get_or_insert(error);
                }
                None => {
                    return Share::Whole(ConsumeError::new(format!(
                        "the handler says that message {index} failed ({error}), but its batch \
                         has {length} messages, counted from 0"
                    )));
                }
            }
        }
        Share::Each(each)
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for BatchError {
    fn from(error: E) -> Self {
        Self(What::Whole(error.into()))
    }
}

impl From<ConsumeError> for BatchError {
    fn from(error: ConsumeError) -> Self {
        Self(What::Whole(error))
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            What::Whole(error) => write!(f, "the whole batch: {error}"),
            What::Some(failed) => {
                for (count, (index, error)) in failed.iter().enumerate() {
                    let separator = if count > 0 { "; " } else { "" };
                    write!(f, "{separator}message {index}: {error}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            What::Whole(error) => f.debug_tuple("Whole").field(error).finish(),
            What::Some(failed) => f
                .debug_map()
                .entries(failed.iter().map(|(i, e)| (i, e)))
                .finish(),
        }
    }
}

/// Collects the messages of a batch that failed; see [`BatchError`].
#[derive(Default)]
pub struct BatchFailures(Vec<(usize, ConsumeError)>);

impl BatchFailures {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The message at that index failed, from 0.
    pub fn push(&mut self, index: usize, error: impl Into<ConsumeError>) {
        self.0.push((index, error.into()));
    }

    /// How many were pushed.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the hook returns: `Ok` when nothing failed.
    ///
    /// # Errors
    /// With what was pushed.
    pub fn into_result(self) -> Result<(), BatchError> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(BatchError(What::Some(self.0))),
        }
    }
}

impl fmt::Debug for BatchFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.iter().map(|(i, e)| (i, e)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(error: BatchError, length: usize) -> Result<Vec<usize>, String> {
        match error.of(length) {
            Share::Whole(error) => Err(error.to_string()),
            Share::Each(each) => Ok((0..length).filter(|i| each[*i].is_some()).collect()),
        }
    }

    #[test]
    fn only_what_is_named_failed() {
        let error = BatchError::at(1, fmt::Error).and(3, ConsumeError::new("no"));
        assert_eq!(failed(error, 4), Ok(vec![1, 3]));
        let mut failures = BatchFailures::new();
        failures.push(0, fmt::Error);
        failures.push(0, ConsumeError::new("again"));
        assert_eq!(
            failed(failures.into_result().expect_err("one"), 2),
            Ok(vec![0])
        );
        assert!(BatchFailures::new().into_result().is_ok());
    }

    #[test]
    fn an_error_without_an_index_is_the_whole_batch() {
        assert!(failed(fmt::Error.into(), 2).is_err());
        assert!(failed(BatchError::new("no").and(1, fmt::Error), 2).is_err());
    }

    #[test]
    fn an_index_that_is_not_there_fails_the_whole_batch_and_says_so() {
        let text = failed(BatchError::at(2, ConsumeError::new("no")), 2).expect_err("no such one");
        assert!(text.contains("message 2 failed (no)"), "{text}");
        assert!(text.contains("has 2 messages"), "{text}");
    }
}

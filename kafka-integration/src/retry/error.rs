use std::error::Error;
use std::fmt;
use std::time::Duration;

/// A consume hook's failure. Every error converts into it, so `?` just works,
/// and is then retried as the policy says. The failure can say otherwise of
/// itself:
///
/// ```
/// # use std::time::Duration;
/// # use kafka_integration::prelude::*;
/// # fn charge(customer: &str) -> Result<(), std::io::Error> { Ok(()) }
/// # fn is_blocked(customer: &str) -> bool { false }
/// fn pay(customer: &str) -> Result<(), ConsumeError> {
///     if is_blocked(customer) {
///         // No attempt will ever succeed: to the dead-letter topic at once.
///         return Err(ConsumeError::new("the customer is blocked").terminal());
///     }
///     // The other side said when to come back.
///     charge(customer).retry_after(Duration::from_secs(30))
/// }
/// # pay("ann").unwrap();
/// ```
///
/// It does not implement [`Error`] itself: that is what lets any error convert.
pub struct ConsumeError {
    source: Box<dyn Error + Send + Sync>,
    class: &'static str,
    fate: Fate,
}

/// What a failure says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// What the policy says.
    Retry,
    /// As the policy says, but after this long.
    RetryAfter(Duration),
    /// Never.
    Terminal,
}

impl ConsumeError {
    /// From any error, or from a text.
    pub fn new<E: Into<Box<dyn Error + Send + Sync>>>(error: E) -> Self {
        Self {
            source: error.into(),
            class: class_of::<E>(),
            fate: Fate::Retry,
        }
    }

    /// Marks it terminal: no attempt will ever succeed, and the message goes to
    /// the dead-letter topic at once.
    #[must_use]
    pub fn terminal(mut self) -> Self {
        self.fate = Fate::Terminal;
        self
    }

    /// Has the message tried again after that long instead of the policy's
    /// delay. The policy's maximum of retries holds all the same.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.fate = Fate::RetryAfter(delay);
        self
    }

    /// Names its class, by which policies include and exclude it and dead
    /// letters are found, instead of the error's type.
    #[must_use]
    pub fn with_class(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }

    /// The error that made the handler fail.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        self.source.as_ref()
    }

    /// Its class: the path of the error's type unless it was named; for one made
    /// from a text, `text`.
    pub fn class(&self) -> &'static str {
        self.class
    }

    /// Whether it was marked terminal.
    pub fn is_terminal(&self) -> bool {
        self.fate == Fate::Terminal
    }

    pub(crate) fn fate(&self) -> Fate {
        self.fate
    }
}

fn class_of<E>() -> &'static str {
    let name = std::any::type_name::<E>();
    let is = |other: &str| name == other;
    if is(std::any::type_name::<&str>()) || is(std::any::type_name::<String>()) {
        return "text";
    }
    if is(std::any::type_name::<Box<dyn Error + Send + Sync>>()) {
        return "error";
    }
    name
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

/// Says of a failed result what becomes of its message:
/// `charge(&card).await.terminal()?`.
pub trait RetryResult<T> {
    /// [`ConsumeError::terminal`] of the error.
    ///
    /// # Errors
    /// The error, marked.
    fn terminal(self) -> Result<T, ConsumeError>;

    /// [`ConsumeError::retry_after`] of the error.
    ///
    /// # Errors
    /// The error, marked.
    fn retry_after(self, delay: Duration) -> Result<T, ConsumeError>;
}

impl<T, E: Into<ConsumeError>> RetryResult<T> for Result<T, E> {
    fn terminal(self) -> Result<T, ConsumeError> {
        self.map_err(|error| error.into().terminal())
    }

    fn retry_after(self, delay: Duration) -> Result<T, ConsumeError> {
        self.map_err(|error| error.into().retry_after(delay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_the_type_of_the_error() {
        assert_eq!(ConsumeError::from(fmt::Error).class(), "core::fmt::Error");
        assert_eq!(ConsumeError::new("no").class(), "text");
        assert_eq!(ConsumeError::new(String::from("no")).class(), "text");
        let named = ConsumeError::new("no").with_class("Declined");
        assert_eq!(named.class(), "Declined");
    }

    #[test]
    fn a_result_is_marked_on_its_way() {
        let failed: Result<(), fmt::Error> = Err(fmt::Error);
        assert!(failed.terminal().is_err_and(|error| error.is_terminal()));
        let delay = Duration::from_secs(3);
        let error = failed.retry_after(delay).expect_err("it failed");
        assert_eq!(error.fate(), Fate::RetryAfter(delay));
    }
}

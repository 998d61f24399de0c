use kafka_protocol::messages::ApiKey;

/// Why a fault was not set: it could never do what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// The broker doesn't serve this API, so that there is nothing to strike.
    #[error("{0:?} is not served by this broker")]
    NotServed(ApiKey),
    /// Requests of this API never name such a thing. Leave the condition out,
    /// or choose another API.
    #[error("a request of {api:?} names no {what}, so a fault for one {what} would never strike")]
    NeverNames {
        /// The API chosen by [`Faults::on`](crate::Faults::on).
        api: ApiKey,
        /// `topic`, `group` or `transactional id`.
        what: &'static str,
    },
    /// The error code is 0, which is no error.
    #[error("0 is no error code")]
    NoError,
    /// [`times(0)`](crate::FaultBuilder::times): it would never strike.
    #[error("a fault that strikes 0 times does nothing")]
    NoTimes,
}

//! Fetch sessions (KIP-227): what a consumer asked for, so that it need not
//! ask again.

/// The sessions of all consumers.
#[derive(Debug, Default)]
pub(crate) struct FetchSessions {}

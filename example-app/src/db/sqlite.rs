//! How the shop uses SQLite.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::CustomizeConnection;

/// What every connection is told. A writer waits for its turn; a commit is on
/// the disk before it counts, because the offset of a billed order is
/// committed right after it.
const SETUP: &str = "PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL;";

#[derive(Debug)]
pub(super) struct Setup;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Setup {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        connection
            .batch_execute(SETUP)
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

/// Checks that the file is a database (it is made when there is none) and
/// switches it to the write-ahead log, in which readers and the writer don't
/// wait for each other. The file remembers that.
pub(super) fn prepare(path: &str) -> Result<(), String> {
    let mut connection = SqliteConnection::establish(path).map_err(|e| e.to_string())?;
    connection
        .batch_execute(SETUP)
        .and_then(|()| connection.batch_execute("PRAGMA journal_mode = WAL;"))
        .map_err(|e| e.to_string())
}

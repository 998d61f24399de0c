use diesel::backend::Backend;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Database, DatabaseError, Pools};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Why the tables are not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrationError {
    #[error("the database {0} lacks tables of this version; run `app migrate` first")]
    Pending(String),
    #[error("a migration of {database} failed: {reason}")]
    Failed { database: String, reason: String },
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Database {
    /// Brings the tables up to date; says which migrations ran.
    pub(crate) async fn migrate(&self) -> Result<Vec<String>, MigrationError> {
        self.on_harness(Step::Run).await
    }

    /// Refuses a database that `migrate` has to see first.
    pub(crate) async fn require_migrated(&self) -> Result<(), MigrationError> {
        let pending = self.on_harness(Step::Look).await?;
        match pending.is_empty() {
            true => Ok(()),
            false => Err(MigrationError::Pending(self.name().to_owned())),
        }
    }

    async fn on_harness(&self, step: Step) -> Result<Vec<String>, MigrationError> {
        let pools = self.pools.clone();
        let done = tokio::task::spawn_blocking(move || {
            let answer = match pools {
                Pools::Sqlite(pool) => step.take(&mut *pool.get()?, SQLITE),
                Pools::Postgres(pool) => step.take(&mut *pool.get()?, POSTGRES),
            };
            Ok::<_, DatabaseError>(answer)
        });
        let answer = done.await.map_err(DatabaseError::from)??;
        answer.map_err(|reason| MigrationError::Failed {
            database: self.name().to_owned(),
            reason,
        })
    }
}

#[derive(Clone, Copy)]
enum Step {
    Run,
    Look,
}

impl Step {
    fn take<DB: Backend>(
        self,
        harness: &mut impl MigrationHarness<DB>,
        migrations: EmbeddedMigrations,
    ) -> Result<Vec<String>, String> {
        let names = match self {
            Self::Run => harness
                .run_pending_migrations(migrations)
                .map(|versions| versions.iter().map(ToString::to_string).collect()),
            Self::Look => harness
                .pending_migrations(migrations)
                .map(|pending| pending.iter().map(|m| m.name().to_string()).collect()),
        };
        names.map_err(|error| error.to_string())
    }
}

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use tempfile::TempDir;

/// A test's own database, and its own folder.
pub struct Store {
    pub folder: TempDir,
    pub url: String,
    schema: Option<(String, String)>,
}

impl Store {
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("a folder");
        let url = folder.path().join("shop.sqlite");
        Self {
            url: url.to_str().expect("a path in UTF-8").to_owned(),
            folder,
            schema: None,
        }
    }

    /// A schema in the server that `TEST_POSTGRES_URL` names.
    pub fn postgres() -> Option<Self> {
        let server = super::named("TEST_POSTGRES_URL")?;
        let schema = format!("shop_{}", super::unique());
        let mut connection = PgConnection::establish(&server).expect("PostgreSQL answers");
        connection
            .batch_execute(&format!("CREATE SCHEMA {schema}"))
            .expect("a schema");
        let separator = if server.contains('?') { '&' } else { '?' };
        Some(Self {
            folder: TempDir::new().expect("a folder"),
            url: format!("{server}{separator}options=-csearch_path%3D{schema}"),
            schema: Some((server, schema)),
        })
    }

    /// How many rows the table has.
    pub fn count(&self, table: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            rows: i64,
        }
        let query = diesel::sql_query(format!("SELECT COUNT(*) AS rows FROM {table}"));
        let found: Count = match &self.schema {
            None => query.get_result(&mut self.open_sqlite()),
            Some(_) => query.get_result(&mut self.open_postgres()),
        }
        .expect("the table can be counted");
        found.rows
    }

    /// Lets the ids of orders begin there, so that they are nobody else's on a
    /// topic that others use too.
    pub fn start_order_ids_at(&self, first: u64) {
        match &self.schema {
            None => self.open_sqlite().batch_execute(&format!(
                "INSERT INTO sqlite_sequence (name, seq) VALUES ('orders', {first})"
            )),
            Some(_) => self.open_postgres().batch_execute(&format!(
                "ALTER TABLE orders ALTER COLUMN order_id RESTART WITH {first}"
            )),
        }
        .expect("the ids begin there");
    }

    fn open_sqlite(&self) -> SqliteConnection {
        let mut connection = SqliteConnection::establish(&self.url).expect("the database opens");
        connection
            .batch_execute("PRAGMA busy_timeout = 5000")
            .expect("a setting");
        connection
    }

    fn open_postgres(&self) -> PgConnection {
        PgConnection::establish(&self.url).expect("the database opens")
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let Some((server, schema)) = &self.schema else {
            return;
        };
        if let Ok(mut connection) = PgConnection::establish(server) {
            let _ = connection.batch_execute(&format!("DROP SCHEMA {schema} CASCADE"));
        }
    }
}

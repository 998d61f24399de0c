use std::fmt;

/// The variable that names the database.
pub(crate) const DATABASE_URL: &str = "DATABASE_URL";

/// The database when the variable is not set: a file in the working directory.
const DEFAULT: &str = "shop.sqlite";

/// What `DATABASE_URL` says: a SQLite file or a PostgreSQL address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DatabaseUrl {
    /// The file's path.
    Sqlite(String),
    /// The address, password included: print it through `Display` only.
    Postgres(String),
}

/// Why `DATABASE_URL` names no database.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DatabaseUrlError {
    #[error("DATABASE_URL is empty; set it to a SQLite path or a postgres:// address, or unset it")]
    Empty,
    #[error("DATABASE_URL is not UTF-8")]
    NotUnicode,
    #[error(
        "DATABASE_URL has the scheme `{0}://`; it takes a SQLite path (shop.sqlite) or an \
         address like postgres://user@host/database"
    )]
    Scheme(String),
    #[error(
        "DATABASE_URL is `:memory:`, which every connection would have for itself; name a file"
    )]
    Memory,
}

impl DatabaseUrl {
    pub(crate) fn from_env() -> Result<Self, DatabaseUrlError> {
        match std::env::var(DATABASE_URL) {
            Ok(url) => Self::parse(&url),
            Err(std::env::VarError::NotPresent) => Self::parse(DEFAULT),
            Err(std::env::VarError::NotUnicode(_)) => Err(DatabaseUrlError::NotUnicode),
        }
    }

    fn parse(url: &str) -> Result<Self, DatabaseUrlError> {
        let url = url.trim();
        if let Some((scheme, path)) = url.split_once("://") {
            return match scheme {
                "postgres" | "postgresql" => Ok(Self::Postgres(url.to_owned())),
                "sqlite" => Self::parse_path(path),
                other => Err(DatabaseUrlError::Scheme(other.to_owned())),
            };
        }
        Self::parse_path(url.strip_prefix("sqlite:").unwrap_or(url))
    }

    fn parse_path(path: &str) -> Result<Self, DatabaseUrlError> {
        match path {
            "" => Err(DatabaseUrlError::Empty),
            ":memory:" => Err(DatabaseUrlError::Memory),
            path => Ok(Self::Sqlite(path.to_owned())),
        }
    }
}

/// Without the password and without parameters, which may hold one.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = match self {
            Self::Sqlite(path) => return f.write_str(path),
            Self::Postgres(url) => url,
        };
        let url = url.split_once('?').map_or(url.as_str(), |(url, _)| url);
        let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
        // A password may contain an `@` that nobody escaped.
        let Some((credentials, host)) = rest.rsplit_once('@') else {
            return write!(f, "{scheme}://{rest}");
        };
        let user = credentials.split_once(':').map_or(credentials, |(u, _)| u);
        write!(f, "{scheme}://{user}@{host}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_sqlite_and_an_address_is_postgres() {
        let sqlite = |path: &str| Ok(DatabaseUrl::Sqlite(path.to_owned()));
        assert_eq!(DatabaseUrl::parse("shop.sqlite"), sqlite("shop.sqlite"));
        assert_eq!(DatabaseUrl::parse("sqlite:a.db"), sqlite("a.db"));
        assert_eq!(
            DatabaseUrl::parse("sqlite:///tmp/a.db"),
            sqlite("/tmp/a.db")
        );
        let postgres = "postgres://ann@localhost/shop";
        assert_eq!(
            DatabaseUrl::parse(postgres),
            Ok(DatabaseUrl::Postgres(postgres.to_owned()))
        );
        assert_eq!(
            DatabaseUrl::parse("mysql://localhost/shop"),
            Err(DatabaseUrlError::Scheme("mysql".to_owned()))
        );
        assert_eq!(DatabaseUrl::parse(" "), Err(DatabaseUrlError::Empty));
        assert_eq!(
            DatabaseUrl::parse(":memory:"),
            Err(DatabaseUrlError::Memory)
        );
    }

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            (
                "postgres://ann:s3cret@db:5432/shop",
                "postgres://ann@db:5432/shop",
            ),
            ("postgres://ann:s3@cret@db/shop", "postgres://ann@db/shop"),
            (
                "postgres://db/shop?user=ann&password=s3cret",
                "postgres://db/shop",
            ),
            ("postgres://db/shop", "postgres://db/shop"),
        ] {
            let url = DatabaseUrl::parse(url).expect("a postgres address");
            assert_eq!(url.to_string(), shown);
        }
    }
}

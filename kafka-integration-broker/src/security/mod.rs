//! Logging in: SASL PLAIN and SCRAM-SHA-256, enough to test a client's
//! settings with. Who is logged in may do everything.

mod login;
mod plain;
mod scram;
mod users;

pub(crate) use self::login::{Login, Step};
pub(crate) use self::users::Users;

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{ConsumeError, Fate};
use crate::codec::DecodeError;

/// Why a message is not finished.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The handler returned an error.
    Handler(ConsumeError),
    /// The handler panicked; the text is the panic's.
    Panic(String),
    /// The record's bytes are not what the topic declares.
    Decode(DecodeError),
}

impl Failure {
    /// The class, by which policies choose and dead letters are found.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Handler(error) => error.class(),
            Self::Panic(_) => "panic",
            Self::Decode(_) => "undecodable",
        }
    }

    /// What it says of itself. Bytes that can't be decoded stay what they are.
    pub(crate) fn fate(&self) -> Fate {
        match self {
            Self::Handler(error) => error.fate(),
            Self::Panic(_) => Fate::Retry,
            Self::Decode(_) => Fate::Terminal,
        }
    }

    /// Its text, for the dead letter. To ask an error for it is to run the
    /// application's code, which may panic.
    pub(crate) fn text(&self) -> String {
        let text = AssertUnwindSafe(|| match self {
            Self::Handler(error) => error.to_string(),
            Self::Panic(text) => text.clone(),
            Self::Decode(error) => error.to_string(),
        });
        catch_unwind(text).unwrap_or_else(|_| "an error that panics when asked for its text".into())
    }

    /// The error itself, to ask for its type.
    pub(crate) fn error(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Handler(error) => Some(error.source()),
            Self::Decode(error) => Some(error),
            Self::Panic(_) => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handler(_) => write!(f, "the handler failed: {}", self.text()),
            Self::Panic(_) => write!(f, "the handler panicked: {}", self.text()),
            Self::Decode(_) => f.write_str(&self.text()),
        }
    }
}

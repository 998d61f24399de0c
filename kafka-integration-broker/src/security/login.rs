//! How far a connection's login has come.

use kafka_protocol::ResponseError;

use super::scram::Challenge;
use super::{Users, plain, scram};

/// In the order in which they are offered.
const MECHANISMS: [&str; 2] = ["PLAIN", "SCRAM-SHA-256"];

/// One connection's login.
pub(crate) enum Login {
    /// Logged in, or nobody has to.
    Done,
    /// Nothing was said yet but, perhaps, which versions are served.
    Waiting,
    /// A mechanism was chosen and waits for the client's message.
    Chosen {
        mechanism: Mechanism,
        /// Messages come as bare frames, without a request's header: the
        /// client chose by the oldest handshake.
        bare: bool,
    },
}

pub(crate) enum Mechanism {
    Plain,
    Scram,
    ScramProof(Box<Challenge>),
}

/// What a client's message led to.
pub(crate) enum Step {
    /// Send this and wait for the next message.
    Continue(Vec<u8>),
    /// Send this; the client is logged in.
    Done(Vec<u8>),
    /// Name, password or message is wrong. Which one is not told.
    Refused,
}

impl Login {
    pub(crate) fn new(users: &Users) -> Self {
        if users.is_empty() {
            Self::Done
        } else {
            Self::Waiting
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Whether the next frame is a message of the mechanism and nothing else.
    pub(crate) fn takes_bare_frames(&self) -> bool {
        matches!(self, Self::Chosen { bare: true, .. })
    }

    /// The mechanisms a client may choose.
    pub(crate) fn mechanisms() -> &'static [&'static str] {
        &MECHANISMS
    }

    /// Takes the client's choice.
    ///
    /// # Errors
    /// It can't be made now, or the mechanism is not offered.
    pub(crate) fn choose(&mut self, mechanism: &str, bare: bool) -> Result<(), ResponseError> {
        if !matches!(self, Self::Waiting) {
            return Err(ResponseError::IllegalSaslState);
        }
        let mechanism = match mechanism {
            "PLAIN" => Mechanism::Plain,
            "SCRAM-SHA-256" => Mechanism::Scram,
            _ => return Err(ResponseError::UnsupportedSaslMechanism),
        };
        *self = Self::Chosen { mechanism, bare };
        Ok(())
    }

    /// Takes a message of the chosen mechanism.
    ///
    /// # Errors
    /// None was chosen.
    pub(crate) fn message(&mut self, users: &Users, message: &[u8]) -> Result<Step, ResponseError> {
        let (mechanism, bare) = match std::mem::replace(self, Self::Waiting) {
            Self::Chosen { mechanism, bare } => (mechanism, bare),
            other => {
                *self = other;
                return Err(ResponseError::IllegalSaslState);
            }
        };
        Ok(match mechanism {
            Mechanism::Plain if plain::accepts(users, message) => {
                *self = Self::Done;
                Step::Done(Vec::new())
            }
            Mechanism::Plain => Step::Refused,
            Mechanism::Scram => match scram::challenge(users, message) {
                Some((challenge, answer)) => {
                    *self = Self::Chosen {
                        mechanism: Mechanism::ScramProof(Box::new(challenge)),
                        bare,
                    };
                    Step::Continue(answer.into_bytes())
                }
                None => Step::Refused,
            },
            Mechanism::ScramProof(challenge) => match challenge.verify(message) {
                Some(answer) => {
                    *self = Self::Done;
                    Step::Done(answer.into_bytes())
                }
                None => Step::Refused,
            },
        })
    }
}

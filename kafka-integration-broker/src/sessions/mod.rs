//! Fetch sessions (KIP-227): what a consumer asked for, so that it need not
//! ask again, and what it was told, so that it hears only of changes.

mod session;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::TopicName;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use uuid::Uuid;

pub(crate) use self::session::{Asked, Key, Session, Told};

/// Sessions at a time. A consumer that gets none asks in full each time.
const SLOTS: usize = 1000;
/// A session unused for so long gives its slot to another.
const EVICTED_AFTER: Duration = Duration::from_secs(120);

/// No session: everything is asked and answered in full.
const FINAL_EPOCH: i32 = -1;
/// A new session is asked for.
const INITIAL_EPOCH: i32 = 0;

/// The sessions of all consumers.
#[derive(Debug, Default)]
pub(crate) struct FetchSessions {
    sessions: Mutex<FxHashMap<i32, Slot>>,
}

#[derive(Debug)]
struct Slot {
    session: Arc<Mutex<Session>>,
    used: Instant,
}

/// How a fetch request relates to a session.
#[derive(Debug)]
pub(crate) enum Fetching {
    /// The request has all partitions, the answer has all.
    Full(Vec<Asked>),
    /// The same; and later requests need not repeat it.
    Begun {
        id: i32,
        asked: Vec<Asked>,
        session: Arc<Mutex<Session>>,
    },
    /// The answer has only what changed.
    Continued {
        id: i32,
        asked: Vec<Asked>,
        session: Arc<Mutex<Session>>,
    },
}

/// What a request says of its session.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) session_id: i32,
    pub(crate) epoch: i32,
    /// Partitions by topic id rather than by name (version 13 on).
    pub(crate) by_id: bool,
    pub(crate) asked: Vec<Asked>,
    pub(crate) forgotten: Vec<Key>,
}

impl FetchSessions {
    /// Finds out what to fetch.
    ///
    /// # Errors
    /// There is no such session, or the request is not the next one in it.
    pub(crate) fn begin(&self, request: Request, now: Instant) -> Result<Fetching, ResponseError> {
        let Request {
            session_id,
            epoch,
            by_id,
            asked,
            forgotten,
        } = request;
        match epoch {
            FINAL_EPOCH | INITIAL_EPOCH => {
                let mut sessions = self.sessions.lock();
                sessions.remove(&session_id);
                if epoch == FINAL_EPOCH || asked.is_empty() {
                    return Ok(Fetching::Full(asked));
                }
                make_room(&mut sessions, now);
                if sessions.len() >= SLOTS {
                    return Ok(Fetching::Full(asked));
                }
                let id = new_id(&sessions);
                let session = Arc::new(Mutex::new(Session::new(by_id, asked.clone())));
                sessions.insert(
                    id,
                    Slot {
                        session: Arc::clone(&session),
                        used: now,
                    },
                );
                Ok(Fetching::Begun { id, asked, session })
            }
            epoch => {
                let session = {
                    let mut sessions = self.sessions.lock();
                    let slot = sessions
                        .get_mut(&session_id)
                        .ok_or(ResponseError::FetchSessionIdNotFound)?;
                    slot.used = now;
                    Arc::clone(&slot.session)
                };
                let asked = session.lock().next(epoch, by_id, asked, &forgotten)?;
                Ok(Fetching::Continued {
                    id: session_id,
                    asked,
                    session,
                })
            }
        }
    }
}

impl FetchSessions {
    /// The topics of a session, as its consumer names them.
    pub(crate) fn topics(&self, session_id: i32) -> Vec<(TopicName, Uuid)> {
        let session = {
            let sessions = self.sessions.lock();
            sessions
                .get(&session_id)
                .map(|slot| Arc::clone(&slot.session))
        };
        session.map_or_else(Vec::new, |session| session.lock().topics())
    }
}

/// Evicts the sessions that were not used for long, once there are too many.
fn make_room(sessions: &mut FxHashMap<i32, Slot>, now: Instant) {
    if sessions.len() >= SLOTS {
        sessions.retain(|_, slot| now.duration_since(slot.used) < EVICTED_AFTER);
    }
}

/// Not to be guessed, so that no client meets another's session by accident.
fn new_id(sessions: &FxHashMap<i32, Slot>) -> i32 {
    loop {
        let id = (Uuid::new_v4().as_u128() & 0x7fff_ffff) as i32;
        if id != 0 && !sessions.contains_key(&id) {
            return id;
        }
    }
}

#[cfg(test)]
mod tests;

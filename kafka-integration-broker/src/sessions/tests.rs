use super::*;

fn key(partition: i32) -> Key {
    Key {
        topic: "t".to_string().into_name(),
        topic_id: Uuid::nil(),
        partition,
    }
}

trait IntoName {
    fn into_name(self) -> kafka_protocol::messages::TopicName;
}

impl IntoName for String {
    fn into_name(self) -> kafka_protocol::messages::TopicName {
        kafka_protocol::messages::TopicName(kafka_protocol::protocol::StrBytes::from_string(self))
    }
}

fn asked(partition: i32, offset: i64) -> Asked {
    Asked {
        key: key(partition),
        offset,
        max_bytes: 1,
        leader_epoch: -1,
    }
}

fn request(session_id: i32, epoch: i32, asked: Vec<Asked>, forgotten: Vec<Key>) -> Request {
    Request {
        session_id,
        epoch,
        by_id: false,
        asked,
        forgotten,
    }
}

fn begin(sessions: &FetchSessions) -> i32 {
    let first = request(0, 0, vec![asked(0, 5), asked(1, 6)], vec![]);
    match sessions.begin(first, Instant::now()) {
        Ok(Fetching::Begun { id, .. }) => id,
        other => panic!("{other:?}"),
    }
}

fn partitions(fetching: Result<Fetching, ResponseError>) -> Vec<(i32, i64)> {
    match fetching {
        Ok(Fetching::Continued { asked, .. }) => {
            let mut all: Vec<_> = asked
                .iter()
                .map(|asked| (asked.key.partition, asked.offset))
                .collect();
            all.sort_unstable();
            all
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_remembers_what_was_asked() {
    let sessions = FetchSessions::default();
    let id = begin(&sessions);
    let now = Instant::now();
    let next = sessions.begin(request(id, 1, vec![asked(1, 7)], vec![]), now);
    assert_eq!(partitions(next), [(0, 5), (1, 7)]);
    let next = sessions.begin(request(id, 2, vec![asked(2, 0)], vec![key(0)]), now);
    assert_eq!(partitions(next), [(1, 7), (2, 0)]);
}

#[test]
fn requests_out_of_turn_and_unknown_sessions_are_refused() {
    let sessions = FetchSessions::default();
    let id = begin(&sessions);
    let now = Instant::now();
    let refused = |session, epoch, by_id| {
        let request = Request {
            by_id,
            ..request(session, epoch, vec![], vec![])
        };
        sessions.begin(request, now).err()
    };
    assert_eq!(
        refused(id, 2, false),
        Some(ResponseError::InvalidFetchSessionEpoch)
    );
    assert_eq!(
        refused(id ^ 1, 1, false),
        Some(ResponseError::FetchSessionIdNotFound)
    );
    assert_eq!(
        refused(id, 1, true),
        Some(ResponseError::FetchSessionTopicIdError)
    );
}

#[test]
fn only_changes_are_news_and_an_error_makes_everything_news() {
    let sessions = FetchSessions::default();
    let first = request(0, 0, vec![asked(0, 0)], vec![]);
    let Ok(Fetching::Begun { session, .. }) = sessions.begin(first, Instant::now()) else {
        panic!("no session");
    };
    let mut session = session.lock();
    let told = Told {
        high_watermark: 3,
        log_start: 0,
    };
    assert!(session.tell(&key(0), Some(told)));
    assert!(!session.tell(&key(0), Some(told)));
    assert!(session.tell(
        &key(0),
        Some(Told {
            high_watermark: 4,
            ..told
        })
    ));
    assert!(session.tell(&key(0), None));
    assert!(session.tell(&key(0), None));
    assert!(session.tell(&key(0), Some(told)));
}

#[test]
fn the_partition_served_last_comes_last() {
    let sessions = FetchSessions::default();
    let id = begin(&sessions);
    let now = Instant::now();
    let Ok(Fetching::Continued { session, .. }) =
        sessions.begin(request(id, 1, vec![], vec![]), now)
    else {
        panic!("no session");
    };
    session.lock().served_last(&key(0));
    let Ok(Fetching::Continued { asked, .. }) = sessions.begin(request(id, 2, vec![], vec![]), now)
    else {
        panic!("no session");
    };
    assert_eq!(
        asked
            .iter()
            .map(|asked| asked.key.partition)
            .collect::<Vec<_>>(),
        [1, 0]
    );
}

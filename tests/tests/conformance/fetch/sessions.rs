//! Fetch sessions: only what changed is told.

use kafka_integration_tests::raw::Connection;
use kafka_protocol::messages::fetch_request::ForgottenTopic;
use kafka_protocol::messages::{FetchRequest, FetchResponse};

use crate::support::Target;
use crate::support::codes::*;
use crate::support::log::{From, delete_records, fetch, values};
use crate::support::topics::Topic;

cases!(
    a_full_request_makes_a_session,
    only_changes_are_told,
    a_partition_may_join_and_leave,
    an_unknown_session_is_refused,
    a_wrong_epoch_is_refused_and_harms_nothing,
    the_last_request_closes_a_session,
    a_changed_start_is_told,
    an_error_is_told_every_time,
    names_and_ids_do_not_mix,
    an_error_at_the_start_of_a_session_is_told_with_the_rest,
);

struct Session {
    connection: Connection,
    id: i32,
    epoch: i32,
    version: i16,
}

impl Session {
    async fn open<'a>(
        target: &Target,
        version: i16,
        from: impl IntoIterator<Item = From<'a>>,
    ) -> (Self, FetchResponse) {
        let mut connection = target.connect().await;
        let request = fetch(version, from).with_session_epoch(0);
        let response = connection.call(version, request).await;
        assert_eq!(response.error_code, NONE);
        assert_ne!(response.session_id, 0);
        let session = Self {
            connection,
            id: response.session_id,
            epoch: 0,
            version,
        };
        (session, response)
    }

    async fn next<'a>(&mut self, from: impl IntoIterator<Item = From<'a>>) -> FetchResponse {
        let request = fetch(self.version, from);
        self.send(request).await
    }

    async fn send(&mut self, request: FetchRequest) -> FetchResponse {
        self.epoch += 1;
        let request = request
            .with_session_id(self.id)
            .with_session_epoch(self.epoch);
        let response = self.connection.call(self.version, request).await;
        assert_eq!(response.error_code, NONE);
        assert_eq!(response.session_id, self.id);
        response
    }
}

/// Partition, error and values of all that is told.
fn told(response: &FetchResponse) -> Vec<(i32, i16, Vec<String>)> {
    let answers = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions);
    answers
        .map(|data| (data.partition_index, data.error_code, values(data)))
        .collect()
}

fn text(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

async fn a_full_request_makes_a_session(target: &Target) {
    let topic = target.topic_with("session", 2, &[]).await;
    for version in [7, 12, 17] {
        let from = [(&topic, 0, 0), (&topic, 1, 0)];
        let (_, response) = Session::open(target, version, from).await;
        let empty = |partition| (partition, NONE, Vec::new());
        assert_eq!(told(&response), [empty(0), empty(1)], "version {version}");
    }
}

async fn only_changes_are_told(target: &Target) {
    let topic = target.topic_with("changes", 3, &[]).await;
    let from = (0..3).map(|partition| (&topic, partition, 0));
    let (mut session, _) = Session::open(target, 12, from).await;
    assert_eq!(told(&session.next([]).await), []);
    target.append(&topic, 1, ["a"]).await;
    let a = (1, NONE, text(&["a"]));
    assert_eq!(told(&session.next([]).await), std::slice::from_ref(&a));
    // Still there: the offset to read from is the old one.
    assert_eq!(told(&session.next([]).await), [a]);
    assert_eq!(told(&session.next([(&topic, 1, 1)]).await), []);
    assert_eq!(told(&session.next([]).await), []);
}

async fn a_partition_may_join_and_leave(target: &Target) {
    let topic = target.topic_with("join-leave", 2, &[]).await;
    target.append(&topic, 0, ["a"]).await;
    target.append(&topic, 1, ["b"]).await;
    let (mut session, _) = Session::open(target, 12, [(&topic, 0, 0)]).await;
    let response = session.next([(&topic, 1, 0)]).await;
    let mut both = told(&response);
    both.sort();
    let a = (0, NONE, text(&["a"]));
    let b = (1, NONE, text(&["b"]));
    assert_eq!(both, [a, b.clone()]);
    let forgotten = ForgottenTopic::default()
        .with_topic(topic.name())
        .with_partitions(vec![0]);
    let request = fetch(12, []).with_forgotten_topics_data(vec![forgotten]);
    assert_eq!(told(&session.send(request).await), [b]);
}

async fn an_unknown_session_is_refused(target: &Target) {
    let topic = target.topic("no-session").await;
    let request = fetch(12, [(&topic, 0, 0)])
        .with_session_id(123_456)
        .with_session_epoch(1);
    let response = target.call(12, request).await;
    assert_eq!(response.error_code, FETCH_SESSION_ID_NOT_FOUND);
    assert_eq!(response.session_id, 0);
    assert!(response.responses.is_empty());
}

async fn a_wrong_epoch_is_refused_and_harms_nothing(target: &Target) {
    let topic = target.topic("session-epoch").await;
    target.append(&topic, 0, ["a"]).await;
    let (mut session, _) = Session::open(target, 12, [(&topic, 0, 0)]).await;
    for epoch in [2, 7] {
        let request = fetch(12, [])
            .with_session_id(session.id)
            .with_session_epoch(epoch);
        let response = session.connection.call(12, request).await;
        assert_eq!(response.error_code, INVALID_FETCH_SESSION_EPOCH);
        assert_eq!(response.session_id, 0);
        assert!(response.responses.is_empty());
    }
    assert_eq!(told(&session.next([]).await).len(), 1);
}

async fn the_last_request_closes_a_session(target: &Target) {
    let topic = target.topic("close-session").await;
    target.append(&topic, 0, ["a"]).await;
    let (mut session, _) = Session::open(target, 12, [(&topic, 0, 0)]).await;
    let last = fetch(12, [])
        .with_session_id(session.id)
        .with_session_epoch(-1);
    let response = session.connection.call(12, last).await;
    assert_eq!((response.error_code, response.session_id), (NONE, 0));
    let request = fetch(12, [])
        .with_session_id(session.id)
        .with_session_epoch(1);
    let response = session.connection.call(12, request).await;
    assert_eq!(response.error_code, FETCH_SESSION_ID_NOT_FOUND);
}

async fn a_changed_start_is_told(target: &Target) {
    let topic = target.topic("session-start").await;
    target.append(&topic, 0, ["a", "b"]).await;
    let (mut session, _) = Session::open(target, 12, [(&topic, 0, 2)]).await;
    assert_eq!(told(&session.next([]).await), []);
    target.call(2, delete_records(&topic, 0, 1)).await;
    let response = session.next([]).await;
    assert_eq!(told(&response), [(0, NONE, Vec::new())]);
    assert_eq!(response.responses[0].partitions[0].log_start_offset, 1);
    assert_eq!(told(&session.next([]).await), []);
}

async fn an_error_is_told_every_time(target: &Target) {
    let topic = target.topic("session-error").await;
    let (mut session, _) = Session::open(target, 12, [(&topic, 0, 0)]).await;
    let error = (0, OFFSET_OUT_OF_RANGE, Vec::new());
    let response = session.next([(&topic, 0, 5)]).await;
    assert_eq!(told(&response), std::slice::from_ref(&error));
    assert_eq!(told(&session.next([]).await), [error]);
    // After an error the partition is told once more, though nothing changed.
    let response = session.next([(&topic, 0, 0)]).await;
    assert_eq!(told(&response), [(0, NONE, Vec::new())]);
    assert_eq!(told(&session.next([]).await), []);
}

async fn names_and_ids_do_not_mix(target: &Target) {
    let topic = target.topic("session-mix").await;
    let (session, _) = Session::open(target, 12, [(&topic, 0, 0)]).await;
    let request = fetch(13, [(&topic, 0, 0)])
        .with_session_id(session.id)
        .with_session_epoch(1);
    let response = target.call(13, request).await;
    assert_eq!(response.error_code, FETCH_SESSION_TOPIC_ID_ERROR);
    assert!(response.responses.is_empty());
}

async fn an_error_at_the_start_of_a_session_is_told_with_the_rest(target: &Target) {
    let topic = target.topic("session-unknown").await;
    target.append(&topic, 0, ["a"]).await;
    let missing = Topic {
        id: uuid::Uuid::from_u128(11),
        ..topic.clone()
    };
    let from = [(&topic, 0, 0), (&missing, 0, 0)];
    let (mut session, response) = Session::open(target, 13, from).await;
    let both = [(0, NONE, text(&["a"])), (0, UNKNOWN_TOPIC_ID, Vec::new())];
    let mut seen = told(&response);
    seen.sort();
    assert_eq!(seen, both);
    let mut seen = told(&session.next([]).await);
    seen.sort();
    assert_eq!(seen, both);
}

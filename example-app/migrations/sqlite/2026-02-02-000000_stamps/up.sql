-- `created` and `processed_at` are milliseconds since 1970, as Kafka has its
-- times; `time_tolerance` is seconds, as the caller gave it.
CREATE TABLE stamps (
    stamp_id       TEXT NOT NULL PRIMARY KEY,
    object_cid     TEXT NOT NULL,
    time_tolerance BIGINT NOT NULL,
    created        BIGINT NOT NULL,
    processed_at   BIGINT NOT NULL,
    batch_id       TEXT NOT NULL
);

CREATE INDEX stamps_by_time ON stamps (processed_at);

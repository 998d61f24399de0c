CREATE TABLE payments (
    order_id    BIGINT NOT NULL PRIMARY KEY,
    customer    TEXT NOT NULL,
    total_cents BIGINT NOT NULL,
    attempts    BIGINT NOT NULL CHECK (attempts >= 1),
    paid_at     TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

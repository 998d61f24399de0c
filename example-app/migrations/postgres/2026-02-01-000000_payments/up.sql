CREATE TABLE payments (
    order_id    BIGINT PRIMARY KEY,
    customer    TEXT NOT NULL,
    total_cents BIGINT NOT NULL,
    attempts    BIGINT NOT NULL CHECK (attempts >= 1),
    paid_at     TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);

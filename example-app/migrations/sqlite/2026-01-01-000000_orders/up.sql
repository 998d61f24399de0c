-- AUTOINCREMENT: an id is never given twice, not even that of an order that
-- was taken back. Its event may exist, and must not pass for another order's.
CREATE TABLE orders (
    order_id         INTEGER PRIMARY KEY AUTOINCREMENT,
    customer         TEXT NOT NULL,
    sku              TEXT NOT NULL,
    quantity         BIGINT NOT NULL CHECK (quantity >= 1),
    unit_price_cents BIGINT NOT NULL CHECK (unit_price_cents >= 0),
    total_cents      BIGINT NOT NULL,
    placed_at        TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE billed_orders (
    order_id    BIGINT NOT NULL PRIMARY KEY,
    customer    TEXT NOT NULL,
    sku         TEXT NOT NULL,
    quantity    BIGINT NOT NULL,
    total_cents BIGINT NOT NULL,
    billed_at   TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX billed_orders_by_customer ON billed_orders (customer);

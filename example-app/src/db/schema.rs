//! The tables. The times are set by the database and read by people.

diesel::table! {
    orders (order_id) {
        order_id -> BigInt,
        customer -> Text,
        sku -> Text,
        quantity -> BigInt,
        unit_price_cents -> BigInt,
        total_cents -> BigInt,
    }
}

diesel::table! {
    billed_orders (order_id) {
        order_id -> BigInt,
        customer -> Text,
        sku -> Text,
        quantity -> BigInt,
        total_cents -> BigInt,
    }
}

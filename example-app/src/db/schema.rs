//! The tables. The times that are not here are set by the database and read by
//! people.

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

diesel::table! {
    payments (order_id) {
        order_id -> BigInt,
        customer -> Text,
        total_cents -> BigInt,
        attempts -> BigInt,
    }
}

diesel::table! {
    stamps (stamp_id) {
        stamp_id -> Text,
        object_cid -> Text,
        time_tolerance -> BigInt,
        created -> BigInt,
        processed_at -> BigInt,
        batch_id -> Text,
    }
}

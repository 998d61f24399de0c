//! Amounts of money, in cents.

/// The most that one order may cost: ten billion. Sums over a customer's orders
/// then stay far inside what the database and a JSON number can hold.
pub(crate) const MAX_TOTAL_CENTS: i64 = 1_000_000_000_000;

/// What so many cost at that price; `None` when it is more than an order may
/// cost.
pub(crate) fn total_cents(quantity: i64, unit_price_cents: i64) -> Option<i64> {
    quantity
        .checked_mul(unit_price_cents)
        .filter(|total| *total <= MAX_TOTAL_CENTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_exact_or_refused() {
        assert_eq!(total_cents(2, 450), Some(900));
        assert_eq!(total_cents(1, 0), Some(0));
        assert_eq!(total_cents(1, MAX_TOTAL_CENTS), Some(MAX_TOTAL_CENTS));
        assert_eq!(total_cents(2, MAX_TOTAL_CENTS), None);
        assert_eq!(total_cents(i64::MAX, 2), None);
        assert_eq!(total_cents(i64::MAX, i64::MAX), None);
    }
}

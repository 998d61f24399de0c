//! Payments: what the bank says to an order.
//!
//! There is no bank here. The customer's name says how it would answer, so that
//! everybody can see what happens to a message that fails.

use kafka_integration::prelude::*;

use crate::topics::OrderPlaced;

/// The bank said no, and will say so each time.
#[derive(Debug, thiserror::Error)]
#[error("the bank declined order {order_id} of {customer}")]
pub(crate) struct Declined {
    order_id: i64,
    customer: String,
}

/// The bank did not answer; it may, later.
#[derive(Debug, thiserror::Error)]
#[error("the bank did not answer for order {order_id}, attempt {attempt}")]
pub(crate) struct NoAnswer {
    order_id: i64,
    attempt: u32,
}

/// The attempt in which the bank answers for a customer whose name begins with
/// `flaky`.
const ANSWERS_AT: u32 = 3;

/// Asks the bank for what the order costs.
///
/// # Errors
/// For a customer whose name begins with `declined`, terminal; twice for one
/// whose name begins with `flaky`.
pub(crate) fn charge(order: &OrderPlaced, attempt: u32) -> Result<(), ConsumeError> {
    let order_id = order.order_id;
    if order.customer.starts_with("declined") {
        let customer = order.customer.clone();
        return Err(Declined { order_id, customer }).terminal();
    }
    if order.customer.starts_with("flaky") && attempt < ANSWERS_AT {
        // Any other error is tried again as the consumer's policy says.
        return Err(NoAnswer { order_id, attempt }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order_of(customer: &str) -> OrderPlaced {
        OrderPlaced {
            order_id: 1,
            customer: customer.to_owned(),
            sku: "tea".to_owned(),
            quantity: 1,
            unit_price_cents: 900,
            total_cents: 900,
        }
    }

    #[test]
    fn who_is_declined_never_pays() {
        let refused = charge(&order_of("declined-dora"), 1).expect_err("declined");
        assert!(refused.is_terminal());
        assert!(refused.class().ends_with("::Declined"));
    }

    #[test]
    fn who_is_flaky_pays_in_the_third_attempt() {
        for attempt in [1, 2] {
            let failed = charge(&order_of("flaky"), attempt).expect_err("no answer");
            assert!(!failed.is_terminal());
        }
        assert!(charge(&order_of("flaky"), 3).is_ok());
        assert!(charge(&order_of("ann, flaky"), 1).is_ok());
    }
}

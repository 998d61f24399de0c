use serde::{Deserialize, Serialize};

/// The message of the throughput benchmarks: about 113 bytes as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Order {
    pub order_id: u64,
    pub customer: String,
    pub sku: String,
    pub quantity: u32,
    pub unit_price_cents: u64,
    pub total_cents: u64,
}

impl Order {
    /// The order of that number, one of a thousand customers'.
    pub fn number(order_id: u64) -> Self {
        let quantity = (order_id % 9 + 1) as u32;
        Self {
            order_id,
            customer: format!("customer-{}", order_id % 1_000),
            sku: format!("sku-{}", order_id % 100),
            quantity,
            unit_price_cents: 1_995,
            total_cents: 1_995 * u64::from(quantity),
        }
    }
}

//! What the cases share.

pub mod codec;
pub mod codes;
pub mod consumers;
pub mod groups;
pub mod log;
pub mod offsets;
pub mod shapes;
mod target;
pub mod topics;
pub mod transactions;

pub use target::{Target, each, eventually};

/// Makes a test of each of these functions, which runs it on every broker.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        mod on_each_broker {
            $(
                #[tokio::test]
                async fn $case() {
                    crate::support::each(stringify!($case), |target| {
                        Box::pin(super::$case(target))
                    })
                    .await;
                }
            )*
        }
    };
}

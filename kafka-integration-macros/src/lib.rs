//! The `#[topic]` and `#[consumer]` macros of `kafka-integration`.

use proc_macro::TokenStream;

/// Declares a topic.
#[proc_macro_attribute]
pub fn topic(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Declares a consumer.
#[proc_macro_attribute]
pub fn consumer(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}

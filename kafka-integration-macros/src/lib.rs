//! The `#[topic]` and `#[consumer]` macros of `kafka-integration`, which
//! re-exports and documents them.
//!
//! Each macro reads its input into a typed tree, checks it there, and only then
//! generates code. What it generates is what one would write without it: an
//! implementation of a public trait and a chain of public builder calls.

mod args;
mod consumer;
mod duration;
mod number;
mod properties;
mod retry;
mod text;
mod topic;
mod topic_name;

use proc_macro::TokenStream;

// The documentation stands at the re-export in `kafka-integration`, where its
// examples can be compiled.
#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn topic(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    topic::expand(args.into(), &item)
        .unwrap_or_else(|error| topic::rejected(&error, item))
        .into()
}

#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn consumer(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    consumer::expand(args.into(), &item)
        .unwrap_or_else(|error| consumer::rejected(&error, item))
        .into()
}

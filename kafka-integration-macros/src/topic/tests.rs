use proc_macro2::TokenStream;
use quote::quote;

use super::expand;

fn expanded(args: TokenStream, item: TokenStream) -> String {
    expand(args, &item).expect("is right").to_string()
}

fn message(args: TokenStream, item: TokenStream) -> String {
    expand(args, &item).expect_err("is wrong").to_string()
}

#[test]
fn the_block_is_completed_and_its_consume_hook_moves() {
    let expansion = expanded(
        quote! { name = "orders", cluster = CLUSTER },
        quote! {
            /// Orders.
            #[allow(unused)]
            impl<V: Bound> Topic for Orders<V> where V: Clone {
                type Value = V;
                #[instrument]
                async fn consume(&self, m: Message<Self>, cx: &Context) -> Result<(), ConsumeError> {
                    work(m).await
                }
                fn before_produce(&self, record: &mut Outgoing) -> Result<(), ProduceError> {
                    Ok(())
                }
            }
        },
    );
    let expected = quote! {
        /// Orders.
        #[allow(unused)]
        impl<V: Bound> Topic for Orders<V> where V: Clone {
            type Key = ();
            type Codec = ::kafka_integration::codec::Json;
            fn name(&self) -> &str { "orders" }
            fn cluster(&self) -> ::core::option::Option<&str> {
                ::core::option::Option::Some(CLUSTER)
            }
            type Value = V;
            fn before_produce(&self, record: &mut Outgoing) -> Result<(), ProduceError> {
                Ok(())
            }
        }
        #[allow(unused)]
        impl<V: Bound> ::kafka_integration::topic::Consume for Orders<V> where V: Clone {
            #[instrument]
            async fn consume(&self, m: Message<Self>, cx: &Context) -> Result<(), ConsumeError> {
                work(m).await
            }
        }
    };
    assert_eq!(expansion, expected.to_string());
}

#[test]
fn what_the_block_says_itself_is_left_alone() {
    let block = quote! {
        impl Topic for Orders {
            type Key = String;
            type Value = String;
            type Codec = Text;
            fn name(&self) -> &str { "orders" }
            fn cluster(&self) -> Option<&str> { None }
        }
    };
    assert_eq!(
        expanded(TokenStream::new(), block.clone()),
        block.to_string()
    );
}

#[test]
fn a_codec_may_be_any_type() {
    let block = quote! { impl Topic for Orders { type Value = String; } };
    let expansion = expanded(
        quote! { codec = avro::Avro<Order, 3>, name = "orders" },
        block,
    );
    let expected = quote! { type Codec = avro::Avro<Order, 3>; };
    assert!(expansion.contains(&expected.to_string()), "{expansion}");
}

#[test]
fn every_mistake_of_a_block_is_told_at_once() {
    let error = expand(
        TokenStream::new(),
        &quote! { impl Topic for Orders { fn consume(&self) {} } },
    );
    let error = error.expect_err("three mistakes");
    assert_eq!(error.into_iter().count(), 3);
}

#[test]
fn a_name_is_checked_by_kafkas_rules() {
    let block = quote! { impl Topic for Orders { type Value = String; } };
    for (name, problem) in [
        ("a b", "only letters"),
        ("", "empty"),
        (".", "reserves"),
        ("^", "pattern"),
        (&*"x".repeat(250), "longer than 249"),
    ] {
        let said = message(quote! { name = #name }, block.clone());
        assert!(said.contains(problem), "{name}: {said}");
    }
    expanded(quote! { name = "^shop\\..*" }, block);
}

#[test]
fn a_retry_policy_and_a_batch_policy_are_hooks() {
    let expansion = expanded(
        quote! {
            name = "stamps",
            retry(max_retries = 3),
            batch(min = 2, max = 100, linger = "5s"),
        },
        quote! {
            impl Topic for Stamps {
                type Value = Stamp;
                fn ready_at(&self, message: &Message<Self>) -> Option<Timestamp> { None }
                async fn consume(&self, b: message::Batch<Self>, _: &Context) -> Result<(), BatchError> {
                    Ok(())
                }
            }
        },
    );
    let expected = quote! {
        fn retry(&self) -> ::core::option::Option<::kafka_integration::retry::RetryPolicy> {
            ::core::option::Option::Some(::kafka_integration::retry::RetryPolicy {
                max_retries: ::core::option::Option::Some(3),
                ..::kafka_integration::retry::RetryPolicy::default()
            })
        }
        fn batch(&self) -> ::kafka_integration::topic::BatchPolicy {
            ::kafka_integration::topic::BatchPolicy {
                min: 2,
                max: 100,
                linger: ::core::time::Duration::new(5, 0)
            }
        }
        type Value = Stamp;
        fn ready_at(&self, message: &Message<Self>) -> Option<Timestamp> { None }
    };
    assert!(expansion.contains(&expected.to_string()), "{expansion}");
    let expected = quote! {
        impl ::kafka_integration::topic::Consume<message::Batch<Self> > for Stamps {
            async fn consume(&self, b: message::Batch<Self>, _: &Context) -> Result<(), BatchError> {
                Ok(())
            }
        }
    };
    assert!(expansion.ends_with(&expected.to_string()), "{expansion}");
}

#[test]
fn a_default_of_a_batch_never_contradicts_what_is_written() {
    let of_batches = quote! {
        impl Topic for Stamps {
            type Value = Stamp;
            async fn consume(&self, batch: Batch<Self>, _: &Context) -> Result<(), BatchError> {}
        }
    };
    let default = quote! { ::kafka_integration::topic::BatchPolicy::default() };
    for (option, expected) in [
        (
            quote! { max = 9 },
            quote! { min: ::core::cmp::Ord::min(count, #default.min), max: count, linger: #default.linger },
        ),
        (
            quote! { min = LEAST },
            quote! { min: count, max: ::core::cmp::Ord::max(count, #default.max) },
        ),
    ] {
        let expansion = expanded(quote! { name = "s", batch(#option) }, of_batches.clone());
        assert!(expansion.contains(&expected.to_string()), "{expansion}");
    }
    // Without the option there is no hook, which is the default.
    let expansion = expanded(quote! { name = "s" }, of_batches);
    assert!(!expansion.contains("BatchPolicy"), "{expansion}");
}

#[test]
fn a_condition_may_choose_between_messages_and_batches() {
    let block = quote! {
        impl Topic for Stamps {
            type Value = Stamp;
            #[cfg(feature = "batches")]
            async fn consume(&self, batch: Batch<Self>, _: &Context) -> Result<(), BatchError> {}
            #[cfg(not(feature = "batches"))]
            async fn consume(&self, message: Message<Self>, _: &Context) -> Result<(), ConsumeError> {}
        }
    };
    let expansion = expanded(quote! { name = "s" }, block.clone());
    for expected in [
        quote! {
            #[cfg(not(feature = "batches"))]
            impl ::kafka_integration::topic::Consume for Stamps
        },
        quote! {
            #[cfg(feature = "batches")]
            impl ::kafka_integration::topic::Consume<Batch<Self> > for Stamps
        },
    ] {
        assert!(expansion.contains(&expected.to_string()), "{expansion}");
    }
}

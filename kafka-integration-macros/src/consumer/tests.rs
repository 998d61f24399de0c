use proc_macro2::TokenStream;
use quote::quote;

use super::expand;

fn message(args: TokenStream) -> String {
    let item = quote! { struct Billing; };
    expand(args, &item).expect_err("is wrong").to_string()
}

#[test]
fn a_declaration_is_a_chain_of_builder_calls_and_a_registration() {
    let expansion = expand(
        quote! {
            group_id = "billing",
            topics(Orders, shop::Payments::new("eu")),
            config("auto.offset.reset" = "earliest", "fetch.min.bytes" = 1_024, "check.crcs" = true, "a" = -0.5, "b" = B),
            cluster = "analytics",
            concurrency = 64,
            ordering = key,
            retry(max_retries = 5),
        },
        &quote! { #[cfg(feature = "billing")] pub struct Billing; },
    );
    let expected = quote! {
        #[cfg(feature = "billing")]
        pub struct Billing;
        #[cfg(feature = "billing")]
        impl ::kafka_integration::consumer::Consumer for Billing {
            fn spec() -> ::kafka_integration::consumer::ConsumerSpec {
                ::kafka_integration::consumer::ConsumerSpec::new("Billing", "billing")
                    .topic(Orders)
                    .topic(shop::Payments::new("eu"))
                    .config("auto.offset.reset", "earliest")
                    .config("fetch.min.bytes", "1024")
                    .config("check.crcs", "true")
                    .config("a", "-0.5")
                    .config("b", ::std::string::ToString::to_string(&(B)))
                    .cluster("analytics")
                    .concurrency(64)
                    .ordering(::kafka_integration::consumer::Ordering::Key)
                    .retry(::kafka_integration::retry::RetryPolicy {
                        max_retries: ::core::option::Option::Some(5),
                        ..::kafka_integration::retry::RetryPolicy::default()
                    })
                    .located(::core::file!(), ::core::line!())
            }
        }
        #[cfg(feature = "billing")]
        ::kafka_integration::__private::inventory::submit! {
            ::kafka_integration::consumer::Registration::new(
                <Billing as ::kafka_integration::consumer::Consumer>::spec
            )
        }
    };
    let expansion = expansion.expect("is right").to_string();
    assert_eq!(expansion, expected.to_string());
}

#[test]
fn a_consumer_left_out_has_no_registration() {
    let expansion = expand(
        quote! { group_id = "billing", topics(Orders), register = false },
        &quote! { struct Billing; },
    );
    let expansion = expansion.expect("is right").to_string();
    assert!(!expansion.contains("submit"), "{expansion}");
}

#[test]
fn the_same_topic_is_found_however_it_is_spaced() {
    let said = message(quote! { group_id = "g", topics(Site::new(1), Site :: new( 1 )) });
    assert!(said.contains("listed more than once"), "{said}");
}

#[test]
fn zero_is_refused_however_it_is_written() {
    for zero in [quote!(0), quote!(0usize), quote!(0x0), quote!((0))] {
        let said = message(quote! { group_id = "g", topics(A), concurrency = #zero });
        assert!(said.contains("at least 1"), "{zero}: {said}");
    }
}

#[test]
fn what_is_missing_is_told_at_once() {
    let error = expand(TokenStream::new(), &quote! { struct Billing; });
    assert_eq!(error.expect_err("two mistakes").into_iter().count(), 2);
}

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Result;
use syn::parse::{ParseStream, Parser};

use super::*;

fn parsed(content: TokenStream) -> Result<Retry> {
    let option = Ident::new("retry", Span::call_site());
    let parse = |input: ParseStream<'_>| Retry::parse(&option, input);
    parse.parse2(content)
}

fn policy(content: TokenStream) -> String {
    let retry = parsed(content).expect("is right");
    retry.to_token_stream().to_string()
}

fn message(content: TokenStream) -> String {
    let error = parsed(content).err().expect("is wrong");
    let all: Vec<_> = error.into_iter().map(|error| error.to_string()).collect();
    all.join("\n")
}

#[test]
fn every_option_is_a_field() {
    let policy = policy(quote! {
        max_retries = 5,
        delay = "1m 30s",
        backoff(factor = 3, max = LONGEST, jitter = 0.25),
        include(sqlx::Error, Wrapped<u8>, "Timeout"),
        exclude("Declined"),
        blocking,
        preserve_order = true,
        log_every = 10,
    });
    let expected = quote! {
        ::kafka_integration::retry::RetryPolicy {
            max_retries: ::core::option::Option::Some(5),
            factor: 3.0,
            delay: ::core::time::Duration::new(90, 0),
            max_delay: LONGEST,
            jitter: 0.25,
            include: ::std::vec![
                ::kafka_integration::retry::ErrorClass::of::<sqlx::Error>(),
                ::kafka_integration::retry::ErrorClass::of::<Wrapped<u8> >(),
                ::kafka_integration::retry::ErrorClass::named("Timeout")
            ],
            exclude: ::std::vec![::kafka_integration::retry::ErrorClass::named("Declined")],
            blocking: ::core::option::Option::Some(true),
            preserve_order: true,
            log_every: 10,
        }
    };
    assert_eq!(policy, expected.to_string());
}

#[test]
fn what_is_not_said_is_the_default() {
    let expected = quote! {
        ::kafka_integration::retry::RetryPolicy {
            max_retries: ::core::option::Option::None,
            blocking: ::core::option::Option::Some(false),
            ..::kafka_integration::retry::RetryPolicy::default()
        }
    };
    for for_ever in [quote!(-1), quote!((-1)), quote!(-(1))] {
        let policy = policy(quote! { max_retries = #for_ever, blocking = false });
        assert_eq!(policy, expected.to_string());
    }
}

#[test]
fn a_longer_delay_is_not_cut_by_the_default_ceiling() {
    let expected = quote! {{
        let delay: ::core::time::Duration = ::core::time::Duration::new(600, 0);
        ::kafka_integration::retry::RetryPolicy {
            delay: delay,
            max_delay: ::core::cmp::Ord::max(
                delay,
                ::kafka_integration::retry::RetryPolicy::default().max_delay
            ),
            ..::kafka_integration::retry::RetryPolicy::default()
        }
    }};
    assert_eq!(policy(quote! { delay = "10m" }), expected.to_string());
}

#[test]
fn numbers_are_checked_by_their_bounds() {
    for wrong in [quote!(-2), quote!(4294967296), quote!(1.5), quote!("5")] {
        let said = message(quote! { max_retries = #wrong });
        assert!(said.contains("-1 for ever"), "{wrong}: {said}");
    }
    for wrong in [quote!(0.99), quote!(0), quote!(-2), quote!(true)] {
        let said = message(quote! { backoff(factor = #wrong) });
        assert!(said.contains("at least 1"), "{wrong}: {said}");
    }
    for wrong in [quote!(1.01), quote!(-0.1), quote!("0.1")] {
        let said = message(quote! { backoff(jitter = #wrong) });
        assert!(said.contains("from 0 to 1"), "{wrong}: {said}");
    }
    for wrong in [quote!(0), quote!(-1), quote!(1.0)] {
        let said = message(quote! { log_every = #wrong });
        assert!(said.contains("at least 1"), "{wrong}: {said}");
    }
    policy(quote! { max_retries = MOST, backoff(factor = F, jitter = 1), log_every = N });
}

#[test]
fn contradictions_are_told_at_once() {
    let said = message(quote! {
        preserve_order,
        blocking = false,
        delay = "2s",
        backoff(max = "1s"),
        include(sqlx::Error, "A"),
        exclude(sqlx :: Error, "A"),
    });
    assert_eq!(said.lines().count(), 4, "{said}");
    for told in [
        "`blocking = false` says that none wait",
        "shorter than `delay`",
        "`sqlx::Error` is included and excluded",
        "`A` is included and excluded",
    ] {
        assert!(said.contains(told), "{said}");
    }
    policy(quote! { preserve_order, blocking });
    policy(quote! { preserve_order = false, blocking = false });
}

#[test]
fn what_belongs_to_the_backoff_is_sent_there() {
    for (wrong, right) in [
        (quote!(factor = 2.0), "backoff(factor = 2.0)"),
        (quote!(max_delay = "1m"), "backoff(max = \"10m\")"),
        (quote!(jitter), "backoff(jitter = 0.1)"),
    ] {
        let said = message(wrong);
        assert!(said.ends_with(&format!("is written `{right}`")), "{said}");
    }
    // And is no option of its own.
    let said = message(quote! { jiter = 1 });
    assert!(!said.contains("jitter"), "{said}");
}

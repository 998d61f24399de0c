//! `#[topic]`: an `impl Topic for …` block, completed.

mod batch;
mod block;
mod hooks;
mod options;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Error, ImplItem, ItemImpl, Result, parse_quote, parse_quote_spanned};

use self::block::{Block, implements_topic};
use self::options::Options;
use crate::args::all_of;

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> Result<TokenStream> {
    let options = Options::parse.parse2(args)?;
    let block = Block::parse(item)?;
    check(&options, &block)?;
    Ok(generate(options, block))
}

/// The error together with the item, unless that is an unfinished topic, which
/// would only add the compiler's errors to ours.
pub(crate) fn rejected(error: &Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    match syn::parse2::<ItemImpl>(item.clone()) {
        Ok(block) if block.trait_.is_none() || implements_topic(&block) => error,
        _ => quote! { #item #error },
    }
}

fn check(options: &Options, block: &Block) -> Result<()> {
    let mut errors = Vec::new();
    let twice = |what: &str, option: &str, item: &dyn ToTokens| {
        Error::new_spanned(
            item,
            format!("{what} is specified more than once: here and by `{option}`; remove one"),
        )
    };
    match (&options.name, block.function("name")) {
        (Some(_), Some(function)) => errors.push(twice("the name", "name = …", &function.sig)),
        (None, None) => errors.push(Error::new_spanned(
            &block.topic.self_ty,
            "the topic has no name: write `#[topic(name = \"…\")]`",
        )),
        _ => {}
    }
    if let (Some(_), Some(function)) = (&options.cluster, block.function("cluster")) {
        errors.push(twice("the cluster", "cluster = …", &function.sig));
    }
    if let (Some(_), Some(function)) = (&options.retry, block.function("retry")) {
        errors.push(twice("the retry policy", "retry(…)", &function.sig));
    }
    if let (Some(_), Some(function)) = (&options.batch, block.function("batch")) {
        errors.push(twice("the batch policy", "batch(…)", &function.sig));
    }
    if let (Some(_), Some(codec)) = (&options.codec, block.associated_type("Codec")) {
        errors.push(twice("the codec", "codec = …", codec));
    }
    if block.associated_type("Value").is_none() {
        errors.push(Error::new_spanned(
            &block.topic.self_ty,
            "the topic does not say what its values are: add `type Value = …;`",
        ));
    }
    hooks::check(block, options.batch.as_ref(), &mut errors);
    all_of(errors)
}

fn generate(options: Options, block: Block) -> TokenStream {
    let mut generated: Vec<ImplItem> = Vec::new();
    if block.associated_type("Key").is_none() {
        generated.push(parse_quote! { type Key = (); });
    }
    if let Some(codec) = options.codec {
        generated.push(parse_quote! { type Codec = #codec; });
    } else if block.associated_type("Codec").is_none() {
        // The span has "not serializable" point at the value's type.
        let span = block.associated_type("Value").map(|value| value.ty.span());
        let span = span.unwrap_or_else(|| block.topic.self_ty.span());
        generated.push(parse_quote_spanned! {span=>
            type Codec = ::kafka_integration::codec::Json;
        });
    }
    if let Some(name) = options.name {
        generated.push(parse_quote! {
            fn name(&self) -> &str { #name }
        });
    }
    if let Some(cluster) = options.cluster {
        generated.push(parse_quote! {
            fn cluster(&self) -> ::core::option::Option<&str> {
                ::core::option::Option::Some(#cluster)
            }
        });
    }
    if let Some(retry) = options.retry {
        generated.push(parse_quote! {
            fn retry(&self) -> ::core::option::Option<::kafka_integration::retry::RetryPolicy> {
                ::core::option::Option::Some(#retry)
            }
        });
    }
    if let Some(batch) = options.batch {
        generated.push(parse_quote! {
            fn batch(&self) -> ::kafka_integration::topic::BatchPolicy { #batch }
        });
    }

    let consume = hooks::implementations(&block);
    let mut topic = block.topic;
    generated.append(&mut topic.items);
    topic.items = generated;
    quote! { #topic #(#consume)* }
}

#[cfg(test)]
mod tests;

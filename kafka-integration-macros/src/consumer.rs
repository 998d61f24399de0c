//! `#[consumer]`: a struct that declares a consumer and registers it.

mod options;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::Parser;
use syn::{Attribute, Error, Ident, Item, ItemStruct, Result};

use self::options::{GROUP_ID, Options, Ordering, TOPICS};
use crate::args::all_of;

/// The struct below the macro, as far as the declaration needs it.
struct Subject {
    ident: Ident,
    /// Conditions that hold for all that is generated.
    conditions: Vec<Attribute>,
}

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> Result<TokenStream> {
    let subject = Subject::parse(item)?;
    let options = Options::parse.parse2(args)?;
    check(&options, &subject.ident)?;
    let declaration = generate(&options, &subject);
    Ok(quote! { #item #declaration })
}

/// The error together with the item, so that the type exists for those who
/// name it.
pub(crate) fn rejected(error: &Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote! { #item #error }
}

/// Refuses a declaration that lacks what it can't do without.
fn check(options: &Options, ident: &Ident) -> Result<()> {
    let mut errors = Vec::new();
    if options.group_id.is_none() {
        errors.push(Error::new_spanned(
            ident,
            format!("the consumer has no group: write `#[consumer({GROUP_ID}, …)]`"),
        ));
    }
    if options.topics.is_empty() {
        errors.push(Error::new_spanned(
            ident,
            format!("the consumer has no topics: list at least one, as in `{TOPICS}`"),
        ));
    }
    all_of(errors)
}

impl Subject {
    fn parse(item: &TokenStream) -> Result<Self> {
        const WHERE: &str = "`#[consumer]` goes on a struct: write `pub struct BillingConsumer;`";
        let declared = match syn::parse2::<Item>(item.clone()) {
            Ok(Item::Struct(declared)) => declared,
            Ok(Item::Enum(other)) => return Err(Error::new_spanned(other.ident, WHERE)),
            Ok(Item::Fn(other)) => return Err(Error::new_spanned(other.sig, WHERE)),
            Ok(other) => return Err(Error::new_spanned(other, WHERE)),
            Err(_) => return Err(Error::new_spanned(item, WHERE)),
        };
        Self::check(&declared)?;
        let conditions = declared.attrs.into_iter();
        Ok(Self {
            ident: declared.ident,
            conditions: conditions.filter(|a| a.path().is_ident("cfg")).collect(),
        })
    }

    fn check(declared: &ItemStruct) -> Result<()> {
        let ident = &declared.ident;
        if !declared.generics.params.is_empty() {
            return Err(Error::new_spanned(
                &declared.generics,
                format!(
                    "a consumer is one entry in the registry and cannot be generic: \
                     write `struct {ident};` for each"
                ),
            ));
        }
        if !declared.fields.is_empty() {
            return Err(Error::new_spanned(
                &declared.fields,
                format!(
                    "a consumer is a declaration and never has a value, so it has no fields: \
                     write `struct {ident};`, and give the hooks what they need by \
                     `Kafka::builder().state(…)` and `cx.state()`"
                ),
            ));
        }
        Ok(())
    }
}

fn generate(options: &Options, subject: &Subject) -> TokenStream {
    let Subject { ident, conditions } = subject;
    let name = match &options.name {
        Some(name) => name.to_token_stream(),
        None => ident.to_string().to_token_stream(),
    };
    let group_id = &options.group_id;
    let topics = options.topics.iter().map(|topic| quote! { .topic(#topic) });
    let config = options.config.iter().map(|property| {
        let (key, value) = (&property.key, property.value());
        quote! { .config(#key, #value) }
    });
    let cluster = options
        .cluster
        .iter()
        .map(|name| quote! { .cluster(#name) });
    let concurrency = options
        .concurrency
        .iter()
        .map(|messages| quote! { .concurrency(#messages) });
    let ordering = options.ordering.iter().map(|Ordering { variant }| {
        quote! { .ordering(::kafka_integration::consumer::Ordering::#variant) }
    });
    let retry = options
        .retry
        .iter()
        .map(|policy| quote! { .retry(#policy) });
    // With the struct's span, `line!()` is the line of its declaration.
    let located = quote_spanned! {ident.span()=>
        .located(::core::file!(), ::core::line!())
    };
    let registration = options.register.unwrap_or(true).then(|| {
        quote! {
            #(#conditions)*
            ::kafka_integration::__private::inventory::submit! {
                ::kafka_integration::consumer::Registration::new(
                    <#ident as ::kafka_integration::consumer::Consumer>::spec
                )
            }
        }
    });
    quote! {
        #(#conditions)*
        impl ::kafka_integration::consumer::Consumer for #ident {
            fn spec() -> ::kafka_integration::consumer::ConsumerSpec {
                ::kafka_integration::consumer::ConsumerSpec::new(#name, #group_id)
                    #(#topics)*
                    #(#config)*
                    #(#cluster)*
                    #(#concurrency)*
                    #(#ordering)*
                    #(#retry)*
                    #located
            }
        }
        #registration
    }
}

#[cfg(test)]
mod tests;

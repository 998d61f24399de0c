//! `#[consumer]`: a struct that declares a consumer and registers it.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, Ident, Item, ItemStruct, Lit, LitBool, Result, Token};

use crate::args::{Form, Known, parse_options, unknown};
use crate::properties::Property;
use crate::text::{check_text, literal, string_literal};

const GROUP_ID: &str = "group_id = \"billing\"";
const TOPICS: &str = "topics(Orders, Payments)";
const NAME: &str = "name = \"billing\"";
const CLUSTER: &str = "cluster = \"analytics\"";
const CONCURRENCY: &str = "concurrency = 64";

#[derive(Clone, Copy)]
enum ConsumerOption {
    GroupId,
    Topics,
    Config,
    Name,
    Cluster,
    Concurrency,
    Ordering,
    Register,
}

const fn known(
    name: &'static str,
    option: ConsumerOption,
    form: Form,
    example: &'static str,
) -> Known<ConsumerOption> {
    Known {
        name,
        option,
        form,
        example,
    }
}

const OPTIONS: &[Known<ConsumerOption>] = &[
    known("group_id", ConsumerOption::GroupId, Form::Value, GROUP_ID),
    known("topics", ConsumerOption::Topics, Form::List, TOPICS),
    known(
        "config",
        ConsumerOption::Config,
        Form::List,
        "config(\"auto.offset.reset\" = \"earliest\")",
    ),
    known("name", ConsumerOption::Name, Form::Value, NAME),
    known("cluster", ConsumerOption::Cluster, Form::Value, CLUSTER),
    known(
        "concurrency",
        ConsumerOption::Concurrency,
        Form::Value,
        CONCURRENCY,
    ),
    known(
        "ordering",
        ConsumerOption::Ordering,
        Form::Value,
        "ordering = key",
    ),
    known(
        "register",
        ConsumerOption::Register,
        Form::Value,
        "register = false",
    ),
];

/// What stands in the macro's parentheses, each option checked by itself.
#[derive(Default)]
struct Options {
    group_id: Option<Expr>,
    topics: Vec<Expr>,
    config: Vec<Property>,
    name: Option<Expr>,
    cluster: Option<Expr>,
    concurrency: Option<Expr>,
    ordering: Option<Ordering>,
    register: Option<bool>,
}

/// A variant of the framework's `Ordering`, at the word that names it.
struct Ordering {
    variant: Ident,
}

/// The struct below the macro, as far as the declaration needs it.
struct Subject {
    ident: Ident,
    /// Conditions that hold for all that is generated.
    conditions: Vec<Attribute>,
}

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> Result<TokenStream> {
    let subject = Subject::parse(item)?;
    let options = Options::parse.parse2(args)?;
    let (Some(group_id), false) = (&options.group_id, options.topics.is_empty()) else {
        return Err(incomplete(&options, &subject.ident));
    };
    let declaration = generate(&options, group_id, &subject);
    Ok(quote! { #item #declaration })
}

/// The error together with the item, so that the type exists for those who
/// name it.
pub(crate) fn rejected(error: &Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote! { #item #error }
}

fn incomplete(options: &Options, ident: &Ident) -> Error {
    let no_group = options.group_id.is_none().then(|| {
        Error::new_spanned(
            ident,
            format!("the consumer has no group: write `#[consumer({GROUP_ID}, …)]`"),
        )
    });
    let no_topics = options.topics.is_empty().then(|| {
        Error::new_spanned(
            ident,
            format!("the consumer has no topics: list at least one, as in `{TOPICS}`"),
        )
    });
    match (no_group, no_topics) {
        (Some(mut both), Some(error)) => {
            both.combine(error);
            both
        }
        (one, other) => one
            .or(other)
            .unwrap_or_else(|| Error::new_spanned(ident, "the consumer is not complete")),
    }
}

impl Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        parse_options(input, OPTIONS, |option, name, content| {
            match option {
                ConsumerOption::GroupId => options.group_id = Some(text(name, content, GROUP_ID)?),
                ConsumerOption::Name => options.name = Some(text(name, content, NAME)?),
                ConsumerOption::Cluster => options.cluster = Some(text(name, content, CLUSTER)?),
                ConsumerOption::Topics => options.topics = parse_topics(name, content)?,
                ConsumerOption::Config => options.config = Property::parse_all(content)?,
                ConsumerOption::Concurrency => {
                    options.concurrency = Some(parse_concurrency(content)?);
                }
                ConsumerOption::Ordering => options.ordering = Some(Ordering::parse(content)?),
                ConsumerOption::Register => options.register = Some(parse_register(content)?),
            }
            Ok(())
        })?;
        Ok(options)
    }
}

fn text(option: &Ident, content: ParseStream<'_>, example: &str) -> Result<Expr> {
    let value = content.parse()?;
    check_text(&option.to_string(), &value, example)?;
    Ok(value)
}

fn parse_topics(option: &Ident, content: ParseStream<'_>) -> Result<Vec<Expr>> {
    let topics = Punctuated::<Expr, Token![,]>::parse_terminated(content)?;
    if topics.is_empty() {
        return Err(Error::new_spanned(
            option,
            format!("`topics` is empty: list at least one topic, as in `{TOPICS}`"),
        ));
    }
    let mut seen: Vec<String> = Vec::new();
    for topic in &topics {
        if literal(topic).is_some() {
            return Err(Error::new_spanned(
                topic,
                "a topic is listed by its type: declare it with `#[topic(name = …)] impl Topic \
                 for …` and write `topics(Orders)`",
            ));
        }
        let written = topic.to_token_stream().to_string();
        if seen.contains(&written) {
            return Err(Error::new_spanned(
                topic,
                format!("topic `{written}` is listed more than once; remove one"),
            ));
        }
        seen.push(written);
    }
    Ok(topics.into_iter().collect())
}

fn parse_concurrency(content: ParseStream<'_>) -> Result<Expr> {
    let concurrency: Expr = content.parse()?;
    let refuse = |problem: &str| {
        Err(Error::new_spanned(
            &concurrency,
            format!(
                "`concurrency` is how many messages are handled at a time: {problem}, \
                 as in `{CONCURRENCY}`"
            ),
        ))
    };
    match (literal(&concurrency), &concurrency) {
        (Some(Lit::Int(number)), _) if number.base10_parse::<u64>().is_ok_and(|n| n == 0) => {
            refuse("write at least 1")
        }
        (Some(Lit::Int(_)), _) => Ok(concurrency),
        (Some(_), _) => refuse("write a whole number"),
        (None, Expr::Unary(_)) => refuse("write a whole number, at least 1"),
        (None, _) => Ok(concurrency),
    }
}

fn parse_register(content: ParseStream<'_>) -> Result<bool> {
    let value: LitBool = content.parse().map_err(|error| {
        Error::new(
            error.span(),
            "`register` is `true` (the default) or `false`, which leaves it to \
             `registry.register::<…>()`",
        )
    })?;
    Ok(value.value)
}

impl Ordering {
    const WORDS: [(&'static str, &'static str); 3] =
        [("partition", "Partition"), ("key", "Key"), ("none", "None")];

    fn parse(content: ParseStream<'_>) -> Result<Self> {
        let value: Expr = content.parse()?;
        let word = match (string_literal(&value), &value) {
            (Some(text), _) => text.value(),
            (None, Expr::Path(path)) => path
                .path
                .segments
                .last()
                .map(|segment| segment.ident.to_string())
                .unwrap_or_default(),
            _ => value.to_token_stream().to_string(),
        };
        let known = Self::WORDS.map(|(known, _)| known);
        let meant = word.to_lowercase();
        let Some((correct, variant)) = Self::WORDS.iter().find(|(known, _)| *known == meant) else {
            return Err(unknown(value.span(), "ordering", &word, &known));
        };
        let exact = matches!(&value, Expr::Path(path) if path.path.is_ident(correct));
        if !exact {
            return Err(Error::new_spanned(
                &value,
                format!("`ordering` is a single word, lower case: write `ordering = {correct}`"),
            ));
        }
        Ok(Self {
            variant: Ident::new(variant, value.span()),
        })
    }
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

fn generate(options: &Options, group_id: &Expr, subject: &Subject) -> TokenStream {
    let Subject { ident, conditions } = subject;
    let name = match &options.name {
        Some(name) => name.to_token_stream(),
        None => ident.to_string().to_token_stream(),
    };
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
                    #located
            }
        }
        #registration
    }
}

#[cfg(test)]
mod tests;

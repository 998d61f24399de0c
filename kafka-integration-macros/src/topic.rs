//! `#[topic]`: an `impl Topic for …` block, completed.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{
    AttrStyle, Attribute, Error, Expr, ImplItem, ImplItemFn, ImplItemType, Item, ItemImpl, Lit,
    Result, Type, parse_quote, parse_quote_spanned,
};

use crate::args::{Form, Known, all_of, parse_options};
use crate::text::{check_text, literal};
use crate::topic_name;

const CLUSTER: &str = "cluster = \"analytics\"";
const CONSUME: &str = "async fn consume(&self, message: Message<Self>, cx: &Context) \
                       -> Result<(), ConsumeError>";

#[derive(Clone, Copy)]
enum TopicOption {
    Name,
    Codec,
    Cluster,
}

const OPTIONS: &[Known<TopicOption>] = &[
    Known {
        name: "name",
        option: TopicOption::Name,
        form: Form::Value,
        example: "name = \"orders\"",
    },
    Known {
        name: "codec",
        option: TopicOption::Codec,
        form: Form::Value,
        example: "codec = Json",
    },
    Known {
        name: "cluster",
        option: TopicOption::Cluster,
        form: Form::Value,
        example: CLUSTER,
    },
];

/// What stands in the macro's parentheses.
#[derive(Default)]
struct Options {
    name: Option<Expr>,
    codec: Option<Type>,
    cluster: Option<Expr>,
}

/// The block below the macro, taken apart.
struct Block {
    /// The block without its consume hook.
    topic: ItemImpl,
    /// More than one only where `#[cfg]` picks between them.
    consume: Vec<ImplItemFn>,
}

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

fn implements_topic(block: &ItemImpl) -> bool {
    let Some((None, path, _)) = &block.trait_ else {
        return false;
    };
    let last = path.segments.last();
    last.is_some_and(|segment| segment.ident == "Topic")
}

impl Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        parse_options(input, OPTIONS, |option, _, content| {
            match option {
                TopicOption::Name => options.name = Some(parse_name(content)?),
                TopicOption::Codec => options.codec = Some(parse_codec(content)?),
                TopicOption::Cluster => {
                    let cluster = content.parse()?;
                    check_text("cluster", &cluster, CLUSTER)?;
                    options.cluster = Some(cluster);
                }
            }
            Ok(())
        })?;
        Ok(options)
    }
}

fn parse_name(content: ParseStream<'_>) -> Result<Expr> {
    let name: Expr = content.parse()?;
    match literal(&name) {
        Some(Lit::Str(text)) => {
            let value = text.value();
            match topic_name::problem(&value) {
                Some(problem) => Err(Error::new_spanned(
                    &name,
                    format!("`{value}` is not a topic name: {problem}"),
                )),
                None => Ok(name),
            }
        }
        Some(_) => Err(Error::new_spanned(
            &name,
            "`name` is text: write `name = \"orders\"`",
        )),
        None => Ok(name),
    }
}

fn parse_codec(content: ParseStream<'_>) -> Result<Type> {
    if content.peek(syn::Lit) {
        return Err(content.error(
            "`codec` is a type: write `codec = Json`, `Text`, `Bytes` or your own, without quotes",
        ));
    }
    content.parse()
}

impl Block {
    fn parse(item: &TokenStream) -> Result<Self> {
        const WHERE: &str = "`#[topic]` goes on an `impl Topic for …` block";
        let Ok(item) = syn::parse2::<Item>(item.clone()) else {
            return Err(Error::new_spanned(item, WHERE));
        };
        let mut topic = match item {
            Item::Impl(block) => block,
            Item::Struct(other) => {
                let ident = &other.ident;
                return Err(Error::new_spanned(
                    ident,
                    format!("{WHERE}: write `#[topic(…)] impl Topic for {ident} {{ … }}` below"),
                ));
            }
            other => return Err(Error::new_spanned(other, WHERE)),
        };
        match &topic.trait_ {
            Some(_) if implements_topic(&topic) => {}
            Some((_, path, _)) => {
                return Err(Error::new_spanned(
                    path,
                    format!("{WHERE}, and this implements another trait"),
                ));
            }
            None => {
                let self_ty = &topic.self_ty;
                let written = self_ty.to_token_stream();
                return Err(Error::new_spanned(
                    self_ty,
                    format!("{WHERE}: write `impl Topic for {written}`"),
                ));
            }
        }
        let mut consume = Vec::new();
        let mut rest = Vec::new();
        for item in std::mem::take(&mut topic.items) {
            match item {
                ImplItem::Fn(hook) if hook.sig.ident == "consume" => consume.push(hook),
                other => rest.push(other),
            }
        }
        topic.items = rest;
        Ok(Self { topic, consume })
    }

    fn function(&self, name: &str) -> Option<&ImplItemFn> {
        self.topic.items.iter().find_map(|item| match item {
            ImplItem::Fn(function) if function.sig.ident == name => Some(function),
            _ => None,
        })
    }

    fn associated_type(&self, name: &str) -> Option<&ImplItemType> {
        self.topic.items.iter().find_map(|item| match item {
            ImplItem::Type(associated) if associated.ident == name => Some(associated),
            _ => None,
        })
    }
}

fn check(options: &Options, block: &Block) -> Result<()> {
    let mut errors = Vec::new();
    let twice = |what: &str, option: &str, item: &dyn ToTokens| {
        Error::new_spanned(
            item,
            format!("{what} is specified more than once: here and by `{option} = …`; remove one"),
        )
    };
    match (&options.name, block.function("name")) {
        (Some(_), Some(function)) => errors.push(twice("the name", "name", &function.sig)),
        (None, None) => errors.push(Error::new_spanned(
            &block.topic.self_ty,
            "the topic has no name: write `#[topic(name = \"…\")]`",
        )),
        _ => {}
    }
    if let (Some(_), Some(function)) = (&options.cluster, block.function("cluster")) {
        errors.push(twice("the cluster", "cluster", &function.sig));
    }
    if let (Some(_), Some(codec)) = (&options.codec, block.associated_type("Codec")) {
        errors.push(twice("the codec", "codec", codec));
    }
    if block.associated_type("Value").is_none() {
        errors.push(Error::new_spanned(
            &block.topic.self_ty,
            "the topic does not say what its values are: add `type Value = …;`",
        ));
    }
    for hook in &block.consume {
        if hook.sig.asyncness.is_none() {
            errors.push(Error::new_spanned(
                hook.sig.fn_token,
                format!("the consume hook is asynchronous: write `{CONSUME}`"),
            ));
        }
    }
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

    let consume = consume_block(&block);
    let mut topic = block.topic;
    generated.append(&mut topic.items);
    topic.items = generated;
    quote! { #topic #consume }
}

/// The consume hook as `impl Consume`, its tokens as the user wrote them so
/// that the compiler's errors point at them.
fn consume_block(block: &Block) -> Option<ItemImpl> {
    let first = block.consume.first()?;
    let mut consume = block.topic.clone();
    consume.attrs = shared_attributes(&block.topic.attrs);
    if block.consume.len() == 1 {
        // A hook that is compiled out takes its `impl` with it.
        let conditions = first.attrs.iter().filter(|a| a.path().is_ident("cfg"));
        consume.attrs.extend(conditions.cloned());
    }
    if let Some((_, path, _)) = &mut consume.trait_ {
        *path = parse_quote! { ::kafka_integration::topic::Consume };
    }
    consume.items = block.consume.iter().cloned().map(ImplItem::Fn).collect();
    Some(consume)
}

/// The block's attributes that hold for its consume hook as well: all but its
/// documentation.
fn shared_attributes(attributes: &[Attribute]) -> Vec<Attribute> {
    let shared = attributes.iter().filter(|a| !a.path().is_ident("doc"));
    shared
        .cloned()
        .map(|attribute| Attribute {
            style: AttrStyle::Outer,
            ..attribute
        })
        .collect()
}

#[cfg(test)]
mod tests;

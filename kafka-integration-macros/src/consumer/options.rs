//! The options in `#[consumer(…)]`.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, Lit, LitBool, Result, Token};

use crate::args::{Form, Known, parse_options, unknown};
use crate::properties::Property;
use crate::retry::{RETRY, Retry};
use crate::text::{check_text, literal, string_literal};

pub(super) const GROUP_ID: &str = "group_id = \"billing\"";
pub(super) const TOPICS: &str = "topics(Orders, Payments)";
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
    Retry,
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
    known("retry", ConsumerOption::Retry, Form::List, RETRY),
    known(
        "register",
        ConsumerOption::Register,
        Form::Value,
        "register = false",
    ),
];

/// What stands in the macro's parentheses, each option checked by itself.
#[derive(Default)]
pub(super) struct Options {
    pub(super) group_id: Option<Expr>,
    pub(super) topics: Vec<Expr>,
    pub(super) config: Vec<Property>,
    pub(super) name: Option<Expr>,
    pub(super) cluster: Option<Expr>,
    pub(super) concurrency: Option<Expr>,
    pub(super) ordering: Option<Ordering>,
    pub(super) retry: Option<Retry>,
    pub(super) register: Option<bool>,
}

/// A variant of the framework's `Ordering`, at the word that names it.
pub(super) struct Ordering {
    pub(super) variant: Ident,
}

impl Options {
    pub(super) fn parse(input: ParseStream<'_>) -> Result<Self> {
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
                ConsumerOption::Retry => options.retry = Some(Retry::parse(name, content)?),
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

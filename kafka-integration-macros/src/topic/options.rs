//! The options in `#[topic(…)]`.

use syn::parse::ParseStream;
use syn::{Error, Expr, Lit, Result, Type};

use super::batch::{BATCH, Batch};
use crate::args::{Form, Known, parse_options};
use crate::retry::{RETRY, Retry};
use crate::text::{check_text, literal};
use crate::topic_name;

const CLUSTER: &str = "cluster = \"analytics\"";

#[derive(Clone, Copy)]
enum TopicOption {
    Name,
    Codec,
    Cluster,
    Retry,
    Batch,
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
    Known {
        name: "retry",
        option: TopicOption::Retry,
        form: Form::List,
        example: RETRY,
    },
    Known {
        name: "batch",
        option: TopicOption::Batch,
        form: Form::List,
        example: BATCH,
    },
];

/// What stands in the macro's parentheses.
#[derive(Default)]
pub(super) struct Options {
    pub(super) name: Option<Expr>,
    pub(super) codec: Option<Type>,
    pub(super) cluster: Option<Expr>,
    pub(super) retry: Option<Retry>,
    pub(super) batch: Option<Batch>,
}

impl Options {
    pub(super) fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        parse_options(input, OPTIONS, |option, name, content| {
            match option {
                TopicOption::Name => options.name = Some(parse_name(content)?),
                TopicOption::Codec => options.codec = Some(parse_codec(content)?),
                TopicOption::Cluster => {
                    let cluster = content.parse()?;
                    check_text("cluster", &cluster, CLUSTER)?;
                    options.cluster = Some(cluster);
                }
                TopicOption::Retry => options.retry = Some(Retry::parse(name, content)?),
                TopicOption::Batch => options.batch = Some(Batch::parse(name, content)?),
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

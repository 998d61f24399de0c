//! `batch(…)` of `#[topic]`: when a batch goes to the consume hook.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::ParseStream;
use syn::{Error, Expr, Result};

use crate::args::{Form, Known, parse_options};
use crate::duration::Time;
use crate::number::{Written, check_whole};

pub(super) const BATCH: &str = "batch(min = 2, max = 100, linger = \"5s\")";
const LINGER: &str = "linger = \"5s\"";

/// What stands in the parentheses of `batch(…)`.
pub(super) struct Batch {
    /// The word `batch`.
    pub(super) span: Span,
    min: Option<Expr>,
    max: Option<Expr>,
    linger: Option<Time>,
}

#[derive(Clone, Copy)]
enum BatchOption {
    Min,
    Max,
    Linger,
}

const OPTIONS: &[Known<BatchOption>] = &[
    Known {
        name: "min",
        option: BatchOption::Min,
        form: Form::Value,
        example: "min = 2",
    },
    Known {
        name: "max",
        option: BatchOption::Max,
        form: Form::Value,
        example: "max = 100",
    },
    Known {
        name: "linger",
        option: BatchOption::Linger,
        form: Form::Value,
        example: LINGER,
    },
];

impl Batch {
    /// Reads the content of the parentheses after `option`.
    pub(super) fn parse(option: &Ident, content: ParseStream<'_>) -> Result<Self> {
        if content.is_empty() {
            return Err(Error::new_spanned(
                option,
                format!(
                    "`batch` says nothing: write `{BATCH}` or some of it, or leave it out for the \
                     defaults"
                ),
            ));
        }
        let mut batch = Self {
            span: option.span(),
            min: None,
            max: None,
            linger: None,
        };
        parse_options(content, OPTIONS, |option, _, content| {
            match option {
                BatchOption::Min => batch.min = Some(count("min", content)?),
                BatchOption::Max => batch.max = Some(count("max", content)?),
                BatchOption::Linger => {
                    batch.linger = Some(Time::parse("linger", content, LINGER)?);
                }
            }
            Ok(())
        })?;
        let written = |count: &Option<Expr>| match count.as_ref().map(Written::of) {
            Some(Written::Whole(number)) => Some(number),
            _ => None,
        };
        if let (Some(min), Some(max)) = (written(&batch.min), written(&batch.max))
            && max < min
        {
            return Err(Error::new_spanned(
                &batch.max,
                "`max` is the most messages of a batch, and fewer than `min`, with which it goes; \
                 raise `max` or lower `min`",
            ));
        }
        Ok(batch)
    }
}

fn count(option: &str, content: ParseStream<'_>) -> Result<Expr> {
    let count = content.parse()?;
    let must = format!("is a number of messages, at least 1, as in `{BATCH}`");
    check_whole(option, &count, (1, i128::from(u64::MAX)), &must)?;
    Ok(count)
}

/// The body of the hook. A default never contradicts what is written.
impl ToTokens for Batch {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let policy = quote! { ::kafka_integration::topic::BatchPolicy };
        // A name that what the user wrote can't mean.
        let count = Ident::new("count", Span::mixed_site());
        let (before, min, max) = match (&self.min, &self.max) {
            (Some(min), Some(max)) => (None, quote! { #min }, quote! { #max }),
            (Some(min), None) => (
                Some(min),
                quote! { #count },
                quote! { ::core::cmp::Ord::max(#count, #policy::default().max) },
            ),
            (None, Some(max)) => (
                Some(max),
                quote! { ::core::cmp::Ord::min(#count, #policy::default().min) },
                quote! { #count },
            ),
            (None, None) => (
                None,
                quote! { #policy::default().min },
                quote! { #policy::default().max },
            ),
        };
        let before = before.map(|written| quote! { let #count: usize = #written; });
        let linger = match &self.linger {
            Some(linger) => quote! { #linger },
            None => quote! { #policy::default().linger },
        };
        tokens.extend(quote! {
            #before
            #policy { min: #min, max: #max, linger: #linger }
        });
    }
}

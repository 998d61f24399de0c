//! Options whose value is a duration: text with a unit, which is read here, or
//! any expression of type `Duration`.

use std::time::Duration;

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Error, Expr, Lit, Result};

use crate::text::literal;

/// A duration, known here if it is written as text.
pub(crate) struct Time {
    expr: Expr,
    pub(crate) known: Option<Duration>,
}

impl Time {
    pub(crate) fn parse(option: &str, content: ParseStream<'_>, example: &str) -> Result<Self> {
        let expr: Expr = content.parse()?;
        let known = match literal(&expr) {
            Some(Lit::Str(text)) => {
                let text = text.value();
                let known = parse(&text).ok_or_else(|| {
                    Error::new_spanned(
                        &expr,
                        format!(
                            "{text:?} is not a duration: write a number and its unit, such as \
                             \"500ms\", \"1s\" or \"2min\""
                        ),
                    )
                })?;
                Some(known)
            }
            Some(_) => {
                return Err(Error::new_spanned(
                    &expr,
                    format!("`{option}` is a duration with its unit in quotes: write `{example}`"),
                ));
            }
            None => None,
        };
        Ok(Self { expr, known })
    }

    /// What the user wrote.
    pub(crate) fn written(&self) -> &Expr {
        &self.expr
    }
}

impl ToTokens for Time {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let expr = &self.expr;
        tokens.extend(match self.known {
            Some(known) => {
                let seconds = Literal::u64_unsuffixed(known.as_secs());
                let nanos = Literal::u32_unsuffixed(known.subsec_nanos());
                quote_spanned! {expr.span()=> ::core::time::Duration::new(#seconds, #nanos) }
            }
            None => quote! { #expr },
        });
    }
}

/// As in the settings: a unit is required, of `0` too.
fn parse(text: &str) -> Option<Duration> {
    if !text.contains(char::is_alphabetic) {
        return None;
    }
    humantime::parse_duration(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        for (text, millis) in [("500ms", 500), (" 1m 30s", 90_000), ("0s", 0)] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["5", "0", "", "-1s", "1 parsec"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

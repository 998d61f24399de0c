//! Options whose value is a number: a literal, which is checked here, or any
//! expression.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Expr, Lit, Result, UnOp};

use crate::text::literal;

/// What an expression is written as.
pub(crate) enum Written {
    Whole(i128),
    Real(f64),
    /// Text, a Boolean, a number without bounds.
    Other,
    /// No literal: the compiler knows.
    Computed,
}

impl Written {
    pub(crate) fn of(expr: &Expr) -> Self {
        match (literal(expr), expr) {
            (Some(Lit::Int(number)), _) => number.base10_parse().map_or(Self::Other, Self::Whole),
            (Some(Lit::Float(number)), _) => number.base10_parse().map_or(Self::Other, Self::Real),
            (Some(_), _) => Self::Other,
            (None, Expr::Group(group)) => Self::of(&group.expr),
            (None, Expr::Paren(paren)) => Self::of(&paren.expr),
            (None, Expr::Unary(unary)) if matches!(unary.op, UnOp::Neg(_)) => {
                match Self::of(&unary.expr) {
                    Self::Whole(number) => Self::Whole(-number),
                    Self::Real(number) => Self::Real(-number),
                    other => other,
                }
            }
            _ => Self::Computed,
        }
    }
}

/// A number that need not be whole.
pub(crate) struct Real {
    expr: Expr,
    known: Option<f64>,
}

impl Real {
    /// Refuses what `valid` does; `must` says what the number must be.
    pub(crate) fn check(
        option: &str,
        expr: Expr,
        must: &str,
        valid: impl Fn(f64) -> bool,
    ) -> Result<Self> {
        let known = match Written::of(&expr) {
            Written::Computed => return Ok(Self { expr, known: None }),
            // Whole numbers of a size that makes sense here are exact.
            Written::Whole(number) => Some(number as f64),
            Written::Real(number) => Some(number),
            Written::Other => None,
        };
        match known.filter(|number| number.is_finite() && valid(*number)) {
            Some(_) => Ok(Self { expr, known }),
            None => Err(Error::new_spanned(&expr, format!("`{option}` {must}"))),
        }
    }
}

impl ToTokens for Real {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let expr = &self.expr;
        tokens.extend(match self.known {
            Some(known) => {
                let known = Literal::f64_unsuffixed(known);
                quote_spanned! {expr.span()=> #known }
            }
            None => quote! { #expr },
        });
    }
}

/// Refuses a literal that is no whole number from `least` to `most`.
pub(crate) fn check_whole(
    option: &str,
    expr: &Expr,
    (least, most): (i128, i128),
    must: &str,
) -> Result<()> {
    match Written::of(expr) {
        Written::Computed => Ok(()),
        Written::Whole(number) if (least..=most).contains(&number) => Ok(()),
        _ => Err(Error::new_spanned(expr, format!("`{option}` {must}"))),
    }
}

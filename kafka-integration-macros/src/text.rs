//! Options whose value is text: a literal, which is checked here, or any
//! expression, which the compiler checks.

use syn::{Error, Expr, Lit, LitStr, Result};

/// The literal that an expression is, looking through parentheses and the
/// invisible groups that `macro_rules!` leaves.
pub(crate) fn literal(expr: &Expr) -> Option<&Lit> {
    match expr {
        Expr::Lit(literal) => Some(&literal.lit),
        Expr::Group(group) => literal(&group.expr),
        Expr::Paren(paren) => literal(&paren.expr),
        _ => None,
    }
}

/// The text of an expression that is a string literal.
pub(crate) fn string_literal(expr: &Expr) -> Option<&LitStr> {
    match literal(expr) {
        Some(Lit::Str(text)) => Some(text),
        _ => None,
    }
}

/// Refuses a literal that is not text, and empty text.
pub(crate) fn check_text(option: &str, expr: &Expr, example: &str) -> Result<()> {
    match literal(expr) {
        Some(Lit::Str(text)) if text.value().trim().is_empty() => Err(Error::new_spanned(
            expr,
            format!("`{option}` is empty: write `{example}`"),
        )),
        Some(Lit::Str(_)) | None => Ok(()),
        Some(_) => Err(Error::new_spanned(
            expr,
            format!("`{option}` is text: write `{example}`"),
        )),
    }
}

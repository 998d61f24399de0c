//! The client properties in `config("fetch.min.bytes" = 1, …)`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, Lit, LitStr, Result, Token, UnOp};

use crate::text::literal;

const EXAMPLE: &str = "config(\"auto.offset.reset\" = \"earliest\")";

/// Properties that the framework sets, and what to do instead.
const OWNED: [(&str, &str); 3] = [
    ("group.id", "write `group_id = \"…\"` in `#[consumer(…)]`"),
    (
        "enable.auto.commit",
        "the runner commits, and only what is finished; remove it",
    ),
    (
        "enable.auto.offset.store",
        "the runner stores offsets, and only of what is finished; remove it",
    ),
];

/// One `"property" = value`.
pub(crate) struct Property {
    pub(crate) key: LitStr,
    value: Expr,
}

impl Property {
    /// Reads the list and refuses a property that stands in it twice.
    pub(crate) fn parse_all(content: ParseStream<'_>) -> Result<Vec<Self>> {
        let properties = Punctuated::<Self, Token![,]>::parse_terminated(content)?;
        let mut seen: Vec<String> = Vec::new();
        for Property { key, .. } in &properties {
            if seen.contains(&key.value()) {
                return Err(Error::new_spanned(
                    key,
                    format!("`{}` specified more than once", key.value()),
                ));
            }
            seen.push(key.value());
        }
        Ok(properties.into_iter().collect())
    }

    /// The value as an expression that is text: numbers and Booleans are
    /// written out here, other expressions by their `Display`.
    pub(crate) fn value(&self) -> TokenStream {
        let value = &self.value;
        if let Some(Lit::Str(text)) = literal(value) {
            return text.to_token_stream();
        }
        match written(value) {
            Some(text) => LitStr::new(&text, self.key.span()).to_token_stream(),
            None => quote_spanned! {value.span()=>
                ::std::string::ToString::to_string(&(#value))
            },
        }
    }
}

fn written(value: &Expr) -> Option<String> {
    match (literal(value), value) {
        (Some(Lit::Int(number)), _) => Some(number.base10_digits().to_owned()),
        (Some(Lit::Float(number)), _) => Some(number.base10_digits().to_owned()),
        (Some(Lit::Bool(yes)), _) => Some(yes.value.to_string()),
        (None, Expr::Unary(unary)) if matches!(unary.op, UnOp::Neg(_)) => {
            written(&unary.expr).map(|text| format!("-{text}"))
        }
        _ => None,
    }
}

impl Parse for Property {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(LitStr) {
            return Err(input.error(format!(
                "expected a client property in quotes, as in `{EXAMPLE}`"
            )));
        }
        let key: LitStr = input.parse()?;
        let name = key.value();
        if let Some((_, instead)) = OWNED.iter().find(|(owned, _)| *owned == name) {
            return Err(Error::new_spanned(
                &key,
                format!("`{name}` belongs to the framework: {instead}"),
            ));
        }
        if name.trim().is_empty() {
            return Err(Error::new_spanned(
                &key,
                format!("the client property has no name; write it as in `{EXAMPLE}`"),
            ));
        }
        if !input.peek(Token![=]) {
            return Err(Error::new_spanned(
                &key,
                format!("`{name}` has no value: write `\"{name}\" = …`"),
            ));
        }
        input.parse::<Token![=]>()?;
        let value: Expr = input.parse()?;
        if matches!(
            literal(&value),
            Some(Lit::Char(_) | Lit::Byte(_) | Lit::ByteStr(_) | Lit::CStr(_))
        ) {
            return Err(Error::new_spanned(
                &value,
                "the value of a client property is text, a number or a Boolean",
            ));
        }
        Ok(Self { key, value })
    }
}

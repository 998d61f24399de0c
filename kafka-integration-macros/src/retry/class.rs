//! The classes of errors in `include(…)` and `exclude(…)`.

use std::fmt;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, LitStr, Result, Token, Type};

/// A class of errors: a type, or text that names one.
pub(super) enum Class {
    Type(Box<Type>),
    Named(LitStr),
}

impl Class {
    pub(super) fn parse_all(
        option: &Ident,
        content: ParseStream<'_>,
        example: &str,
    ) -> Result<Vec<Self>> {
        let classes = Punctuated::<Self, Token![,]>::parse_terminated(content)?;
        if classes.is_empty() {
            return Err(Error::new_spanned(
                option,
                format!("`{option}` names no error: write `{example}`"),
            ));
        }
        let classes: Vec<_> = classes.into_iter().collect();
        for (i, class) in classes.iter().enumerate() {
            if classes[..i].iter().any(|other| other.is(class)) {
                return Err(Error::new_spanned(
                    class,
                    format!("`{class}` is listed more than once; remove one"),
                ));
            }
        }
        Ok(classes)
    }

    /// Whether both are written alike.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Type(_), Self::Type(_)) => self.to_string() == other.to_string(),
            (Self::Named(one), Self::Named(two)) => one.value() == two.value(),
            _ => false,
        }
    }

    /// The framework's value for it.
    pub(super) fn value(&self) -> TokenStream {
        match self {
            Self::Type(class) => quote! { ::kafka_integration::retry::ErrorClass::of::<#class>() },
            Self::Named(name) => quote! { ::kafka_integration::retry::ErrorClass::named(#name) },
        }
    }
}

impl Parse for Class {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let name: LitStr = input.parse()?;
            let value = name.value();
            return match value.is_empty() || value.contains(char::is_whitespace) {
                true => Err(Error::new_spanned(
                    &name,
                    "the class of an error is a type's name, or the end of its path, such as \
                     \"Timeout\" or \"payments::Timeout\"",
                )),
                false => Ok(Self::Named(name)),
            };
        }
        if input.peek(syn::Lit) {
            return Err(input.error(
                "a class of errors is a type, such as `sqlx::Error`, or its name in quotes",
            ));
        }
        input.parse().map(|class| Self::Type(Box::new(class)))
    }
}

impl ToTokens for Class {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Type(class) => class.to_tokens(tokens),
            Self::Named(name) => name.to_tokens(tokens),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(class) => f.write_str(&class.to_token_stream().to_string().replace(' ', "")),
            Self::Named(name) => f.write_str(&name.value()),
        }
    }
}

//! The options in a macro's parentheses: `name = value`, `name(list)` and
//! `name`.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Error, Result, Token, parenthesized};

/// How an option is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `name = value`
    Value,
    /// `name(item, item)`
    List,
    /// `name`, or `name = value`, which the option reads itself.
    Flag,
    /// Not an option here; the example says where it stands.
    Elsewhere,
}

/// An option that a macro knows.
pub(crate) struct Known<O> {
    pub(crate) name: &'static str,
    pub(crate) option: O,
    pub(crate) form: Form,
    /// How to write it, for error messages.
    pub(crate) example: &'static str,
}

/// Reads all options, each at most once, and hands the content of each to
/// `read`.
pub(crate) fn parse_options<O: Copy>(
    input: ParseStream<'_>,
    known: &[Known<O>],
    mut read: impl FnMut(O, &Ident, ParseStream<'_>) -> Result<()>,
) -> Result<()> {
    let mut seen: Vec<&'static str> = Vec::new();
    while !input.is_empty() {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!(
                "expected an option, such as `{}`; the options are {}",
                known[0].example,
                names(known),
            )));
        }
        let name = input.call(Ident::parse_any)?;
        let entry = find(&name, known)?;
        if seen.contains(&entry.name) {
            return Err(Error::new(
                name.span(),
                format!("`{name}` specified more than once"),
            ));
        }
        seen.push(entry.name);
        parse_content(input, &name, entry, &mut read)?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

fn parse_content<O: Copy>(
    input: ParseStream<'_>,
    name: &Ident,
    entry: &Known<O>,
    read: &mut impl FnMut(O, &Ident, ParseStream<'_>) -> Result<()>,
) -> Result<()> {
    let found = if input.peek(Token![=]) {
        Some(Form::Value)
    } else if input.peek(syn::token::Paren) {
        Some(Form::List)
    } else {
        None
    };
    let fits = match entry.form {
        Form::Flag => found != Some(Form::List),
        form => found == Some(form),
    };
    if !fits {
        return Err(Error::new(
            name.span(),
            format!("`{name}` is written `{}`", entry.example),
        ));
    }
    match entry.form {
        Form::Value => {
            input.parse::<Token![=]>()?;
            read(entry.option, name, input)
        }
        Form::List => {
            let content;
            parenthesized!(content in input);
            read(entry.option, name, &content)
        }
        Form::Flag | Form::Elsewhere => read(entry.option, name, input),
    }
}

fn find<'k, O>(name: &Ident, known: &'k [Known<O>]) -> Result<&'k Known<O>> {
    let given = name.unraw().to_string();
    known
        .iter()
        .find(|entry| entry.name == given)
        .ok_or_else(|| {
            let candidates: Vec<_> = here(known).map(|entry| entry.name).collect();
            unknown(name.span(), "option", &given, &candidates)
        })
}

/// The error for a word that is not one of `known`, with the nearest of them.
pub(crate) fn unknown(span: Span, what: &str, given: &str, known: &[&str]) -> Error {
    let hint = match nearest(given, known) {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None => String::new(),
    };
    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    Error::new(
        span,
        format!(
            "unknown {what} `{given}`{hint} (known: {})",
            known.join(", ")
        ),
    )
}

/// One error that tells all of them.
pub(crate) fn all_of(errors: Vec<Error>) -> Result<()> {
    let combined = errors.into_iter().reduce(|mut all, error| {
        all.combine(error);
        all
    });
    combined.map_or(Ok(()), Err)
}

fn names<O>(known: &[Known<O>]) -> String {
    let names: Vec<_> = here(known).map(|e| format!("`{}`", e.name)).collect();
    names.join(", ")
}

/// Those that may stand here.
fn here<O>(known: &[Known<O>]) -> impl Iterator<Item = &Known<O>> {
    known.iter().filter(|entry| entry.form != Form::Elsewhere)
}

/// The known word that `given` most likely stands for; none if all are far.
fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let given = given.to_lowercase();
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&given, name), *name))
        .filter(|(distance, name)| {
            *distance <= 1 + name.len() / 4 || (given.len() > 2 && name.starts_with(&given))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_only_when_it_is_near() {
        let known = ["group_id", "topics", "concurrency", "config"];
        for (given, expected) in [
            ("groupid", Some("group_id")),
            ("topic", Some("topics")),
            ("Topics", Some("topics")),
            ("concurency", Some("concurrency")),
            ("group", Some("group_id")),
            ("retries", None),
            ("x", None),
        ] {
            assert_eq!(nearest(given, &known), expected, "{given}");
        }
    }
}

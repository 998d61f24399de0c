use std::sync::Arc;

use regex::{Regex, RegexBuilder};

/// A compiled expression may use this many bytes: it comes from a client.
const SIZE_LIMIT: usize = 1 << 20;

/// An expression for names of topics. It must match the whole name.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Arc<Regex>);

/// Why an expression is none, in a few words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct InvalidPattern(String);

impl Pattern {
    /// Compiles an expression in the syntax of RE2, which Apache Kafka uses.
    /// That of the crate `regex` is nearly the same; `\Q..\E` is made up for.
    ///
    /// # Errors
    /// It is not valid, or too large.
    pub(super) fn new(expression: &str) -> Result<Self, InvalidPattern> {
        let expression = unquote(expression);
        // By itself first: wrapped, `a)(?:b` would be valid.
        compile(&expression)?;
        // In verbose mode a comment at its end takes the parenthesis with it;
        // a line end before that is of no meaning there.
        let whole = compile(&format!("^(?:{expression})$"))
            .or_else(|_| compile(&format!("^(?:{expression}\n)$")))?;
        Ok(Self(Arc::new(whole)))
    }

    pub(super) fn matches(&self, topic: &str) -> bool {
        self.0.is_match(topic)
    }
}

fn compile(expression: &str) -> Result<Regex, InvalidPattern> {
    RegexBuilder::new(expression)
        .size_limit(SIZE_LIMIT)
        .dfa_size_limit(SIZE_LIMIT)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            let reason = last.strip_prefix("error: ").unwrap_or(last);
            InvalidPattern(reason.to_owned())
        })
}

/// Replaces each `\Q..\E`, the end of which may be missing, by what it means.
fn unquote(expression: &str) -> String {
    let mut plain = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        if let Some(quoted) = escape.strip_prefix("\\Q") {
            let (text, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
            plain.push_str(&regex::escape(text));
            rest = after;
        } else {
            // The escaped character goes along, so that in `\\Q` nothing is
            // quoted.
            let mut characters = escape.chars();
            plain.extend(characters.by_ref().take(2));
            rest = characters.as_str();
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn matches(expression: &str, topic: &str) -> bool {
        Pattern::new(expression)
            .expect("a valid expression")
            .matches(topic)
    }

    #[test]
    fn the_whole_name_is_matched() {
        assert!(matches("orders", "orders"));
        assert!(!matches("orders", "orders.eu"));
        assert!(!matches("eu", "orders.eu"));
        assert!(matches("orders|orders\\..*", "orders.eu"));
        assert!(matches("^orders.*$", "orders.eu"));
        assert!(matches("(?x) orders # all of them", "orders"));
    }

    #[test]
    fn a_quotation_means_itself() {
        assert!(matches("\\Qa.b\\E.*", "a.b.c"));
        assert!(!matches("\\Qa.b\\E.*", "aXb"));
        assert!(matches("\\Qa.b", "a.b"));
        assert!(matches(".\\\\Q|x", "x"));
    }

    #[test]
    fn what_is_no_expression_is_refused_with_a_reason() {
        for expression in [
            "a[",
            "a)(?:b",
            "*",
            "(?<=a)b",
            "(a)\\1",
            "((a{900}){900}){900}",
        ] {
            let refused = Pattern::new(expression).expect_err(expression);
            let text = refused.to_string();
            assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
        }
    }
}

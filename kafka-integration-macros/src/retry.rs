//! `retry(…)` of `#[consumer]` and `#[topic]`: a retry policy.

mod class;
mod generate;

use proc_macro2::{Ident, Span};
use syn::parse::ParseStream;
use syn::{Error, Expr, LitBool, Result, Token};

use self::class::Class;
use crate::args::{Form, Known, all_of, parse_options};
use crate::duration::Time;
use crate::number::{Real, Written, check_whole};

pub(crate) const RETRY: &str = "retry(max_retries = 5, delay = \"10s\")";
const MAX_RETRIES: &str = "max_retries = 5";
const DELAY: &str = "delay = \"10s\"";
const BACKOFF: &str = "backoff(factor = 2.0, max = \"10m\", jitter = 0.1)";
const MAX: &str = "max = \"10m\"";
const INCLUDE: &str = "include(sqlx::Error, \"Timeout\")";
const EXCLUDE: &str = "exclude(Declined)";

/// What stands in the parentheses of `retry(…)`.
#[derive(Default)]
pub(crate) struct Retry {
    max_retries: Option<MaxRetries>,
    delay: Option<Time>,
    backoff: Backoff,
    include: Vec<Class>,
    exclude: Vec<Class>,
    blocking: Option<Flag>,
    preserve_order: Option<Flag>,
    log_every: Option<Expr>,
}

enum MaxRetries {
    ForEver,
    Times(Expr),
}

#[derive(Default)]
struct Backoff {
    factor: Option<Real>,
    max: Option<Time>,
    jitter: Option<Real>,
}

/// Yes or no, and the word that says so.
struct Flag {
    on: bool,
    span: Span,
}

#[derive(Clone, Copy)]
enum RetryOption {
    MaxRetries,
    Delay,
    Backoff,
    Include,
    Exclude,
    Blocking,
    PreserveOrder,
    LogEvery,
    /// Of `backoff(…)`, and often looked for here.
    Misplaced,
}

const fn known(
    name: &'static str,
    option: RetryOption,
    form: Form,
    example: &'static str,
) -> Known<RetryOption> {
    Known {
        name,
        option,
        form,
        example,
    }
}

const OPTIONS: &[Known<RetryOption>] = {
    use RetryOption as Option;
    &[
        known("max_retries", Option::MaxRetries, Form::Value, MAX_RETRIES),
        known("delay", Option::Delay, Form::Value, DELAY),
        known("backoff", Option::Backoff, Form::List, BACKOFF),
        known("include", Option::Include, Form::List, INCLUDE),
        known("exclude", Option::Exclude, Form::List, EXCLUDE),
        known("blocking", Option::Blocking, Form::Flag, "blocking = true"),
        known(
            "preserve_order",
            Option::PreserveOrder,
            Form::Flag,
            "preserve_order = true",
        ),
        known("log_every", Option::LogEvery, Form::Value, "log_every = 10"),
        known(
            "factor",
            Option::Misplaced,
            Form::Elsewhere,
            "backoff(factor = 2.0)",
        ),
        known(
            "max_delay",
            Option::Misplaced,
            Form::Elsewhere,
            "backoff(max = \"10m\")",
        ),
        known(
            "jitter",
            Option::Misplaced,
            Form::Elsewhere,
            "backoff(jitter = 0.1)",
        ),
    ]
};

impl Retry {
    /// Reads the content of the parentheses after `option`.
    pub(crate) fn parse(option: &Ident, content: ParseStream<'_>) -> Result<Self> {
        if content.is_empty() {
            return Err(Error::new_spanned(
                option,
                format!("`retry` says nothing: write, for example, `{RETRY}`"),
            ));
        }
        let mut retry = Self::default();
        parse_options(content, OPTIONS, |option, name, content| {
            match option {
                RetryOption::MaxRetries => retry.max_retries = Some(MaxRetries::parse(content)?),
                RetryOption::Delay => retry.delay = Some(Time::parse("delay", content, DELAY)?),
                RetryOption::Backoff => retry.backoff = Backoff::parse(name, content)?,
                RetryOption::Include => retry.include = Class::parse_all(name, content, INCLUDE)?,
                RetryOption::Exclude => retry.exclude = Class::parse_all(name, content, EXCLUDE)?,
                RetryOption::Blocking => retry.blocking = Some(Flag::parse(name, content)?),
                RetryOption::PreserveOrder => {
                    retry.preserve_order = Some(Flag::parse(name, content)?);
                }
                RetryOption::LogEvery => {
                    let every = content.parse()?;
                    let must = "is a number of attempts, at least 1, as in `log_every = 10`";
                    check_whole("log_every", &every, (1, u32::MAX.into()), must)?;
                    retry.log_every = Some(every);
                }
                RetryOption::Misplaced => {}
            }
            Ok(())
        })?;
        retry.check()?;
        Ok(retry)
    }

    /// Refuses what contradicts itself.
    fn check(&self) -> Result<()> {
        let mut errors = Vec::new();
        if let (Some(Flag { on: true, .. }), Some(Flag { on: false, span })) =
            (&self.preserve_order, &self.blocking)
        {
            errors.push(Error::new(
                *span,
                "`preserve_order` keeps later messages of a key waiting where they are, and \
                 `blocking = false` says that none wait; remove one of them",
            ));
        }
        if let (Some(delay), Some(most)) = (&self.delay, &self.backoff.max)
            && let (Some(first), Some(longest)) = (delay.known, most.known)
            && longest < first
        {
            errors.push(Error::new_spanned(
                most.written(),
                "`max` is the longest delay, and shorter than `delay`, the first one; raise it",
            ));
        }
        for class in &self.exclude {
            if self.include.iter().any(|other| other.is(class)) {
                errors.push(Error::new_spanned(
                    class,
                    format!("`{class}` is included and excluded; remove one of them"),
                ));
            }
        }
        all_of(errors)
    }
}

impl MaxRetries {
    fn parse(content: ParseStream<'_>) -> Result<Self> {
        let most: Expr = content.parse()?;
        if let Written::Whole(-1) = Written::of(&most) {
            return Ok(Self::ForEver);
        }
        let must = "is how often a failed message is tried again: write a whole number, or -1 for \
                    ever, as in `max_retries = 5`";
        check_whole("max_retries", &most, (0, u32::MAX.into()), must)?;
        Ok(Self::Times(most))
    }
}

impl Backoff {
    const OPTIONS: &[Known<BackoffOption>] = &[
        Known {
            name: "factor",
            option: BackoffOption::Factor,
            form: Form::Value,
            example: "factor = 2.0",
        },
        Known {
            name: "max",
            option: BackoffOption::Max,
            form: Form::Value,
            example: MAX,
        },
        Known {
            name: "jitter",
            option: BackoffOption::Jitter,
            form: Form::Value,
            example: "jitter = 0.1",
        },
    ];

    fn parse(option: &Ident, content: ParseStream<'_>) -> Result<Self> {
        if content.is_empty() {
            return Err(Error::new_spanned(
                option,
                format!("`backoff` says nothing: write `{BACKOFF}`, or some of it"),
            ));
        }
        let mut backoff = Self::default();
        parse_options(content, Self::OPTIONS, |option, _, content| {
            match option {
                BackoffOption::Factor => {
                    let must = "is what each further delay is multiplied by: write a number of at \
                                least 1, as in `factor = 2.0`";
                    let factor = content.parse()?;
                    backoff.factor = Some(Real::check("factor", factor, must, |f| f >= 1.0)?);
                }
                BackoffOption::Max => backoff.max = Some(Time::parse("max", content, MAX)?),
                BackoffOption::Jitter => {
                    let must = "is the share of the delay that is random: write a number from 0 \
                                to 1, as in `jitter = 0.1`";
                    let share = |jitter| (0.0..=1.0).contains(&jitter);
                    backoff.jitter = Some(Real::check("jitter", content.parse()?, must, share)?);
                }
            }
            Ok(())
        })?;
        Ok(backoff)
    }
}

#[derive(Clone, Copy)]
enum BackoffOption {
    Factor,
    Max,
    Jitter,
}

impl Flag {
    /// `name` alone is yes.
    fn parse(name: &Ident, content: ParseStream<'_>) -> Result<Self> {
        let span = name.span();
        if !content.peek(Token![=]) {
            return Ok(Self { on: true, span });
        }
        content.parse::<Token![=]>()?;
        let value: LitBool = content.parse().map_err(|error| {
            let text = format!("`{name}` is `true` or `false`; `{name}` alone is `true`");
            Error::new(error.span(), text)
        })?;
        Ok(Self {
            on: value.value,
            span,
        })
    }
}

#[cfg(test)]
mod tests;

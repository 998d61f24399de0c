//! What kind of value a setting has, and which values it takes.

/// A setting's type, with its number in DescribeConfigs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean = 1,
    String = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7,
}

/// Which values of its kind a setting takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    Any,
    AtLeast(i64),
    /// Both ends inclusive.
    Between(i64, i64),
    /// A share, from 0 to 1.
    Share,
    /// For a list: each of its elements.
    OneOf(&'static [&'static str]),
    /// gzip has its default, -1, outside its range.
    GzipLevel,
    /// Accepted, but nothing else than this does anything here.
    Only(&'static str),
}

/// The elements of a list; an empty text has none.
pub(crate) fn elements(value: &str) -> impl Iterator<Item = &str> {
    let elements = value.split(',').map(str::trim);
    elements.filter(|element| !element.is_empty())
}

/// `raw` as it is shown, if it is a value of this kind that `rule` allows.
///
/// # Errors
/// What is wrong with it, to go behind the setting's name and value.
pub(crate) fn check(kind: Kind, rule: Rule, raw: &str) -> Result<String, String> {
    let raw = raw.trim();
    let number = |value: i64| match rule {
        Rule::AtLeast(least) if value < least => Err(format!("Value must be at least {least}")),
        Rule::Between(least, most) if !(least..=most).contains(&value) => {
            Err(format!("Value must be between {least} and {most}"))
        }
        Rule::GzipLevel if value != -1 && !(1..=9).contains(&value) => {
            Err("Value must be between 1 and 9 or equal to -1".to_owned())
        }
        _ => Ok(value.to_string()),
    };
    match kind {
        Kind::Boolean => match raw.to_ascii_lowercase().as_str() {
            shown @ ("true" | "false") => match rule {
                Rule::Only(only) if only != shown => Err(format!("Only {only} is supported")),
                _ => Ok(shown.to_owned()),
            },
            _ => Err("Expected value to be either true or false".to_owned()),
        },
        Kind::Int => {
            let value = raw.parse::<i32>();
            number(i64::from(
                value.map_err(|_| "Not a number of type INT".to_owned())?,
            ))
        }
        Kind::Long => {
            let value = raw.parse::<i64>();
            number(value.map_err(|_| "Not a number of type LONG".to_owned())?)
        }
        Kind::Double => {
            let value = raw.parse::<f64>();
            let value = value.map_err(|_| "Not a number of type DOUBLE".to_owned())?;
            if rule == Rule::Share && !(0.0..=1.0).contains(&value) {
                return Err("Value must be between 0 and 1".to_owned());
            }
            Ok(format!("{value:?}"))
        }
        Kind::String => match rule {
            Rule::OneOf(known) if !known.contains(&raw) => {
                Err(format!("String must be one of: {}", known.join(", ")))
            }
            _ => Ok(raw.to_owned()),
        },
        Kind::List => {
            let unknown = match rule {
                Rule::OneOf(known) => elements(raw).find(|element| !known.contains(element)),
                _ => None,
            };
            match (unknown, rule) {
                (Some(_), Rule::OneOf(known)) => {
                    Err(format!("String must be one of: {}", known.join(", ")))
                }
                _ => Ok(elements(raw).collect::<Vec<_>>().join(",")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_their_kind() {
        let good = |kind, rule, raw: &str| check(kind, rule, raw).expect(raw);
        assert_eq!(good(Kind::Long, Rule::AtLeast(-1), " -1 "), "-1");
        assert_eq!(good(Kind::Boolean, Rule::Any, "TRUE"), "true");
        assert_eq!(good(Kind::Double, Rule::Share, "0.50"), "0.5");
        assert_eq!(good(Kind::Double, Rule::Share, "1"), "1.0");
        let policies = Rule::OneOf(&["compact", "delete"]);
        assert_eq!(
            good(Kind::List, policies, "compact, delete"),
            "compact,delete"
        );
        assert_eq!(good(Kind::Int, Rule::GzipLevel, "-1"), "-1");
        for (kind, rule, bad) in [
            (Kind::Long, Rule::AtLeast(-1), "-2"),
            (Kind::Long, Rule::Any, "7 days"),
            (Kind::Int, Rule::Any, "2147483648"),
            (Kind::Int, Rule::GzipLevel, "0"),
            (Kind::Int, Rule::Between(1, 17), "18"),
            (Kind::Double, Rule::Share, "1.5"),
            (Kind::Double, Rule::Share, "NaN"),
            (Kind::Boolean, Rule::Any, "yes"),
            (Kind::Boolean, Rule::Only("false"), "true"),
            (Kind::List, policies, "compact,archive"),
            (
                Kind::String,
                Rule::OneOf(&["CreateTime", "LogAppendTime"]),
                "createtime",
            ),
        ] {
            assert!(check(kind, rule, bad).is_err(), "{bad}");
        }
    }
}

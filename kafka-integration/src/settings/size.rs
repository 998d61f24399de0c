//! Sizes in bytes: a number, or text such as `64MiB`.

/// What a size looks like, for messages.
pub(crate) const EXPECTED: &str =
    "a size of at least 1 byte, such as 1048576, \"512KiB\" or \"64MiB\"";

const UNITS: [(&str, usize); 7] = [
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

/// Parses it; `None` for zero and for what does not fit.
pub(crate) fn parse(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: usize = text[..digits].parse().ok()?;
    let unit = text[digits..].trim().to_ascii_lowercase();
    let factor = match unit.as_str() {
        "" => 1,
        unit => UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    number.checked_mul(factor).filter(|bytes| *bytes > 0)
}

/// The size in its largest whole unit.
pub(crate) fn format(bytes: usize) -> String {
    [("GiB", 30), ("MiB", 20), ("KiB", 10)]
        .into_iter()
        .find(|(_, shift)| bytes > 0 && bytes.is_multiple_of(1 << shift))
        .map_or_else(
            || bytes.to_string(),
            |(unit, shift)| format!("{}{unit}", bytes >> shift),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_units() {
        for (text, bytes) in [
            ("1", 1),
            ("64MiB", 64 << 20),
            ("64 mib", 64 << 20),
            ("2kB", 2_000),
            ("1GiB", 1 << 30),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for text in [
            "",
            "0",
            "0MiB",
            "MiB",
            "-1",
            "1.5MiB",
            "1 parsec",
            "99999999999999999999GiB",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_printed_reads_back() {
        for bytes in [1, 1_000, 1_024, 64 << 20, 3 << 30] {
            assert_eq!(parse(&format(bytes)), Some(bytes));
        }
    }
}

//! Bytes of a record as text that a terminal survives.

use std::fmt::Write;

/// A key, value or header as text: UTF-8 as it is, other bytes in hexadecimal.
#[derive(Debug)]
pub(super) enum Shown<'a> {
    Text(&'a str),
    Hex(String),
}

impl<'a> Shown<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(_) => Self::Hex(hex(bytes)),
        }
    }

    /// One line without control characters: a message is one line, and none can
    /// drive the terminal it is printed on.
    pub(super) fn one_line(&self) -> String {
        match self {
            Self::Text(text) => escape(text),
            Self::Hex(hex) => format!("hex:{hex}"),
        }
    }
}

fn escape(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\t' {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_other_bytes_become_hex() {
        let shown = |bytes: &[u8]| Shown::new(bytes).one_line();
        assert_eq!(shown("grün\t1".as_bytes()), "grün\t1");
        assert_eq!(shown(&[0xff, 0x00]), "hex:ff00");
        assert_eq!(shown(b""), "");
    }

    #[test]
    fn a_value_can_neither_break_the_line_nor_drive_the_terminal() {
        assert_eq!(
            Shown::new(b"a\r\nb\x1b[2J").one_line(),
            "a\\r\\nb\\u{1b}[2J"
        );
    }
}

use super::*;

fn open(text: &[u8], options: CsvOptions) -> Result<Csv, BadRow> {
    let input = std::io::Cursor::new(text.to_vec());
    Csv::open(Lines::new(Box::new(input), 1_000), options)
}

fn with_header(key: Option<&str>, typed: bool) -> CsvOptions {
    CsvOptions {
        key_column: key.map(str::to_owned),
        no_header: false,
        typed,
    }
}

const NO_HEADER: CsvOptions = CsvOptions {
    key_column: None,
    no_header: true,
    typed: false,
};

/// Line, key and value of a row, or line and problem.
type Read = Result<(u64, Option<String>, String), (u64, String)>;

fn read(mut csv: Csv) -> Vec<Read> {
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let mut rows = Vec::new();
    while let Some(row) = csv.next().transpose() {
        let fatal = row.as_ref().is_err_and(|bad| bad.fatal);
        rows.push(match row {
            Ok(row) => Ok((row.line, row.key.map(text), text(row.value))),
            Err(bad) => Err((bad.line, bad.problem)),
        });
        if fatal {
            break;
        }
    }
    rows
}

fn good(line: u64, key: &str, value: &str) -> Read {
    let key = (!key.is_empty()).then(|| key.to_owned());
    Ok((line, key, value.to_owned()))
}

#[test]
fn a_row_is_an_object_by_the_header_with_its_text_exact() {
    let text = "\u{feff}customer,note\r\n007,\"a, \"\"b\"\"\r\nc\"\r\n\r\n,x\r\nann,1.50";
    let csv = open(text.as_bytes(), with_header(Some("customer"), false)).expect("opens");
    let expected = [
        good(2, "007", r#"{"customer":"007","note":"a, \"b\"\r\nc"}"#),
        good(5, "", r#"{"customer":"","note":"x"}"#),
        good(6, "ann", r#"{"customer":"ann","note":"1.50"}"#),
    ];
    assert_eq!(read(csv), expected);
}

#[test]
fn typed_cells_are_json_and_no_digit_is_lost() {
    let text = "a,b,c,d,e,f\n007,1.50,-12345678901234567890,true,,1e\n";
    let csv = open(text.as_bytes(), with_header(Some("a"), true)).expect("opens");
    let value = r#"{"a":"007","b":1.50,"c":-12345678901234567890,"d":true,"e":null,"f":"1e"}"#;
    assert_eq!(read(csv), [good(2, "007", value)]);
}

#[test]
fn without_a_header_a_row_is_key_and_value() {
    let text = "user123,Order placed for 2 items\n\"user,456\",\"1,5\"\n,no key\nuser123,a,b\nx\n";
    let rows = read(open(text.as_bytes(), NO_HEADER).expect("opens"));
    assert_eq!(rows[0], good(1, "user123", "Order placed for 2 items"));
    assert_eq!(rows[1], good(2, "user,456", "1,5"));
    assert_eq!(rows[2], good(3, "", "no key"));
    let bad: Vec<_> = rows[3..]
        .iter()
        .map(|row| row.as_ref().map_err(|bad| bad.0))
        .collect();
    assert_eq!(bad, [Err(4), Err(5)]);
}

#[test]
fn a_row_of_another_length_or_encoding_is_bad_and_the_next_is_read() {
    let csv = open(b"a,b\n1\n1,2,3\n1,\xff\n1,2\n", with_header(None, false)).expect("opens");
    let rows = read(csv);
    let problem = |row: usize| rows[row].as_ref().expect_err("bad").clone();
    assert_eq!(problem(0), (2, "1 columns where the header has 2".into()));
    assert_eq!(problem(1).0, 3);
    assert!(problem(2).1.starts_with("column `b` is no UTF-8"));
    assert_eq!(rows[3], good(5, "", r#"{"a":"1","b":"2"}"#));
}

#[test]
fn an_open_quote_ends_the_file_at_the_line_it_stands_on() {
    let csv = open(b"a,b\n1,2\n3,\"4\n5,6\n", with_header(None, false)).expect("opens");
    let rows = read(csv);
    assert_eq!(rows.len(), 2);
    assert_eq!(
        rows[1],
        Err((3, "a quote is opened and never closed".into()))
    );
    // And without reading the rest of a large file into memory.
    let text = format!("a,b\n1,\"2\n{}", "3,4\n".repeat(100_000));
    let rows = read(open(text.as_bytes(), with_header(None, false)).expect("opens"));
    let (line, problem) = rows[0].clone().expect_err("too long");
    assert!(
        line == 2 && problem.contains("is a quote left open?"),
        "{problem}"
    );
}

#[test]
fn many_and_long_fields_are_whole() {
    let names: Vec<_> = (0..100).map(|n| format!("c{n}")).collect();
    let cells: Vec<_> = (0..100).map(|n| format!("{n}")).collect();
    let text = format!("{}\n{}\n", names.join(","), cells.join(","));
    let csv = open(text.as_bytes(), with_header(Some("c99"), false)).expect("opens");
    assert_eq!(
        read(csv)[0].as_ref().expect("good").1.as_deref(),
        Some("99")
    );
    let long = "x".repeat(990);
    let csv = open(format!("k,{long}").as_bytes(), NO_HEADER).expect("opens");
    assert_eq!(read(csv), [good(1, "k", &long)]);
}

#[test]
fn a_header_that_can_not_be_used_says_why() {
    let problem = |text: &str, key: Option<&str>| {
        let refused = open(text.as_bytes(), with_header(key, false)).err();
        refused.expect("refused").problem
    };
    assert!(problem("", None).contains("no header"));
    assert!(problem("a,b\n", Some("c")).ends_with("the header has: a, b"));
    assert!(problem("a,a\n", None).contains("two columns are named `a`"));
    assert!(problem("a,\n", None).contains("column 2 of the header has no name"));
}

#[test]
fn a_long_line_without_a_quote_is_one_bad_row() {
    let long = "x".repeat(2_000);
    let rows = read(
        open(
            format!("a,b\n{long},2\n3,4\n").as_bytes(),
            with_header(None, false),
        )
        .expect("opens"),
    );
    assert!(
        rows[0].as_ref().is_err_and(|(line, _)| *line == 2),
        "{rows:?}"
    );
    assert!(rows[1].is_ok(), "{rows:?}");
    // With one, what follows may be the rest of a cell.
    let rows = read(
        open(
            format!("a,b\n{long},\"2\n3,4\n").as_bytes(),
            with_header(None, false),
        )
        .expect("opens"),
    );
    assert_eq!(rows.len(), 1, "{rows:?}");
}

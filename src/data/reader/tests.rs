//! One test for each bad input, with the whole message; and tables that must read back as they were written.

use std::io::{self, Cursor, Read, Write};

use proptest::prelude::*;

use super::*;
use crate::data::source::STANDARD_INPUT;
use crate::error::Code;

type Table = (Vec<String>, Vec<Vec<String>>);

fn drain(reader: &mut TableReader) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row()? {
        rows.push(row.iter().map(str::to_owned).collect());
    }
    Ok(rows)
}

fn open(bytes: impl Into<Vec<u8>>, options: &ReadOptions) -> Result<TableReader> {
    TableReader::from_opened(Opened::new("t.csv", Cursor::new(bytes.into()))?, options)
}

fn read(bytes: impl Into<Vec<u8>>, options: &ReadOptions) -> Result<Table> {
    let mut reader = open(bytes, options)?;
    let rows = drain(&mut reader)?;
    Ok((reader.columns().to_vec(), rows))
}

fn ok(bytes: impl Into<Vec<u8>>) -> Table {
    read(bytes, &ReadOptions::default()).unwrap()
}

/// The message for `bytes` under the default options.
fn refusal(bytes: impl Into<Vec<u8>>) -> String {
    read(bytes, &ReadOptions::default()).unwrap_err().to_string()
}

fn table(columns: &[&str], rows: &[&[&str]]) -> Table {
    let owned = |row: &&[&str]| row.iter().map(|f| f.to_string()).collect();
    (owned(&columns), rows.iter().map(owned).collect())
}

fn no_header() -> ReadOptions {
    ReadOptions { header: false, ..ReadOptions::default() }
}

fn skip(max_bad_fraction: f64) -> ReadOptions {
    ReadOptions { on_bad_row: BadRows::Skip, max_bad_fraction, ..ReadOptions::default() }
}

#[test]
fn input_1_an_empty_file_has_no_header() {
    assert_eq!(refusal(""), "error[3]: t.csv: no header: the file is empty");
    assert_eq!(refusal("\u{feff}"), "error[3]: t.csv: no header: the file is empty");
    assert_eq!(refusal("\n \r\n"), "error[3]: t.csv: no header: the file has blank lines only");
    let e = read("", &no_header()).unwrap_err().to_string();
    assert_eq!(e, "error[3]: t.csv: no rows: the file is empty");
}

#[test]
fn input_2_a_header_alone_gives_no_rows() {
    for text in ["a,b", "a,b\n", "a,b\r\n\r\n"] {
        assert_eq!(ok(text), table(&["a", "b"], &[]));
    }
}

#[test]
fn a_blank_line_in_a_table_of_one_column_is_a_row_without_a_value() {
    let of = |text: &str, options: &ReadOptions| -> Vec<(u64, String)> {
        let mut reader = open(text, options).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = reader.next_row().unwrap() {
            rows.push((row.line(), row.get(0).to_owned()));
        }
        rows
    };
    let plain = ReadOptions::default();
    let rows = |rows: &[(u64, &str)]| rows.iter().map(|&(line, field)| (line, field.to_owned())).collect();
    let all: Vec<(u64, String)> = rows(&[(2, ""), (3, "1"), (4, ""), (5, ""), (6, "2"), (7, ""), (8, "")]);
    for (text, there) in [
        ("a\n\n1\n\n \n2\n\n\n", 7),
        ("a\r\n\r\n1\r\n\r\n\t\r\n2\r\n\r\n", 6),
        ("a\r\r1\r\r\r2\r\r", 6),
        ("a\n\n1\n\n\n2\n", 5),
        ("a\r\r1\r\r\r2", 5),
        ("a\n\n", 1),
        ("a\n", 0),
        ("a", 0),
    ] {
        assert_eq!(of(text, &plain), all[..there], "{text:?}");
    }
    let quoted = "\n\na\n\"x\n\ny\"\n\n\"\"\n\n\"\n\"\n";
    let expected: Vec<(u64, String)> = rows(&[(4, "x\n\ny"), (7, ""), (8, ""), (9, ""), (10, "\n")]);
    assert_eq!(of(quoted, &plain), expected, "lines within quotes, and blank ones before the header");
    let expected: Vec<(u64, String)> = rows(&[(1, "1"), (2, ""), (3, "2")]);
    assert_eq!(of("1\n\n2\n", &no_header()), expected);
    assert_eq!(of("a,b\n\n1,2\n\n3,4\n", &plain).len(), 2, "of two columns a blank line is no row");
}

#[test]
fn a_bad_row_behind_blank_lines_is_told_in_its_line() {
    let e = refusal(b"a\n1\n\n\n\xe9\n");
    assert!(e.starts_with("error[3]: t.csv, line 5, column \"a\": not UTF-8\n"), "{e}");
    let mut reader = open(b"a\n\n1,2\n\n3\n", &skip(0.5)).unwrap();
    assert_eq!(drain(&mut reader).unwrap(), [[""], [""], ["3"]]);
    assert_eq!(reader.notes(), ["1 of 4 rows skipped: t.csv, line 3: 2 fields where the header has 1"]);
}

#[test]
fn input_3_a_short_or_long_row_gives_line_and_counts() {
    assert_eq!(
        refusal("a,b,c\n1,2,3\n\n4,5\n"),
        "error[3]: t.csv, line 4: 2 fields where the header has 3\n  expected: 3 fields\n  found: 2 fields: \"4,5\"\n  \
         help: fix this row, or leave bad rows out: --on-bad-row skip"
    );
    assert_eq!(
        refusal("a,b\r\n\"x\ny\",2\r\n1,2,3\r\n"),
        "error[3]: t.csv, line 4: 3 fields where the header has 2\n  expected: 2 fields\n  \
         found: 3 fields: \"1,2,3\"\n  help: a field that holds \",\" needs quotes around it; or fix this row, or \
         leave bad rows out: --on-bad-row skip"
    );
    let e = read("1,2\n3\n", &no_header()).unwrap_err().to_string();
    assert!(e.starts_with("error[3]: t.csv, line 2: 1 field where the first row has 2\n"), "{e}");
}

#[test]
fn input_3_skipping_counts_and_has_a_cap() {
    let text = "a,b\n1,2\n3\n4,5\n6,7,8\n";
    let mut reader = open(text, &skip(0.5)).unwrap();
    assert_eq!(drain(&mut reader).unwrap(), table(&[], &[&["1", "2"], &["4", "5"]]).1);
    assert_eq!((reader.rows(), reader.skipped()), (2, 2));
    assert_eq!(
        reader.notes(),
        [
            "2 of 4 rows skipped: t.csv, line 3: 1 field where the header has 2; t.csv, line 5: 3 fields where the header \
          has 2"
        ]
    );
    assert_eq!(
        read(text, &skip(0.07)).unwrap_err().to_string(),
        "error[3]: t.csv: 2 of 4 rows are bad\n  expected: at most 7 %\n  found: t.csv, line 3: 1 field where the \
         header has 2; t.csv, line 5: 3 fields where the header has 2\n  help: fix the rows, or raise data.max_bad_fraction"
    );
    let endless = format!("a,b\n{}", "1\n".repeat(20_000));
    let e = read(endless, &skip(0.01)).unwrap_err().to_string();
    assert!(e.starts_with("error[3]: t.csv: 10000 of 10000 rows are bad\n"), "{e}");
}

#[test]
fn input_4_an_unclosed_quote_is_named_where_it_opened() {
    assert_eq!(
        refusal("a,b\n1,2\n3,\"x\n4,5\n6,7\n"),
        "error[3]: t.csv, line 3: the quote that opens in this line is never closed\n  \
         expected: a closing \" before the end of the file\n  help: close it, or, if quotes are plain \
         text here, train with data.quoting = false"
    );
    let quoting_off = ReadOptions { quoting: false, ..ReadOptions::default() };
    let rows = table(&["a", "b"], &[&["3", "\"x"], &["a\"", "\"\"b"]]);
    assert_eq!(read("a,b\n3,\"x\na\",\"\"b", &quoting_off).unwrap(), rows);
}

#[test]
fn input_5_a_field_over_a_mebibyte() {
    let long = "x".repeat(1 << 20);
    assert_eq!(ok(format!("a,b\n1,{long}\n")).1[0][1].len(), 1 << 20);
    assert_eq!(
        refusal(format!("a,b\n1,2\n1,{long}x\n")),
        "error[3]: t.csv, line 3: a field that starts in this line is longer than 1 MiB\n  \
         help: is the delimiter right?"
    );
    assert_eq!(
        refusal(format!("a,b\n1,2\n1,\"{}", "x\n".repeat(1 << 20))),
        "error[3]: t.csv, line 3: a field that starts in this line is longer than 1 MiB\n  \
         help: is the quote that opens in this line closed?"
    );
}

#[test]
fn input_5_an_endless_field_is_not_buffered() {
    let endless = Cursor::new(b"a,b\n1,\"".to_vec()).chain(io::repeat(b'x'));
    let opened = Opened::new("t.csv", endless).unwrap();
    let mut reader = TableReader::from_opened(opened, &ReadOptions::default()).unwrap();
    assert_eq!(reader.next_row().unwrap_err().code, Code::Data);
    let endless = Cursor::new(b"a,b\n1".to_vec()).chain(io::repeat(b','));
    let opened = Opened::new("t.csv", endless).unwrap();
    let mut reader = TableReader::from_opened(opened, &ReadOptions::default()).unwrap();
    assert_eq!(
        reader.next_row().unwrap_err().to_string(),
        "error[3]: t.csv, line 2: the row that starts in this line is longer than 16 MiB\n  \
         help: does the file have line ends?"
    );
}

#[test]
fn input_6_a_byte_order_mark_is_taken_off() {
    assert_eq!(ok("\u{feff}a,b\n1,2\n"), ok("a,b\n1,2\n"));
    assert_eq!(ok("\u{feff}\"a\",b\n1,2\n"), ok("a,b\n1,2\n"));
}

#[test]
fn input_7_other_formats_are_named() {
    let utf_16 = |mark: &str| -> Vec<u8> {
        format!("{mark}a,b\n1,2\n3,4\n").encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    assert_eq!(
        refusal(utf_16("\u{feff}")),
        "error[3]: t.csv: this file is UTF-16, not UTF-8\n  expected: a text file: rows of fields between \
         delimiters\n  help: save it as UTF-8, or: iconv -f utf-16 -t utf-8 FILE > NEW"
    );
    assert_eq!(
        refusal(utf_16("")),
        "error[3]: t.csv: this file is UTF-16LE, not UTF-8\n  expected: a text file: rows of fields between \
         delimiters\n  help: save it as UTF-8, or: iconv -f utf-16le -t utf-8 FILE > NEW"
    );
    let (excel, zip) =
        (b"PK\x03\x04\x14\0......xl/workbook.xml".as_slice(), b"PK\x03\x04\x14\0t.csv".as_slice());
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice();
    let noise: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (bytes, what, help) in [
        (excel, "an Excel workbook", "save the sheet as CSV UTF-8"),
        (zip, "a zip archive", "unpack it; .gz and .zst files are read as they are"),
        (b"BZh91AY&SY", "a bzip2 file", "unpack it; .gz and .zst files are read as they are"),
        (
            &gzip(&gzip(b"a,b\n1,2\n")),
            "a gzip file within a compressed file",
            "unpack it; .gz and .zst files are read as they are",
        ),
        (b"PAR1\x15\x04", "a Parquet file", "export the table as CSV"),
        (b"SQLite format 3\0", "an SQLite database", "export the table as CSV"),
        (b"%PDF-1.7", "a PDF file", "export the table as CSV"),
        (png, "a PNG image", "export the table as CSV"),
        (b"\n<!DOCTYPE HTML><html>", "a web page", "download the table itself"),
        (&noise, "a binary file", "export the table as CSV"),
    ] {
        assert_eq!(
            refusal(bytes.to_vec()),
            format!(
                "error[3]: t.csv: this is {what}\n  expected: a text file: rows of fields between delimiters\n  \
                 help: {help}"
            )
        );
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn input_7_gzip_and_zstd_are_read_under_any_name() {
    let text = format!("a,b\n{}", "1,2\n".repeat(100_000));
    let plain = ok(&*text);
    assert_eq!(ok(gzip(text.as_bytes())), plain);
    assert_eq!(ok([gzip(b"a,b\n1,"), gzip(b"2\n")].concat()), ok("a,b\n1,2\n"));
    assert_eq!(ok(zstd::encode_all(text.as_bytes(), 1).unwrap()), plain);
}

#[test]
fn input_7_compressed_data_that_is_cut_short_or_damaged() {
    let text: String = (0..100_000u64).map(|i| format!("{},{i}\n", i * i % 977)).collect();
    let text = format!("a,b\n{text}");
    let packed = gzip(text.as_bytes());
    let cut = "the gzip data is cut short\n  help: copy or download the file again";
    assert_eq!(refusal(&packed[..packed.len() / 2]), format!("error[3]: t.csv: {cut}"));
    assert_eq!(refusal(&packed[..7]), format!("error[3]: t.csv: {cut}"));
    let mut flipped = packed.clone();
    let end = flipped.len() - 6;
    flipped[end] ^= 1;
    let e = refusal(flipped);
    assert!(e.starts_with("error[3]: t.csv: the gzip data is damaged: "), "{e}");
    let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let cut = cut.replace("gzip", "zstd");
    assert_eq!(refusal(&packed[..packed.len() / 2]), format!("error[3]: t.csv: {cut}"));
}

#[test]
fn input_8_bytes_that_are_not_utf_8() {
    let latin_1 = b"name,city\nx,K\xc3\xb6ln\ny,K\xf6ln\nz,w\n".to_vec();
    assert_eq!(
        refusal(latin_1.clone()),
        "error[3]: t.csv, line 3, column \"city\": not UTF-8\n  expected: text in UTF-8\n  \
         found: byte 0xf6 at offset 1 of \"K\u{fffd}ln\"\n  help: save the file as UTF-8, or: iconv -f latin1 -t \
         utf-8 FILE > NEW; or fix this row, or leave bad rows out: --on-bad-row skip"
    );
    let mut reader = open(latin_1, &skip(0.5)).unwrap();
    assert_eq!(drain(&mut reader).unwrap(), table(&[], &[&["x", "Köln"], &["z", "w"]]).1);
    assert_eq!(reader.skipped(), 1);
    assert_eq!(
        refusal(b"a,\xff\n1,2\n".to_vec()),
        "error[3]: t.csv, line 1, column \"column_2\": not UTF-8\n  expected: text in UTF-8\n  \
         found: byte 0xff at offset 0 of \"\u{fffd}\"\n  help: save the file as UTF-8, or: iconv -f latin1 -t utf-8 \
         FILE > NEW"
    );
}

#[test]
fn input_9_all_line_ends_give_the_same_result() {
    let expected = table(&["a", "b"], &[&["1", "2"], &["3", "4"]]);
    for end in ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\r\r", "\n \t\n"] {
        for last in ["", end] {
            assert_eq!(ok(format!("a,b{end}1,2{end}3,4{last}")), expected, "{end:?}");
        }
    }
    assert_eq!(ok("a,b\r1,2\n3,4\r\n"), expected);
    for text in ["a\n1\n2,3\n", "a\r\n1\r\n2,3\r\n", "a\r1\r2,3\r"] {
        assert!(refusal(text).starts_with("error[3]: t.csv, line 3: 2 fields"), "{text:?}");
    }
}

#[test]
fn input_10_a_nul_byte() {
    assert_eq!(
        refusal("a,b\n1,2\n33,\0\n"),
        "error[3]: t.csv, line 3: a NUL byte at byte 4 of the line\n  expected: text\n  \
         help: the file is damaged or not a text file; tr -d '\\000' takes NUL bytes out"
    );
}

#[test]
fn input_11_columns_of_one_name_or_of_none() {
    assert_eq!(
        refusal("x,id,y,\"id\"\n1,2,3,4\n"),
        "error[3]: t.csv, line 1: two columns are named \"id\"\n  found: columns 2 and 4\n  help: rename one of them"
    );
    assert_eq!(
        refusal(",x,y,x\n0,1,2,3\n"),
        "error[3]: t.csv, line 1: column 1 has no name\n  \
         help: name it, or leave it out: pandas writes it without index=False\n\
         error[3]: t.csv, line 1: two columns are named \"x\"\n  found: columns 2 and 4\n  help: rename one of them"
    );
    let e = refusal("38,Private,0,0,40\n");
    assert!(e.ends_with("help: if this row is data, set header = false (--set data.header=false)"), "{e}");
}

#[test]
fn input_22_another_delimiter_or_no_header() {
    let comma = ReadOptions { delimiter: Some(b','), ..ReadOptions::default() };
    assert_eq!(
        read("a;b\n1;2\n", &comma).unwrap_err().to_string(),
        "error[3]: t.csv: 1 column found; delimiter ';'?\n  \
         help: set data.delimiter to the character between the fields, or leave it out and it is found"
    );
    let e = read("a\tb\n1\t2\n", &comma).unwrap_err().to_string();
    assert!(e.starts_with("error[3]: t.csv: 1 column found; delimiter tab?\n"), "{e}");
    assert_eq!(read("a\nx;y\nz\n", &comma).unwrap().1.len(), 2);

    let reader = open("a;b\n1;2\n", &ReadOptions::default()).unwrap();
    assert_eq!((reader.delimiter(), reader.columns().len()), (b';', 2));
    assert_eq!(
        refusal("5.1,3.5,0\n4.9,3.0,1\n"),
        "error[3]: t.csv, line 1: the header consists of numbers only\n  expected: names of columns\n  \
         found: \"5.1,3.5,0\"\n  help: if this row is data, set header = false (--set data.header=false)"
    );
    assert!(open("5.1,3.5,setosa\n", &ReadOptions::default()).unwrap().header_looks_like_data());
    assert!(!open("5.1,3.5,setosa\n", &no_header()).unwrap().header_looks_like_data());
}

#[test]
fn input_23_an_empty_standard_input() {
    let opened = Opened::new(STANDARD_INPUT, io::empty()).unwrap();
    let e = TableReader::from_opened(opened, &ReadOptions::default()).err().unwrap();
    assert_eq!(e.to_string(), "error[3]: standard input: no header: standard input is empty");
}

#[test]
fn a_failing_disk_is_the_environment() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(5))
        }
    }
    for start in [b"a,b\n1,2\n".to_vec(), gzip(b"a,b\n1,2\n"), Vec::new()] {
        let opened = Opened::new("t.csv", Cursor::new(start).chain(Broken));
        let e = opened.and_then(|o| TableReader::from_opened(o, &ReadOptions::default())).err().unwrap();
        assert_eq!(e.to_string(), "error[5]: t.csv: cannot be read: Input/output error (os error 5)");
    }
}

#[test]
fn a_delimiter_that_cannot_be() {
    let options = ReadOptions { delimiter: Some(b'"'), ..ReadOptions::default() };
    assert_eq!(
        read("a", &options).unwrap_err().to_string(),
        "error[2]: delimiter: this character cannot separate fields\n  \
         expected: one ASCII character, no quote and no line end\n  found: \"\\\"\""
    );
}

/// Writes `files` into a new directory and reads them all.
fn read_files(files: &[(&str, &str)], options: &ReadOptions) -> (String, Result<(Table, Vec<String>)>) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let source = Source::parse(&["*.csv"], dir.path()).unwrap();
    let result = TableReader::open(&source, options).and_then(|mut reader| {
        let rows = drain(&mut reader)?;
        Ok(((reader.columns().to_vec(), rows), reader.notes()))
    });
    (format!("{}/", dir.path().display()), result)
}

#[test]
fn several_files_are_one_table_by_name() {
    let files = [("2.csv", "c;b;a\r\n6;5;4\r\n"), ("1.csv", "a,b\n1,2\n"), ("3.csv", "a,b\n7,8")];
    let (base, result) = read_files(&files, &ReadOptions::default());
    let (found, notes) = result.unwrap();
    assert_eq!(found, table(&["a", "b"], &[&["1", "2"], &["4", "5"], &["7", "8"]]));
    assert_eq!(notes, [format!("{base}2.csv: 1 column that {base}1.csv lacks is ignored: \"c\"")]);

    let files = [("1.csv", "x,label\n1,2\n"), ("2.csv", "3,b,x,7\n")];
    let (base, result) = read_files(&files, &ReadOptions::default());
    assert_eq!(
        result.unwrap_err().to_string(),
        format!(
            "error[3]: {base}2.csv, line 1: 1 column of {base}1.csv is not here\n  expected: \"label\"\n  \
             found: \"3\", \"b\", \"x\", \"7\"\n  help: every file of a table needs the header row"
        )
    );
}

#[test]
fn without_a_header_columns_are_numbered_or_given() {
    let (found, _) = read_files(&[("1.csv", "1,2\n"), ("2.csv", "3,4\n5,6\n")], &no_header()).1.unwrap();
    assert_eq!(found, table(&["column_1", "column_2"], &[&["1", "2"], &["3", "4"], &["5", "6"]]));
    let (base, result) = read_files(&[("1.csv", "1,2\n"), ("2.csv", "3\n")], &no_header());
    let e = result.unwrap_err().to_string();
    assert_eq!(e, format!("error[3]: {base}2.csv, line 1: 1 field where {base}1.csv has 2"));

    let named = ReadOptions { expected_columns: Some(vec!["x".into(), "y".into()]), ..no_header() };
    assert_eq!(read("1,2\n", &named).unwrap(), table(&["x", "y"], &[&["1", "2"]]));
    let e = read("1,2,3\n", &named).unwrap_err().to_string();
    assert_eq!(e, "error[3]: t.csv, line 1: 2 names are given for 3 columns");
    let e = read(b"1,2\n3,\xff\n".to_vec(), &named).unwrap_err().to_string();
    assert!(e.starts_with("error[3]: t.csv, line 2, column \"y\": not UTF-8\n"), "{e}");
}

#[test]
fn rows_know_their_line_and_file() {
    let mut reader = open("\u{feff}a,b\r\n\r\n1,\"x\r\ny\"\r\n\r\n3,4", &ReadOptions::default()).unwrap();
    let row = reader.next_row().unwrap().unwrap();
    assert_eq!((row.line(), row.file(), row.len(), row.get(1)), (3, "t.csv", 2, "x\r\ny"));
    assert_eq!(reader.next_row().unwrap().unwrap().line(), 6);
    assert!(reader.next_row().unwrap().is_none());
    assert!(reader.next_row().unwrap().is_none());
}

#[test]
fn an_error_stays() {
    let mut reader = open("a,b\n1,2\n3\n4,5\n", &ReadOptions::default()).unwrap();
    assert!(reader.next_row().unwrap().is_some());
    let first = reader.next_row().err().unwrap();
    assert_eq!(reader.next_row().err(), Some(first));
}

#[test]
fn a_hundred_thousand_columns() {
    let header: Vec<String> = (0..100_000u64).map(|i| format!("c{i}")).collect();
    let row = vec!["1.5"; 100_000].join(",");
    let (columns, rows) = ok(format!("{}\n{row}\n{row}\n", header.join(",")));
    assert_eq!((columns.len(), rows.len(), rows[1].len()), (100_000, 2, 100_000));
}

/// Quotes `field`, if it must be or `always`.
fn written(field: &str, delimiter: char, always: bool) -> String {
    let needs = field.is_empty()
        || field.trim_matches([' ', '\t']) != field
        || field.contains(['"', '\n', '\r', delimiter]);
    if always || needs { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.into() }
}

proptest! {
    #[test]
    fn any_table_reads_back(
        rows in (1usize..5).prop_flat_map(|width| {
            prop::collection::vec(prop::collection::vec("([a-c ,;|\t\"\r\n]|é|1){0,6}", width), 0..8)
        }),
        delimiter in prop::sample::select(vec![',', ';', '\t', '|', ' ', '~']),
        choices in prop::collection::vec((any::<bool>(), 0usize..3, 0usize..3), 1..50),
        last in any::<bool>(),
    ) {
        let width = rows.first().map_or(2, Vec::len);
        let names: Vec<String> = (0..width).map(|i| format!("name {i}")).collect();
        let mut choices = choices.iter().cycle();
        let blank = if delimiter == ' ' { "\t" } else { " " };
        let mut text = String::new();
        for row in std::iter::once(&names).chain(&rows) {
            for (i, field) in row.iter().enumerate() {
                let &(always, before, after) = choices.next().unwrap();
                text.extend((i > 0).then_some(delimiter));
                text += &(blank.repeat(before) + &written(field, delimiter, always) + &blank.repeat(after));
            }
            let &(_, end, repeat) = choices.next().unwrap();
            // A blank line is nothing, except in a table of one column.
            let ends = if width > 1 { 1 + repeat / 2 } else { 1 };
            text += &["\n", "\r\n", "\r"][end].repeat(ends);
        }
        if last {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        let options = ReadOptions { delimiter: Some(delimiter as u8), ..ReadOptions::default() };
        let found = read(text.clone(), &options);
        // One column of text may hold another delimiter in every line: that is asked about, and rightly.
        if width > 1 || found.is_ok() {
            prop_assert_eq!(found.map_err(|e| e.to_string()), Ok((names, rows)), "{:?}", text);
        }
    }

    #[test]
    fn any_bytes_come_to_an_end(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"a1,;\" \r\n".to_vec())], 0..200),
        header in any::<bool>(),
        quoting in any::<bool>(),
    ) {
        let limit = bytes.len();
        let options = ReadOptions { header, quoting, ..skip(1.0) };
        if let Ok(mut reader) = open(bytes, &options) {
            let mut rows = 0;
            while let Ok(Some(row)) = reader.next_row() {
                prop_assert_eq!(row.iter().count(), row.len());
                rows += 1;
                prop_assert!(rows <= limit);
            }
        }
    }
}

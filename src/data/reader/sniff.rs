//! What the first bytes of a file tell: its format, its delimiter, whether it has a header.

use crate::data::source::line_place;
use crate::error::{Code, Error, quote};

/// How much of a file is looked at, at most.
pub(super) const SAMPLE: usize = 64 << 10;

/// How many lines decide on the delimiter, at most.
pub(super) const SAMPLE_LINES: usize = 10;

/// The delimiters that are looked for, and what messages call them. Of two that fit equally well the first wins.
const DELIMITERS: [(u8, &str); 4] = [(b'\t', "tab"), (b';', "';'"), (b',', "','"), (b'|', "'|'")];

/// First bytes of files that are no text, the phrase for it and the mend.
const FORMATS: &[(&[u8], &str)] = &[
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"FEA1", "a Feather file"),
    (b"ORC", "an ORC file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook or another Office file"),
    (b"%PDF-", "a PDF file"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x7fELF", "a program"),
];

/// Packings that are not taken off.
const PACKINGS: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "a gzip file within a compressed file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file within a compressed file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x04\x22\x4d\x18", "an lz4 file"),
    (b"Rar!\x1a\x07", "a RAR archive"),
];

/// What a file is that is no text.
pub(in crate::data) enum Foreign {
    /// An Excel workbook.
    Workbook,
    /// Something packed, which is to be unpacked.
    Packed(&'static str),
    /// Something else.
    Binary(&'static str),
}

impl Foreign {
    /// What `sample`, the first bytes of a file, begin; `None` if it may be a text, in whatever encoding.
    pub(in crate::data) fn of(sample: &[u8]) -> Option<Foreign> {
        if sample.starts_with(b"PK\x03\x04") {
            let holds = |part: &[u8]| sample.windows(part.len()).any(|w| w == part);
            let is_workbook = holds(b"xl/") || holds(b"[Content_Types].xml");
            return Some(if is_workbook { Foreign::Workbook } else { Foreign::Packed("a zip archive") });
        }
        let find =
            |list: &[(&[u8], &'static str)]| list.iter().find(|(m, _)| sample.starts_with(m)).map(|f| f.1);
        if let Some(name) = find(PACKINGS) {
            return Some(Foreign::Packed(name));
        }
        if let Some(name) = find(FORMATS) {
            return Some(Foreign::Binary(name));
        }
        if sample.get(257..262) == Some(b"ustar") {
            return Some(Foreign::Packed("a tar archive"));
        }
        (wide_encoding(sample).is_none() && is_binary(sample)).then_some(Foreign::Binary("a binary file"))
    }

    /// `a PNG image`
    pub(in crate::data) fn name(&self) -> &'static str {
        match self {
            Foreign::Workbook => "an Excel workbook",
            Foreign::Packed(name) | Foreign::Binary(name) => name,
        }
    }
}

/// What helps against something packed.
pub(in crate::data) const UNPACK: &str = "unpack it; .gz and .zst files are read as they are";

/// Whether these are no characters: a text has tabs and line ends, hardly any other control character; random bytes have 11 in
/// 100.
fn is_binary(sample: &[u8]) -> bool {
    let odd = sample.iter().filter(|&&b| is_control(b)).count();
    odd > 7 && odd * 20 > sample.len()
}

fn is_control(b: u8) -> bool {
    b < 9 || (14..32).contains(&b) && b != 27
}

/// An error if `sample`, the first bytes of `file`, are not those of a text file in UTF-8.
///
/// A single NUL byte or bad character is left to the reader, which knows its line.
pub(super) fn check_format(file: &str, sample: &[u8]) -> Result<(), Error> {
    let refuse = |what: String, help: &str| {
        Err(Error::data(file, what).expected("a text file: rows of fields between delimiters").help(help))
    };
    if let Some(foreign) = Foreign::of(sample) {
        let help = match foreign {
            Foreign::Workbook => "save the sheet as CSV UTF-8",
            Foreign::Packed(_) => UNPACK,
            Foreign::Binary(_) => "export the table as CSV",
        };
        return refuse(format!("this is {}", foreign.name()), help);
    }
    if let Some(name) = wide_encoding(sample) {
        let what = format!("this file is {name}, not UTF-8");
        let from = name.to_lowercase();
        return refuse(what, &format!("save it as UTF-8, or: iconv -f {from} -t utf-8 FILE > NEW"));
    }
    let start = String::from_utf8_lossy(&sample[..sample.len().min(64)]).trim_start().to_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return refuse("this is a web page".into(), "download the table itself");
    }
    Ok(())
}

/// The iconv name of the encoding, from its byte-order mark or from the zeros of its Latin characters: what is between the zeros
/// are characters then.
pub(in crate::data) fn wide_encoding(sample: &[u8]) -> Option<&'static str> {
    let zeros = |residue: usize, modulus: usize| {
        let all = sample.len() / modulus;
        let zeros = sample.iter().skip(residue).step_by(modulus).take(all).filter(|&&b| b == 0).count();
        // At least four characters; in a table the delimiters, digits and line ends alone are more than half.
        all >= 4 && zeros * 2 > all
    };
    let others: Vec<u8> = sample.iter().copied().filter(|&b| b != 0).collect();
    let are_characters = !is_binary(&others);
    match sample {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        _ if !are_characters => None,
        _ if zeros(1, 4) && zeros(2, 4) && zeros(3, 4) && !zeros(0, 4) => Some("UTF-32LE"),
        _ if zeros(0, 4) && zeros(1, 4) && zeros(2, 4) && !zeros(3, 4) => Some("UTF-32BE"),
        _ if zeros(1, 2) && !zeros(0, 2) => Some("UTF-16LE"),
        _ if zeros(0, 2) && !zeros(1, 2) => Some("UTF-16BE"),
        _ => None,
    }
}

/// How often each delimiter stands outside quotes in each of the first lines.
pub(super) struct Lines(Vec<[usize; DELIMITERS.len()]>);

impl Lines {
    /// Counts in `sample`; a last line that is cut off counts only if it is the only one.
    pub(super) fn count(sample: &[u8], whole: bool, quoting: bool) -> Self {
        let mut lines = Vec::new();
        let mut counts = [0; DELIMITERS.len()];
        let (mut quoted, mut field_start, mut blank) = (false, true, true);
        for &b in sample {
            if quoted {
                // A doubled quote closes and opens again.
                quoted = b != b'"';
                continue;
            }
            match b {
                b'\n' | b'\r' => {
                    if !blank {
                        lines.push(counts);
                    }
                    if lines.len() == SAMPLE_LINES {
                        return Lines(lines);
                    }
                    counts = [0; DELIMITERS.len()];
                    (field_start, blank) = (true, true);
                    continue;
                }
                b'"' if quoting && field_start => quoted = true,
                b' ' => continue,
                _ => match DELIMITERS.iter().position(|d| d.0 == b) {
                    Some(i) => {
                        counts[i] += 1;
                        (field_start, blank) = (true, false);
                        continue;
                    }
                    None => field_start = false,
                },
            }
            blank = false;
        }
        if !blank && (whole || lines.is_empty()) {
            lines.push(counts);
        }
        Lines(lines)
    }

    /// The delimiter of the table, if there is more than one column.
    ///
    /// The one that stands equally often in every line; a tab or `;` goes before a `,`, which may be a decimal point.
    /// If there is none, the one whose number in the first line fits the most lines.
    pub(super) fn delimiter(&self) -> Option<u8> {
        let first = self.0.first()?;
        let rank = |i: usize| {
            let fits = self.0.iter().filter(|l| l[i] == first[i]).count();
            let even = fits == self.0.len();
            (even, even && fits > 1 && matches!(DELIMITERS[i].0, b'\t' | b';'), fits, first[i])
        };
        let found = (0..DELIMITERS.len()).rev().filter(|&i| first[i] > 0).max_by_key(|&i| rank(i));
        found.map(|i| DELIMITERS[i].0)
    }

    /// The name of a delimiter that stands in every line, apart from `chosen`.
    pub(super) fn other_delimiter(&self, chosen: u8) -> Option<&'static str> {
        let everywhere = |i: usize| self.0.iter().all(|line| line[i] > 0);
        let found = (0..DELIMITERS.len()).find(|&i| DELIMITERS[i].0 != chosen && everywhere(i))?;
        (!self.0.is_empty()).then_some(DELIMITERS[found].1)
    }
}

/// Whether a reader would take this text for a number.
fn is_number(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit()) && text.parse::<f64>().is_ok()
}

/// Whether the header is likely to be the first row of the data: a fourth of it or more are numbers, and these do
/// not count up by ones, as years or pixels do.
pub(super) fn looks_like_data<'a>(header: impl Iterator<Item = &'a str>) -> bool {
    let mut all = 0;
    let numbers: Vec<f64> =
        header.inspect(|_| all += 1).filter(|f| is_number(f)).flat_map(str::parse).collect();
    let counting = numbers.len() > 1 && numbers.windows(2).all(|w| w[1] - w[0] == 1.0);
    !numbers.is_empty() && numbers.len() * 4 >= all && !counting
}

/// An error if `names` cannot be a header: only numbers, a name twice, or none. At most ten problems are listed.
pub(super) fn check_header(file: &str, line: u64, names: &[&str]) -> Result<(), Error> {
    const LISTED: usize = 10;
    const NO_HEADER: &str = "if this row is data, set header = false (--set data.header=false)";
    let place = line_place(file, line);
    if names.iter().all(|name| is_number(name)) {
        return Err(Error::data(place, "the header consists of numbers only")
            .expected("names of columns")
            .found(quote(&names[..names.len().min(40)].join(",")))
            .help(NO_HEADER));
    }
    let mut problems = Vec::new();
    for i in (0..names.len()).filter(|&i| names[i].is_empty()).take(LISTED) {
        let error = Error::data(&*place, format!("column {} has no name", i + 1));
        problems
            .extend(error.help("name it, or leave it out: pandas writes it without index=False").problems);
    }
    let mut sorted: Vec<usize> = (0..names.len()).filter(|&i| !names[i].is_empty()).collect();
    sorted.sort_by_key(|&i| (names[i], i));
    let mut twice: Vec<&[usize]> =
        sorted.chunk_by(|&a, &b| names[a] == names[b]).filter(|c| c.len() > 1).collect();
    twice.sort_by_key(|c| c[0]);
    for same in twice.into_iter().take(LISTED - problems.len().min(LISTED)) {
        let what = format!("two columns are named {}", quote(names[same[0]]));
        let found = format!("columns {} and {}", same[0] + 1, same[1] + 1);
        problems.extend(Error::data(&*place, what).found(found).help("rename one of them").problems);
    }
    if let Some(last) = problems.last_mut() {
        if looks_like_data(names.iter().copied()) {
            last.help = Some(NO_HEADER.into());
        }
        return Err(Error::all(Code::Data, problems));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delimiter(text: &str) -> Option<u8> {
        Lines::count(text.as_bytes(), true, true).delimiter()
    }

    #[test]
    fn the_delimiter_is_the_one_of_every_line() {
        assert_eq!(delimiter("a,b\n1,2\n"), Some(b','));
        assert_eq!(delimiter("a;b\n1,5;2,5\n"), Some(b';'));
        assert_eq!(delimiter("1,5;2,5;3,5\n1,5;2,5;3,5\n"), Some(b';'));
        assert_eq!(delimiter("a\tb,c\n1\t2\n"), Some(b'\t'));
        assert_eq!(delimiter("a|b|c\nSmith, J|1|2\n"), Some(b'|'));
        assert_eq!(delimiter("name,note\n\"x;y\",\"a;b\"\n"), Some(b','));
        assert_eq!(delimiter("\"a;1\", \"b;\"\"2\"\n3,4"), Some(b','));
        assert_eq!(delimiter("a,b;c,d\n"), Some(b','));
        assert_eq!(delimiter("a,b,c\n1,2\n3,4,5\n"), Some(b','));
        assert_eq!(delimiter("a\nb\n"), None);
        assert_eq!(delimiter("\n\n"), None);
    }

    #[test]
    fn a_first_row_of_data_is_told_from_names() {
        let looks = |header: &str| looks_like_data(header.split(','));
        assert!(looks("5.1,3.5,1.4,0.2,Iris-setosa"));
        assert!(looks("39,State-gov,77516,Bachelors,13,Never-married,x,x,x,Male,2174,0,40,x,<=50K"));
        assert!(!looks("sepal_length,x2,inf,nan"));
        assert!(!looks("country,1990,1991,1992"));
        assert!(!looks("label,0,1,2,3"));
    }

    #[test]
    fn utf_16_is_known_without_a_mark() {
        let utf_16: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(wide_encoding(&utf_16), Some("UTF-16LE"));
        let utf_16: Vec<u8> = "名,b\n1,2\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(wide_encoding(&utf_16), Some("UTF-16BE"));
        let utf_32: Vec<u8> = "a,b\n1,2\n".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        assert_eq!(wide_encoding(&utf_32), Some("UTF-32LE"));
        assert_eq!(wide_encoding(b"a,\0b\n1,2,\0,4,5"), None);
        assert_eq!(wide_encoding(&[0; 64]), None);
        // small whole numbers of 32 bits
        let numbers: Vec<u8> = (1..30_u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(wide_encoding(&numbers), None);
        assert_eq!(Foreign::of(&numbers).map(|f| f.name()), Some("a binary file"));
        assert!(Foreign::of(&utf_16).is_none() && Foreign::of(&utf_32).is_none());
    }
}

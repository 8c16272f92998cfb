//! Long texts for language models: read piece by piece, divided into parts, and turned into [`Tokens`].

use std::collections::BTreeSet;
use std::io::{self, Seek as _};

use super::source::{Input, Opened, Source, unwrap_error};
use super::tokenizer::{Tokenizer, TokenizerKind, TokenizerSpec};
use super::tokens::{NewSpill, Tokens, TokensBuilder};
use super::utf8::{Utf8, check_format};
use crate::error::{Error, Result};
use crate::tensor::Key;

/// How a text is divided and tokenised.
#[derive(Clone, Debug)]
pub struct CorpusOptions {
    /// How text becomes ids, where `known` is none.
    pub tokenizer: TokenizerSpec,
    /// A tokenizer that is there already: none is trained.
    pub known: Option<Tokenizer>,
    /// What helps against a character that the tokenizer does not know.
    pub help: &'static str,
    /// Whether each line is a document of its own, which belongs to one part as a whole.
    pub lines: bool,
    /// The share of the text that validates.
    pub validation: f64,
    /// The share that is scored at the end.
    pub test: f64,
    /// Decides which documents go where.
    pub seed: u64,
    /// Where tokens go that do not fit into memory.
    pub spill: NewSpill,
}

/// A text as ids, in its parts.
#[derive(Debug)]
pub struct Corpus {
    /// What made the ids.
    pub tokenizer: Tokenizer,
    /// The part that trains.
    pub train: Tokens,
    /// The part that validates; empty where its share is 0.
    pub validation: Tokens,
    /// The part that is scored at the end; empty where its share is 0.
    pub test: Tokens,
    /// Characters of the whole text.
    pub characters: u64,
    /// Carriage returns that the tokens hold; none where each line is a document, whose line end is one line feed.
    pub carriage_returns: u64,
}

/// What a text holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextFacts {
    /// All of its characters.
    pub characters: u64,
    /// Different ones among them; 0 where nobody counted them.
    pub distinct: usize,
    /// Carriage returns among them: of the line ends that Windows writes.
    pub carriage_returns: u64,
}

impl TextFacts {
    /// Of all of `source`.
    ///
    /// # Errors
    /// Those of [`Corpus::read`] that are about the text alone.
    pub fn read(source: &Source) -> Result<TextFacts> {
        let text = Text::new(source)?;
        let mut distinct = BTreeSet::new();
        let facts = text.facts(|piece| distinct.extend(piece.chars()))?;
        Ok(TextFacts { distinct: distinct.len(), ..facts })
    }
}

/// A part of a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Train,
    Validation,
    Test,
}

impl Corpus {
    /// Reads `source`, trains the tokenizer and gives the ids of each part.
    ///
    /// Characters are taken from the whole text, so that every part has ids; words and byte pairs are learned from the training
    /// part alone.
    ///
    /// # Errors
    /// [`Code::Data`](crate::error::Code::Data) for an empty text and for bytes that are not UTF-8; those of opening files, of the
    /// tokenizer and of writing temporary files.
    pub fn read(source: &Source, options: &CorpusOptions) -> Result<Corpus> {
        let text = Text::new(source)?;
        let totals = text.facts(|_| ())?;
        let tokenizer = match &options.known {
            Some(known) => known.clone(),
            None => text.trained(&totals, options)?,
        };
        let new = || TokensBuilder::of(&tokenizer, options.spill);
        let (mut train, mut validation, mut test) = (new(), new(), new());
        let name = text.name();
        let mut encoder = Encoder::new(&tokenizer, &name, options.help);
        // Where the documents of each part end.
        let mut ends: [Vec<usize>; 3] = Default::default();
        text.divided(&totals, options, |part, piece| {
            let tokens = match part {
                Part::Train => &mut train,
                Part::Validation => &mut validation,
                Part::Test => &mut test,
            };
            encoder.add(piece, tokens)?;
            if options.lines {
                ends[part as usize].push(tokens.len());
            }
            Ok(())
        })?;
        let mut part = |tokens: TokensBuilder, part: Part| -> Result<Tokens> {
            let tokens = tokens.finish()?;
            let ends = std::mem::take(&mut ends[part as usize]);
            if options.lines { shuffled(&tokens, &ends, options.seed, new()) } else { Ok(tokens) }
        };
        Ok(Corpus {
            train: part(train, Part::Train)?,
            validation: part(validation, Part::Validation)?,
            test: part(test, Part::Test)?,
            tokenizer,
            characters: totals.characters,
            carriage_returns: if options.lines { 0 } else { totals.carriage_returns },
        })
    }

    /// The ids of all of `source`, by a tokenizer that is there already; `help` is what helps against a character that it does not
    /// know.
    ///
    /// # Errors
    /// As [`Corpus::read`]; [`Code::Data`](crate::error::Code::Data) for a character that the tokenizer does not know.
    pub fn tokens(
        source: &Source,
        tokenizer: &Tokenizer,
        lines: bool,
        spill: NewSpill,
        help: &str,
    ) -> Result<Tokens> {
        let text = Text::new(source)?;
        let mut tokens = TokensBuilder::of(tokenizer, spill);
        let name = text.name();
        let mut encoder = Encoder::new(tokenizer, &name, help);
        let mut each = |piece: &str| encoder.add(piece, &mut tokens);
        if lines {
            text.lines(|_, line| each(line))?
        } else {
            text.pieces(&mut each)?
        }
        let tokens = tokens.finish()?;
        if tokens.is_empty() {
            return Err(Error::data(text.name(), "the text is empty").expected("one character at least"));
        }
        Ok(tokens)
    }
}

/// The documents of `tokens` in an order of chance: in a sorted list a document would say too much of the next one.
fn shuffled(tokens: &Tokens, ends: &[usize], seed: u64, mut out: TokensBuilder) -> Result<Tokens> {
    let mut order: Vec<u32> = (0..ends.len() as u32).collect();
    Key::new(seed).named("documents").stream().shuffle(&mut order);
    let (mut ids, mut characters) = (Vec::new(), Vec::new());
    for document in order {
        let document = document as usize;
        let start = document.checked_sub(1).map_or(0, |before| ends[before]);
        ids.clear();
        ids.extend((start..ends[document]).map(|at| tokens.get(at)));
        characters.clear();
        characters.extend((start..ends[document]).filter_map(|at| tokens.characters(at)));
        out.extend_counted(&ids, &characters)?;
    }
    out.finish()
}

/// Turns the pieces of a text into ids.
struct Encoder<'a> {
    tokenizer: &'a Tokenizer,
    /// What messages call the text, and what helps against a character that the tokenizer does not know.
    name: &'a str,
    help: &'a str,
    ids: Vec<u32>,
    characters: Vec<u32>,
    /// Characters of pieces that had no id: they count with the next one.
    left: u32,
}

impl<'a> Encoder<'a> {
    fn new(tokenizer: &'a Tokenizer, name: &'a str, help: &'a str) -> Self {
        Encoder { tokenizer, name, help, ids: Vec::new(), characters: Vec::new(), left: 0 }
    }

    /// Puts the ids of a piece at the end of `tokens`.
    fn add(&mut self, piece: &str, tokens: &mut TokensBuilder) -> Result<()> {
        self.ids.clear();
        self.characters.clear();
        self.tokenizer.encode_counted(piece, &mut self.ids, &mut self.characters).map_err(|unknown| {
            let shown = crate::error::quote(&unknown.character.to_string());
            let code = u32::from(unknown.character);
            Error::data(self.name, format!("the character {shown} (U+{code:04X}) is not in the vocabulary"))
                .expected("characters of the training text")
                .help(format!("take the character out, or {}", self.help))
        })?;
        match self.characters.first_mut() {
            Some(first) => *first += std::mem::take(&mut self.left),
            None => self.left += piece.chars().count() as u32,
        }
        tokens.extend_counted(&self.ids, &self.characters)
    }
}

/// Texts that can be read several times.
struct Text {
    inputs: Vec<Input>,
    /// What standard input held.
    spooled: Option<std::fs::File>,
}

impl Text {
    fn new(source: &Source) -> Result<Text> {
        source.check()?;
        let mut text = Text { inputs: source.inputs().to_vec(), spooled: None };
        if !source.is_rereadable() {
            let failed = |e: io::Error| {
                Error::environment("the temporary directory", format!("standard input cannot be kept: {e}"))
            };
            let mut file = tempfile::tempfile().map_err(failed)?;
            let mut opened = Input::StandardInput.open()?;
            io::copy(&mut opened.bytes, &mut file).map_err(|e| unwrap_error(&opened.name, e))?;
            text.spooled = Some(file);
        }
        Ok(text)
    }

    /// What messages call it.
    fn name(&self) -> String {
        self.inputs.first().map(Input::name).unwrap_or_default()
    }

    /// What all texts hold together, apart from the different characters; `each` sees every piece.
    fn facts(&self, mut each: impl FnMut(&str)) -> Result<TextFacts> {
        let mut facts = TextFacts::default();
        self.pieces(|piece| {
            facts.characters += piece.chars().count() as u64;
            facts.carriage_returns += piece.bytes().filter(|&b| b == b'\r').count() as u64;
            each(piece);
            Ok(())
        })?;
        if facts.characters == 0 {
            return Err(Error::data(self.name(), "the text is empty").expected("one character at least"));
        }
        Ok(facts)
    }

    /// A tokenizer that is trained on this text, or the file that the options name.
    fn trained(&self, totals: &TextFacts, options: &CorpusOptions) -> Result<Tokenizer> {
        let everywhere = options.tokenizer.kind == TokenizerKind::Char;
        let mut pieces: Vec<String> = Vec::new();
        let needs_text = !matches!(options.tokenizer.kind, TokenizerKind::Byte | TokenizerKind::File(_));
        if needs_text {
            self.divided(totals, options, |part, piece| {
                if everywhere {
                    // Each character once: a long text has few of them.
                    let distinct: BTreeSet<char> = piece.chars().collect();
                    pieces.push(distinct.into_iter().collect());
                } else if part == Part::Train {
                    pieces.push(piece.to_owned());
                }
                Ok(())
            })?;
        }
        Tokenizer::train(&options.tokenizer, pieces.iter().map(String::as_str))
    }

    fn open(&self, input: &Input) -> Result<Opened> {
        match (&self.spooled, input) {
            (Some(file), Input::StandardInput) => {
                let again = file.try_clone().and_then(|mut file| file.rewind().map(|()| file));
                let again =
                    again.map_err(|e| Error::environment(input.name(), format!("cannot be read: {e}")))?;
                Opened::new(input.name(), again)
            }
            _ => input.open(),
        }
    }

    /// Gives all texts piece by piece, one file after the other with nothing between them; a piece ends behind a line where it can,
    /// and never inside a character.
    fn pieces(&self, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
        self.inputs.iter().try_for_each(|input| self.pieces_of(input, &mut each))
    }

    fn pieces_of(&self, input: &Input, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let mut opened = self.open(input)?;
        let head = opened.peek(1024)?;
        check_format(&opened.name, &head)?;
        let mut reader = Utf8::new(opened);
        while let Some(piece) = reader.next()? {
            each(piece)?;
        }
        Ok(())
    }

    /// Gives all lines with their numbers, each with one line feed at its end; empty ones are left out. The end of a file ends a
    /// line.
    fn lines(&self, mut each: impl FnMut(u64, &str) -> Result<()>) -> Result<()> {
        let mut line = String::new();
        let mut number = 0;
        let mut give = |line: &mut String| {
            let end = line.trim_end_matches(['\r', '\n']).len();
            line.truncate(end);
            if line.is_empty() {
                return Ok(());
            }
            line.push('\n');
            let done = each(number, line);
            number += 1;
            line.clear();
            done
        };
        for input in &self.inputs {
            self.pieces_of(input, |piece| {
                for part in piece.split_inclusive('\n') {
                    line.push_str(part);
                    if part.ends_with('\n') {
                        give(&mut line)?;
                    }
                }
                Ok(())
            })?;
            give(&mut line)?;
        }
        Ok(())
    }

    /// Gives all pieces with the part that they belong to: by their place in the text, or by chance for each line.
    fn divided(
        &self,
        totals: &TextFacts,
        options: &CorpusOptions,
        mut each: impl FnMut(Part, &str) -> Result<()>,
    ) -> Result<()> {
        let (validation, test) = (options.validation, options.test);
        if options.lines {
            let key = Key::new(options.seed).named("split");
            return self.lines(|number, line| {
                let place = key.uniform(number);
                let part = if place < test {
                    Part::Test
                } else if place < test + validation {
                    Part::Validation
                } else {
                    Part::Train
                };
                each(part, line)
            });
        }
        // The last characters are held out: what comes later in a text is foreseen from what came before.
        let end = |share: f64| (totals.characters as f64 * (1.0 - share)).round() as u64;
        let ends =
            [(Part::Train, end(validation + test)), (Part::Validation, end(test)), (Part::Test, u64::MAX)];
        let mut seen = 0;
        self.pieces(|piece| {
            let mut rest = piece;
            for &(part, end) in &ends {
                let room = end.saturating_sub(seen) as usize;
                if rest.is_empty() || room == 0 {
                    continue;
                }
                let cut = rest.char_indices().nth(room).map_or(rest.len(), |(at, _)| at);
                let (own, behind) = rest.split_at(cut);
                seen += own.chars().count() as u64;
                each(part, own)?;
                rest = behind;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::utf8::PIECE;

    fn read(text: &[u8], options: &CorpusOptions) -> Result<Corpus> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text.txt");
        std::fs::write(&path, text).unwrap();
        Corpus::read(&Source::file(&path), options).map_err(|e| {
            let told = e.to_string().replace(&*dir.path().to_string_lossy(), "DIR");
            Error::data("", told)
        })
    }

    fn options(name: &str, lines: bool, validation: f64, test: f64) -> CorpusOptions {
        CorpusOptions {
            tokenizer: TokenizerSpec {
                kind: TokenizerKind::from_name(name).unwrap(),
                vocabulary_size: None,
                lowercase: false,
                unknown: false,
                line_breaks: false,
            },
            known: None,
            help: "give up",
            lines,
            validation,
            test,
            seed: 3,
            spill: || Err(io::Error::other("no spill")),
        }
    }

    fn text(corpus: &Corpus, tokens: &Tokens) -> String {
        let mut decoder = corpus.tokenizer.decoder();
        let mut text = String::new();
        (0..tokens.len()).for_each(|at| decoder.push(tokens.get(at), &mut text));
        decoder.finish(&mut text);
        text
    }

    #[test]
    fn a_text_is_divided_by_place_and_loses_nothing() {
        let whole = "Die Zügel ö🙂 lang.\n".repeat(100);
        for name in ["byte", "char", "bpe"] {
            let corpus = read(whole.as_bytes(), &options(name, false, 0.1, 0.2)).unwrap();
            let parts = [&corpus.train, &corpus.validation, &corpus.test].map(|part| text(&corpus, part));
            assert_eq!(parts.concat(), whole, "{name}");
            let count = |part: &String| part.chars().count();
            assert_eq!([count(&parts[0]), count(&parts[1]), count(&parts[2])], [1330, 190, 380], "{name}");
            assert_eq!(corpus.characters, 1900);
        }
    }

    #[test]
    fn pieces_end_behind_lines_or_at_least_behind_characters() {
        let long = "ö".repeat(PIECE);
        let whole = format!("\u{feff}{long}\nabc\r\n{long}");
        let corpus = read(whole.as_bytes(), &options("char", false, 0.0, 0.0)).unwrap();
        assert!(text(&corpus, &corpus.train) == whole[3..]);
        assert_eq!(corpus.carriage_returns, 1);
        assert_eq!(corpus.tokenizer.vocabulary(), 6);
        assert!(corpus.validation.is_empty() && corpus.test.is_empty());
    }

    #[test]
    fn lines_are_divided_by_chance_and_stay_whole() {
        let whole: String = (0..1000).map(|i| format!("name {i}\r\n\n")).collect();
        let corpus = read(whole.as_bytes(), &options("char", true, 0.1, 0.0)).unwrap();
        let (train, held) = (text(&corpus, &corpus.train), text(&corpus, &corpus.validation));
        let count = held.lines().count();
        assert!((70..130).contains(&count) && train.lines().count() + count == 1000, "{count}");
        assert!(train.lines().chain(held.lines()).all(|line| line.starts_with("name ")));
        let mut sorted: Vec<&str> = train.lines().chain(held.lines()).collect();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 1000);
        let number = |line: &str| line[5..].parse::<u32>().unwrap();
        let lines: Vec<u32> = train.lines().map(number).collect();
        let rising = lines.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((lines.len() * 2 / 5..lines.len() * 3 / 5).contains(&rising), "{rising}");
        let again = read(whole.as_bytes(), &options("char", true, 0.1, 0.0)).unwrap();
        assert_eq!(held, text(&again, &again.validation));
        assert_eq!(again.carriage_returns, 0, "a line ends with one line feed");
        let other = CorpusOptions { seed: 4, ..options("char", true, 0.1, 0.0) };
        let other = read(whole.as_bytes(), &other).unwrap();
        assert_ne!(held, text(&other, &other.validation));
    }

    #[test]
    fn the_end_of_a_file_ends_a_line_and_joins_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).unwrap();
            dir.path().join(name).display().to_string()
        };
        let files = [path("a.txt", "ab\ncd"), path("b.txt", "ef\r\n"), path("c.txt", "gh")];
        let source = Source::parse(&files, dir.path()).unwrap();
        let lines = Corpus::read(&source, &options("char", true, 0.0, 0.0)).unwrap();
        let all = text(&lines, &lines.train);
        let mut sorted: Vec<&str> = all.lines().collect();
        sorted.sort_unstable();
        assert_eq!((sorted, all.len()), (vec!["ab", "cd", "ef", "gh"], 12));
        let again = Corpus::tokens(&source, &lines.tokenizer, true, || Err(io::Error::other("no spill")), "");
        assert_eq!(text(&lines, &again.unwrap()), "ab\ncd\nef\ngh\n");
        let whole = Corpus::read(&source, &options("char", false, 0.0, 0.0)).unwrap();
        assert_eq!(text(&whole, &whole.train), "ab\ncdef\r\ngh");
    }

    #[test]
    fn texts_that_cannot_be_read_are_refused() {
        let message = |bytes: &[u8]| {
            let error = read(bytes, &options("char", false, 0.0, 0.0)).unwrap_err();
            error.problems[0].what.clone()
        };
        assert_eq!(
            message(b""),
            "error[3]: DIR/text.txt: the text is empty\n  expected: one character at least"
        );
        assert_eq!(
            message(b"ab\ncd\xffe"),
            "error[3]: DIR/text.txt, line 2: not UTF-8\n  found: byte 0xFF at offset 5\n  \
             help: iconv -f LATIN1 -t UTF-8 makes it UTF-8, if it is Latin-1"
        );
        let foreign = |what: &str, help: &str| {
            format!("error[3]: DIR/text.txt: {what}\n  expected: a text in UTF-8\n  help: {help}")
        };
        let plain = "name a plain text; save a document as one first";
        let program = [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &[3, 0, 62, 0, 1, 0, 0, 0].repeat(9)].concat();
        assert_eq!(message(&program), foreign("this is a program, not a text", plain));
        let image = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10";
        assert_eq!(message(image), foreign("this is a PNG image, not a text", plain));
        let numbers: Vec<u8> = (1..30_u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(message(&numbers), foreign("this is a binary file, not a text", plain));
        let unpack = "unpack it; .gz and .zst files are read as they are";
        assert_eq!(message(b"BZh91AY&SY"), foreign("this is a bzip2 file, not a text", unpack));
        let wide: Vec<u8> = "\u{feff}ab cd".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let iconv = "save it as UTF-8, or: iconv -f utf-16 -t utf-8 FILE > NEW";
        assert_eq!(message(&wide), foreign("this file is UTF-16, not UTF-8", iconv));
        assert_eq!(
            message(&[&b"ab".repeat(1000)[..], b"\0\xff"].concat()),
            "error[3]: DIR/text.txt, line 1: not UTF-8\n  found: byte 0xFF at offset 2001\n  \
             help: it is a binary file, as its NUL bytes say: name a plain text"
        );
        assert!(
            message(
                "ab".repeat(PIECE)
                    .as_bytes()
                    .iter()
                    .chain(b"\xe2\x82")
                    .copied()
                    .collect::<Vec<_>>()
                    .as_slice()
            )
            .contains("line 1: not UTF-8\n  found: byte 0xE2 at offset 2097152")
        );
    }

    #[test]
    fn a_tokenizer_that_is_there_reads_other_texts() {
        let corpus = read(b"abc\n", &options("char", false, 0.0, 0.0)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.txt");
        let tokens = |text: &str, lines: bool| {
            std::fs::write(&path, text).unwrap();
            let spill = || Err(io::Error::other(""));
            Corpus::tokens(&Source::file(&path), &corpus.tokenizer, lines, spill, "give up")
        };
        let ids = |tokens: Tokens| (0..tokens.len()).map(|at| tokens.get(at)).collect::<Vec<_>>();
        assert_eq!(ids(tokens("cab", false).unwrap()), [3, 1, 2]);
        assert_eq!(ids(tokens("\nc\n\nb", true).unwrap()), [3, 0, 2, 0]);
        let error = tokens("abz", false).unwrap_err().to_string();
        assert!(error.contains("b.txt: the character \"z\" (U+007A) is not in the vocabulary"), "{error}");
        assert!(tokens("", false).unwrap_err().to_string().contains("the text is empty"));
    }
}

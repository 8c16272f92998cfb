//! Ids of a long text in a row: two bytes each, or four for a large vocabulary, in memory or in a mapped file.

use std::fmt;
use std::io::{self, Write};

use super::tokenizer::Tokenizer;
use crate::error::{Error, Result};

/// Bytes that somebody else holds.
pub type Bytes = Box<dyn AsRef<[u8]> + Send + Sync>;

/// A place for bytes that takes no memory of its own.
pub trait Spill: Write {
    /// What was written.
    ///
    /// # Errors
    /// Those of bringing it back.
    fn finish(self: Box<Self>) -> io::Result<Bytes>;
}

/// Makes a [`Spill`].
pub type NewSpill = fn() -> io::Result<Box<dyn Spill>>;

/// Bytes beyond which tokens leave the memory for a file.
const IN_MEMORY: usize = 64 << 20;

/// The ids of a text.
pub struct Tokens {
    bytes: Bytes,
    wide: bool,
    len: usize,
    /// How many characters each id stands for, where the id alone does not tell.
    characters: Option<Box<Tokens>>,
    /// Whether the text has something that the ids do not give back.
    lost: bool,
}

impl Tokens {
    /// The same, of a text of which something is `lost` that they do not give back.
    pub(super) fn with_loss(self, lost: bool) -> Self {
        Tokens { lost, ..self }
    }

    /// Whether the text has something that its ids do not give back, such as the number of blanks between two words.
    pub fn lose_text(&self) -> bool {
        self.lost
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The id at a place.
    ///
    /// # Panics
    /// Behind the end.
    #[inline]
    pub fn get(&self, at: usize) -> u32 {
        let bytes = (*self.bytes).as_ref();
        if self.wide {
            let at = 4 * at;
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        } else {
            u32::from(u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]))
        }
    }

    /// How many characters of the text the id at a place stands for; none where the id alone tells.
    ///
    /// # Panics
    /// Behind the end.
    pub fn characters(&self, at: usize) -> Option<u32> {
        self.characters.as_ref().map(|characters| characters.get(at))
    }

    /// The ids from `start` on as whole numbers, 0 behind the end.
    pub fn fill(&self, start: usize, out: &mut [f32]) {
        let there = self.len.saturating_sub(start).min(out.len());
        for (i, out) in out[..there].iter_mut().enumerate() {
            *out = self.get(start + i) as f32;
        }
        out[there..].fill(0.0);
    }

    /// Bytes that they take, in memory or in a file.
    pub fn bytes(&self) -> usize {
        (*self.bytes).as_ref().len() + self.characters.as_ref().map_or(0, |characters| characters.bytes())
    }

    /// A number that almost surely differs where any id does (FNV-1a over the ids), going on from `hash`.
    pub fn checksum(&self, hash: u64) -> u64 {
        (0..self.len).fold(hash, |hash, at| (hash ^ u64::from(self.get(at))).wrapping_mul(0x0100_0000_01b3))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Gathers [`Tokens`].
pub(super) struct TokensBuilder {
    bytes: Vec<u8>,
    /// Where the bytes go that have no place in memory any more.
    spill: Option<Box<dyn Spill>>,
    new_spill: NewSpill,
    wide: bool,
    len: usize,
    limit: usize,
    characters: Option<Box<TokensBuilder>>,
}

impl TokensBuilder {
    /// For ids below `vocabulary`.
    pub(super) fn new(vocabulary: usize, new_spill: NewSpill) -> Self {
        let wide = vocabulary > 1 << 16;
        let (bytes, spill, limit) = (Vec::new(), None, IN_MEMORY);
        TokensBuilder { bytes, spill, new_spill, wide, len: 0, limit, characters: None }
    }

    /// For the ids of `tokenizer`, with their numbers of characters where the ids alone do not tell.
    pub(super) fn of(tokenizer: &Tokenizer, new_spill: NewSpill) -> Self {
        let characters = || Box::new(TokensBuilder::new(usize::MAX, new_spill));
        let characters = (!tokenizer.spells_text()).then(characters);
        TokensBuilder { characters, ..TokensBuilder::new(tokenizer.vocabulary(), new_spill) }
    }

    /// How many there are so far.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts ids at the end, and how many characters each stands for, where that is kept.
    ///
    /// # Errors
    /// Those of [`TokensBuilder::extend`].
    pub(super) fn extend_counted(&mut self, ids: &[u32], characters: &[u32]) -> Result<()> {
        if let Some(kept) = &mut self.characters {
            kept.extend(characters)?;
        }
        self.extend(ids)
    }

    /// Puts ids at the end.
    ///
    /// # Errors
    /// [`Code::Environment`](crate::error::Code::Environment) where a temporary file cannot be written.
    pub(super) fn extend(&mut self, ids: &[u32]) -> Result<()> {
        for &id in ids {
            if self.wide {
                self.bytes.extend_from_slice(&id.to_le_bytes());
            } else {
                self.bytes.extend_from_slice(&(id as u16).to_le_bytes());
            }
        }
        self.len += ids.len();
        if self.bytes.len() >= self.limit {
            self.spill().map_err(|e| no_room(&e))?;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        let spill = match &mut self.spill {
            Some(spill) => spill,
            None => self.spill.insert((self.new_spill)()?),
        };
        spill.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }

    /// The tokens.
    ///
    /// # Errors
    /// [`Code::Environment`](crate::error::Code::Environment) where a temporary file cannot be written or read.
    pub(super) fn finish(mut self) -> Result<Tokens> {
        if self.spill.is_some() {
            self.spill().map_err(|e| no_room(&e))?;
        }
        let bytes: Bytes = match self.spill.take() {
            Some(spill) => spill.finish().map_err(|e| no_room(&e))?,
            None => {
                self.bytes.shrink_to_fit();
                Box::new(self.bytes)
            }
        };
        let characters = self.characters.map(|kept| kept.finish().map(Box::new)).transpose()?;
        Ok(Tokens { bytes, wide: self.wide, len: self.len, characters, lost: false })
    }
}

fn no_room(e: &io::Error) -> Error {
    Error::environment("the temporary directory", format!("a file of tokens cannot be written: {e}"))
        .help("free some space there, or set TMPDIR to another directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A spill in memory that says that it was used.
    struct Kept(Vec<u8>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Spill for Kept {
        fn finish(self: Box<Self>) -> io::Result<Bytes> {
            Ok(Box::new(self.0))
        }
    }

    fn tokens(vocabulary: usize, ids: &[u32], limit: usize) -> Tokens {
        let builder = TokensBuilder::new(vocabulary, || Ok(Box::new(Kept(Vec::new()))));
        let mut builder = TokensBuilder { limit, ..builder };
        ids.chunks(3).for_each(|ids| builder.extend(ids).unwrap());
        builder.finish().unwrap()
    }

    #[test]
    fn ids_are_the_same_in_memory_and_in_a_file_and_take_two_or_four_bytes() {
        let ids: Vec<u32> = (0..1000).map(|i| i * 65).collect();
        for (vocabulary, width) in [(65_000, 2), (65_536, 2), (65_537, 4)] {
            for limit in [usize::MAX, 100] {
                let tokens = tokens(vocabulary, &ids, limit);
                assert_eq!((tokens.len(), tokens.bytes()), (1000, 1000 * width));
                assert!((0..1000).all(|i| tokens.get(i) == ids[i]));
            }
        }
    }

    #[test]
    fn zeros_are_behind_the_end() {
        let mut out = [9.0; 4];
        tokens(10, &[1, 2, 3], usize::MAX).fill(1, &mut out);
        assert_eq!(out, [2.0, 3.0, 0.0, 0.0]);
        tokens(10, &[1, 2, 3], usize::MAX).fill(7, &mut out);
        assert_eq!(out, [0.0; 4]);
    }

    #[test]
    fn a_temporary_file_that_cannot_be_made_is_an_error() {
        let broken = TokensBuilder::new(10, || Err(io::Error::other("no room")));
        let error = TokensBuilder { limit: 1, ..broken }.extend(&[1]).unwrap_err();
        assert!(error.to_string().contains("a file of tokens cannot be written: no room"), "{error}");
    }
}

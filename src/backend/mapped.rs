//! A file of numbers, mapped into memory: the system reads the pages that are looked at, and may forget them again.

#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};

use memmap2::Mmap;

/// The bytes of a temporary file that has no name.
#[derive(Debug)]
pub struct Mapped(Mmap);

/// Writes what will be [`Mapped`].
#[derive(Debug)]
pub struct MappedWriter(File);

impl MappedWriter {
    /// A new temporary file without a name: it is gone with its last use, however the process ends.
    ///
    /// # Errors
    /// Those of making it.
    pub fn new() -> io::Result<Self> {
        tempfile::tempfile().map(MappedWriter)
    }

    /// Maps what was written.
    ///
    /// # Errors
    /// Those of mapping it.
    pub fn finish(self) -> io::Result<Mapped> {
        // SAFETY: a mapping is sound as long as nobody changes the file under it. This one was made here without a name in any
        // directory, and its only handle ends with this function.
        unsafe { Mmap::map(&self.0) }.map(Mapped)
    }
}

impl Write for MappedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_there() {
        let mut writer = MappedWriter::new().unwrap();
        writer.write_all(&[7; 100_000]).unwrap();
        assert_eq!(writer.finish().unwrap().as_ref(), &[7; 100_000]);
        assert_eq!(MappedWriter::new().unwrap().finish().unwrap().as_ref(), [0; 0]);
    }
}

//! Named tensors in a safetensors file: exact bytes out, nothing unchecked in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use safetensors::Dtype;
use sha2::{Digest, Sha256};

use super::header::{self, Entry};
use super::sniff;
use crate::error::{Error, Result, quote};
use crate::tensor::Shape;

/// The longest header that is read, in bytes; the limit of the format's own readers.
pub const HEADER_LIMIT: u64 = 100_000_000;

/// The metadata key of the content hash.
pub(super) const HASH: &str = "backprop.sha256";

/// What stands in the hash's place while the file is hashed.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Bytes that are encoded, hashed and written at a time: the second copy of the weights is never larger.
const CHUNK: usize = 1 << 16;

/// The numbers of a tensor, row by row; borrowed where they are written, owned where they were read.
#[derive(Clone, Debug, PartialEq)]
pub enum Data<'a> {
    /// Weights, gradients' moments, running statistics.
    F32(Cow<'a, [f32]>),
    /// Sums that need more digits.
    F64(Cow<'a, [f64]>),
    /// Counters.
    I64(Cow<'a, [i64]>),
}

impl Data<'_> {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            Data::F32(x) => x.len(),
            Data::F64(x) => x.len(),
            Data::I64(x) => x.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers as f32, rounded where they are wider.
    pub fn to_f32(&self) -> Cow<'_, [f32]> {
        match self {
            Data::F32(x) => Cow::Borrowed(x),
            Data::F64(x) => x.iter().map(|&v| v as f32).collect(),
            Data::I64(x) => x.iter().map(|&v| v as f32).collect(),
        }
    }

    /// The place and value of the first number that is not finite.
    pub fn first_non_finite(&self) -> Option<(usize, f64)> {
        match self {
            Data::F32(x) => x.iter().position(|v| !v.is_finite()).map(|i| (i, f64::from(x[i]))),
            Data::F64(x) => x.iter().position(|v| !v.is_finite()).map(|i| (i, x[i])),
            Data::I64(_) => None,
        }
    }

    fn dtype(&self) -> Dtype {
        match self {
            Data::F32(_) => Dtype::F32,
            Data::F64(_) => Dtype::F64,
            Data::I64(_) => Dtype::I64,
        }
    }

    /// Hands the little-endian bytes on, a chunk at a time.
    fn each_chunk(&self, buffer: &mut Vec<u8>, mut f: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        macro_rules! chunks {
            ($x:expr, $size:expr) => {
                for part in $x.chunks(CHUNK / $size) {
                    buffer.clear();
                    buffer.extend(part.iter().flat_map(|v| v.to_le_bytes()));
                    f(buffer)?;
                }
            };
        }
        match self {
            Data::F32(x) => chunks!(x, 4),
            Data::F64(x) => chunks!(x, 8),
            Data::I64(x) => chunks!(x, 8),
        }
        Ok(())
    }
}

/// A named tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<'a> {
    /// `linear_0.weight`.
    pub name: String,
    /// All axes, outermost first.
    pub shape: Shape,
    /// As many numbers as the shape asks for.
    pub data: Data<'a>,
}

impl<'a> Tensor<'a> {
    /// A tensor of f32 numbers that live elsewhere.
    ///
    /// # Panics
    /// Where the shape does not fit the numbers.
    pub fn f32(name: impl Into<String>, shape: impl Into<Shape>, data: &'a [f32]) -> Self {
        let tensor = Tensor { name: name.into(), shape: shape.into(), data: Data::F32(Cow::Borrowed(data)) };
        assert_eq!(tensor.shape.len(), data.len(), "{}: {}", tensor.name, tensor.shape);
        tensor
    }
}

/// Writes `tensors` and `metadata` with a content hash. The same input gives the same bytes.
///
/// The hash is the SHA-256 of the whole file with the hash's own 64 digits set to `0`. Tensors of 8-byte numbers come
/// first, so that each lies aligned; among equals the order is the caller's.
///
/// # Panics
/// Where a shape does not fit its numbers or a name is used twice: a defect of the caller.
pub(super) fn write(
    out: &mut (impl Write + Seek),
    metadata: &BTreeMap<String, String>,
    tensors: &[Tensor<'_>],
) -> io::Result<()> {
    let mut order: Vec<&Tensor<'_>> = tensors.iter().collect();
    order.sort_by_key(|t| std::cmp::Reverse(t.data.dtype().bitsize()));
    let mut names: Vec<&str> = order.iter().map(|t| t.name.as_str()).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a name is used twice");
    let mut end = 0;
    let entries: Vec<Entry> = order
        .iter()
        .map(|t| {
            assert_eq!(t.shape.checked_len(), Some(t.data.len()), "{}: {}", t.name, t.shape);
            let begin = end;
            end += (t.data.len() * t.data.dtype().bitsize() / 8) as u64;
            Entry { name: t.name.clone(), dtype: t.data.dtype(), shape: t.shape.clone(), bytes: (begin, end) }
        })
        .collect();
    let mut metadata = metadata.clone();
    metadata.insert(HASH.into(), NO_HASH.into());
    let text = header::render(&metadata, &entries);
    let place = hash_place(text.as_bytes()).ok_or_else(|| io::Error::other("the header lost its hash"))?;

    let mut hasher = Sha256::new();
    let mut emit = |bytes: &[u8]| {
        hasher.update(bytes);
        out.write_all(bytes)
    };
    emit(&(text.len() as u64).to_le_bytes())?;
    emit(text.as_bytes())?;
    let mut buffer = Vec::with_capacity(CHUNK);
    for tensor in order {
        tensor.data.each_chunk(&mut buffer, &mut emit)?;
    }
    out.seek(SeekFrom::Start(8 + place as u64))?;
    out.write_all(hex(hasher).as_bytes())
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) metadata: BTreeMap<String, String>,
    /// In the order of their bytes.
    pub(super) tensors: Vec<Tensor<'static>>,
    /// Whether a content hash was there; a wrong one is an error.
    pub(super) hashed: bool,
}

/// Reads a file of `len` bytes from `input`; `place` is the file as messages name it.
///
/// Half-precision numbers are widened to f32. Nothing larger than `len` is ever allocated.
///
/// # Errors
/// [`Code::Model`](crate::error::Code::Model) for whatever is wrong with the bytes.
pub(super) fn read(input: &mut impl Read, len: u64, place: &str) -> Result<Contents> {
    let mut input = Hashed { input, hasher: Sha256::new(), place };
    let header_len = header_len(&mut input, len)?;
    let mut text = vec![0; header_len];
    input.fill_unhashed(&mut text)?;
    let header = header::parse(&text, place)?;

    let hash = match header.metadata.get(HASH) {
        None if header.metadata.keys().any(|k| k.starts_with("backprop.")) => {
            return Err(damaged(place, "the content hash is not there"));
        }
        None => None,
        Some(hash) => {
            let at =
                hash_place(&text).filter(|&at| text.get(at..at + NO_HASH.len()) == Some(hash.as_bytes()));
            let at = at.ok_or_else(|| damaged(place, "the content hash is not well formed"))?;
            text[at..at + NO_HASH.len()].copy_from_slice(NO_HASH.as_bytes());
            Some(hash.as_str())
        }
    };
    input.hasher.update(&text);
    drop(text);

    let expected = 8 + header_len as u64 + header.data_len;
    if len < expected {
        return Err(cut_short(place, expected, len));
    }
    if len > expected {
        return Err(Error::model(place, "there are bytes after the last tensor")
            .expected(format!("{expected} bytes"))
            .found(format!("{len} bytes"))
            .help(GET_ANOTHER));
    }
    let tensors = header.entries.iter().map(|e| input.tensor(e)).collect::<Result<Vec<_>>>()?;
    if let Some(hash) = hash
        && hex(input.hasher) != hash
    {
        return Err(damaged(place, "the content hash does not match: some bytes have changed"));
    }
    let hashed = hash.is_some();
    for tensor in &tensors {
        if let Some((i, value)) = tensor.data.first_non_finite() {
            let what = format!("tensor {} holds a number that is not finite", quote(&tensor.name));
            return Err(
                Error::model(place, what).found(format!("{value} at element {i} of {}", tensor.shape))
            );
        }
    }
    Ok(Contents { metadata: header.metadata, tensors, hashed })
}

const GET_ANOTHER: &str = "the file is damaged: copy it again, or train again";

fn damaged(place: &str, what: &str) -> Error {
    Error::model(place, what).help(GET_ANOTHER)
}

fn cut_short(place: &str, expected: u64, found: u64) -> Error {
    Error::model(place, "the file is cut short")
        .expected(format!("{expected} bytes"))
        .found(format!("{found} bytes"))
        .help(GET_ANOTHER)
}

/// Reads and checks the eight bytes of length, and looks at what follows.
fn header_len<R: Read>(input: &mut Hashed<'_, R>, len: u64) -> Result<usize> {
    let place = input.place;
    let mut head = [0; 8];
    let short = &mut head[..len.min(8) as usize];
    input.fill(short)?;
    if len == 0 {
        return Err(Error::model(place, "the file is empty").help(sniff::help_for(&[])));
    }
    // A length may begin as a pickle does: then it is one that the file has room for.
    let pickled =
        head[0] == 0x80 && !(1..=len.saturating_sub(8).min(HEADER_LIMIT)).contains(&u64::from_le_bytes(head));
    let short = &head[..len.min(8) as usize];
    if let Some(kind) = sniff::kind_of(short).filter(|_| head[0] != 0x80 || pickled) {
        return Err(Error::model(place, "not a safetensors file").found(kind).help(sniff::help_for(short)));
    }
    if len < 8 {
        return Err(cut_short(place, 8, len));
    }
    let header = u64::from_le_bytes(head);
    if header == 0 {
        return Err(damaged(place, "the file starts with zeros where the length of its header should be"));
    }
    if header > HEADER_LIMIT {
        return Err(Error::model(place, "not a safetensors file, or a damaged one: its header is too long")
            .expected(format!("at most {HEADER_LIMIT} bytes"))
            .found(format!("{header} bytes")));
    }
    if header > len - 8 {
        return Err(cut_short(place, header + 8, len));
    }
    Ok(header as usize)
}

/// Where the 64 digits of the hash begin in the text of a header. Inside another text a quote would be escaped,
/// so the pattern cannot stand anywhere else.
fn hash_place(text: &[u8]) -> Option<usize> {
    let pattern = format!("\"{HASH}\":\"");
    let at = text.windows(pattern.len()).position(|w| w == pattern.as_bytes())?;
    Some(at + pattern.len())
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// A reader that hashes what it reads.
struct Hashed<'a, R> {
    input: &'a mut R,
    hasher: Sha256,
    place: &'a str,
}

impl<R: Read> Hashed<'_, R> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.fill_unhashed(bytes)?;
        self.hasher.update(&*bytes);
        Ok(())
    }

    fn fill_unhashed(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.input.read_exact(bytes).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => damaged(self.place, "the file became shorter while it was read"),
            _ => Error::environment(self.place, format!("cannot read: {e}")),
        })
    }

    fn tensor(&mut self, entry: &Entry) -> Result<Tensor<'static>> {
        let n = entry.shape.len();
        let data = match entry.dtype {
            Dtype::F32 => Data::F32(self.numbers(n, f32::from_le_bytes)?.into()),
            Dtype::F64 => Data::F64(self.numbers(n, f64::from_le_bytes)?.into()),
            Dtype::I64 => Data::I64(self.numbers(n, i64::from_le_bytes)?.into()),
            Dtype::F16 => Data::F32(self.numbers(n, |b| f16_to_f32(u16::from_le_bytes(b)))?.into()),
            Dtype::BF16 => {
                Data::F32(self.numbers(n, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16))?.into())
            }
            other => {
                let name = quote(&entry.name);
                return Err(Error::model(self.place, format!("tensor {name} has a type that is not read"))
                    .expected("F64, F32, F16, BF16 or I64")
                    .found(other.to_string())
                    .help("convert it with .float() before it is saved"));
            }
        };
        Ok(Tensor { name: entry.name.clone(), shape: entry.shape.clone(), data })
    }

    fn numbers<T, const W: usize>(&mut self, n: usize, from: impl Fn([u8; W]) -> T) -> Result<Vec<T>> {
        let mut numbers = Vec::new();
        numbers.try_reserve_exact(n).map_err(|_| {
            Error::environment(self.place, "not enough memory").expected(format!("{} bytes", n * W))
        })?;
        let mut buffer = [0; CHUNK];
        while numbers.len() < n {
            let chunk = &mut buffer[..(n - numbers.len()).min(CHUNK / W) * W];
            self.fill(chunk)?;
            numbers.extend(chunk.as_chunks::<W>().0.iter().map(|&b| from(b)));
        }
        Ok(numbers)
    }
}

/// IEEE 754 half precision, exactly.
fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let fraction = u32::from(bits) & 0x3ff;
    let magnitude = match exponent {
        0 => return f32::from_bits(sign | (fraction as f32 * 2f32.powi(-24)).to_bits()),
        0x1f => 0x7f80_0000 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

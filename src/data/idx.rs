//! IDX files, MNIST's format: images in one file, their labels in another.
//!
//! Two bytes 0, the type of the numbers (8: unsigned bytes, the only one read here), how many dimensions, each dimension in four
//! bytes with the highest first, then the numbers row by row (<http://yann.lecun.com/exdb/mnist/>). Images are `[N, H, W]`
//! or `[N, H, W, C]`, labels `[N]`; the samples have the columns `image` and `label`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::held::{HeldRows, Payloads};
use super::rows::{Meaning, RowBuffer};
use super::source::{Input, Opened, Source, unwrap_error};
use super::stored::{Images, sizes};
use crate::error::{Error, Result};

/// What is needed to read the files of a source.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdxOptions {
    /// Whether images without labels are an error.
    pub(super) labels: bool,
    /// Bytes that the images may take.
    pub(super) memory: u64,
}

/// The column of images.
pub(super) const IMAGE: usize = 0;

/// The names that files of this format go by.
const ENDINGS: [&str; 2] = [".idx", "-ubyte"];

/// The types of numbers that the format knows, and what messages call them.
const TYPES: [(u8, &str); 6] = [
    (0x08, "unsigned bytes"),
    (0x09, "signed bytes"),
    (0x0b, "16-bit integers"),
    (0x0c, "32-bit integers"),
    (0x0d, "32-bit floats"),
    (0x0e, "64-bit floats"),
];

/// Whether a file is one by its name, an ending `.gz` or `.zst` aside, or by its first four bytes.
pub(super) fn is_idx(name: &str, head: &[u8]) -> bool {
    let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
    let known = |byte: &u8| TYPES.iter().any(|(t, _)| t == byte);
    ENDINGS.iter().any(|end| name.ends_with(end)) || matches!(head, [0, 0, number, 1..=4] if known(number))
}

/// Reads all files of `source`, the first of which is open already.
///
/// Files of images and files of labels are told apart by their dimensions and belong together in their order. Where no labels
/// are named, those of `train-images-idx3-ubyte` are looked for in `train-labels-idx1-ubyte` beside it.
///
/// # Errors
/// [`Code::Data`](crate::error::Code::Data) for files that are no IDX files, are cut short or do not fit each other;
/// [`Code::Environment`](crate::error::Code::Environment) where they do not fit into memory.
pub(super) fn read(source: &Source, first: Opened, options: IdxOptions) -> Result<HeldRows> {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    let mut first = Some(first);
    for input in source.inputs() {
        let opened = first.take().map_or_else(|| input.open(), Ok)?;
        let file = Idx::read(opened, options.memory)?;
        match file.dims.len() {
            1 => labels.push(file),
            3 | 4 => images.push((input, file)),
            n => {
                let what = format!("{n} dimensions are neither images nor labels");
                let expected = "[N, H, W] or [N, H, W, C] for images, [N] for labels";
                return Err(Error::data(file.name, what).expected(expected));
            }
        }
    }
    if images.is_empty() {
        let help = "name the images too, as in data.train = [\"images.idx\", \"labels.idx\"]";
        return Err(Error::data(&*labels[0].name, "these are labels, without images").help(help));
    }
    if labels.is_empty() {
        for (input, file) in &images {
            let found = labels_beside(input).map(|path| Input::File(path).open()).transpose()?;
            labels.extend(found.map(|opened| Idx::read(opened, options.memory)).transpose()?);
            if labels.is_empty() && options.labels {
                let help = "name them, as in data.train = [\"images.idx\", \"labels.idx\"]";
                return Err(Error::data(&*file.name, "these images have no labels").help(help));
            }
        }
    }
    let images: Vec<Idx> = images.into_iter().map(|(_, file)| file).collect();
    if !labels.is_empty() && labels.len() != images.len() {
        let what = format!("files of images: {}, files of labels: {}", images.len(), labels.len());
        return Err(Error::data(&*images[0].name, what).expected("labels for every file of images"));
    }
    samples(images, &labels)
}

/// One file.
struct Idx {
    name: String,
    dims: Vec<usize>,
    bytes: Vec<u8>,
}

impl Idx {
    fn read(mut opened: Opened, memory: u64) -> Result<Idx> {
        let name = std::mem::take(&mut opened.name);
        let mut head = Vec::new();
        let mut take = |head: &mut Vec<u8>, n: usize| {
            let whole = opened.bytes.by_ref().take(n as u64).read_to_end(head);
            whole.map_err(|e| unwrap_error(&name, e)).map(|read| read == n)
        };
        let short =
            || Error::data(&*name, "cut short within its header").help("copy or download the file again");
        let whole = take(&mut head, 4)?;
        if head.is_empty() || head.iter().take(2).any(|&byte| byte != 0) {
            let bytes: Vec<String> = head.iter().map(|byte| format!("{byte:02x}")).collect();
            let found = if head.is_empty() {
                "an empty file".into()
            } else {
                format!("the bytes {}", bytes.join(" "))
            };
            let error = Error::data(&*name, "not an IDX file, though it has the name of one");
            return Err(error.expected("two bytes 0, a type, the number of dimensions").found(found));
        }
        if !whole {
            return Err(short());
        }
        if head[2] != TYPES[0].0 {
            let known = TYPES.iter().find(|(t, _)| *t == head[2]);
            let found =
                known.map_or_else(|| "no type that the format knows".into(), |(_, what)| (*what).to_owned());
            let error = Error::data(&*name, "only unsigned bytes can be read from IDX files");
            return Err(error.expected("type 0x08").found(format!("type {:#04x}: {found}", head[2])));
        }
        let axes = usize::from(head[3]);
        head.clear();
        if !take(&mut head, 4 * axes)? {
            return Err(short());
        }
        let sizes = head.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        let dims: Vec<usize> = sizes.map(|n| n as usize).collect();
        let listed = dims.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ");
        let total = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n < usize::MAX / 2);
        let Some(total) = total else {
            return Err(
                Error::data(&*name, format!("no file holds {listed} bytes")).help("is the file damaged?")
            );
        };
        let mut bytes = Vec::new();
        while bytes.len() < total {
            // What a header promises is not taken before the file has kept it so far.
            let room = (total - bytes.len()).min(bytes.len().max(1 << 20));
            if (bytes.len() + room) as u64 > memory || bytes.try_reserve_exact(room).is_err() {
                return Err(too_large(&name, total as u64, memory));
            }
            if !take(&mut bytes, room)? {
                let error =
                    Error::data(&*name, "the file is cut short").help("copy or download the file again");
                return Err(error
                    .expected(format!("{total} bytes behind the header, for {listed}"))
                    .found(format!("{} bytes", bytes.len())));
            }
        }
        let mut more = Vec::new();
        if take(&mut more, 1)? {
            let error = Error::data(&*name, "bytes follow behind the last number");
            return Err(error
                .expected(format!("{total} bytes behind the header, for {listed}"))
                .found("more"));
        }
        Ok(Idx { name, dims, bytes })
    }

    /// `[H, W, C]` of images.
    fn shape(&self) -> [usize; 3] {
        [self.dims[1], self.dims[2], self.dims.get(3).copied().unwrap_or(1)]
    }
}

/// The error for images that memory cannot hold.
pub(super) fn too_large(name: &str, bytes: u64, memory: u64) -> Error {
    let gb = |n: u64| format!("{:.1} GB", n as f64 / 1e9);
    Error::environment(name, "the images do not fit into memory")
        .expected(format!("at most {}: the memory that is free", gb(memory)))
        .found(gb(bytes))
}

/// The file of labels that goes with `images` by its name.
fn labels_beside(images: &Input) -> Option<PathBuf> {
    let Input::File(path) = images else { return None };
    let name = path.file_name()?.to_str()?;
    let (before, rest) = name.rsplit_once("images")?;
    let rest = ["idx3", "idx4"].iter().fold(rest.to_owned(), |rest, axes| rest.replace(axes, "idx1"));
    let plain = path.with_file_name(format!("{before}labels{rest}"));
    let packed = |path: &Path| ["", ".gz"].map(|end| PathBuf::from(format!("{}{end}", path.display())));
    let stem = plain.with_file_name(plain.file_name()?.to_str()?.trim_end_matches(".gz"));
    [plain].into_iter().chain(packed(&stem)).find(|path| path.is_file())
}

/// One table of all files.
fn samples(mut images: Vec<Idx>, labels: &[Idx]) -> Result<HeldRows> {
    let shape = images[0].shape();
    let source = match images.len() {
        1 => images[0].name.clone(),
        n => format!("{} and {} more", images[0].name, n - 1),
    };
    let mut columns = vec!["image".to_owned()];
    columns.extend((!labels.is_empty()).then(|| "label".to_owned()));
    let mut texts =
        RowBuffer::new(&source, &columns).with_meanings(&[(1, Meaning::Class)]).with_unit("image");
    for (i, file) in images.iter().enumerate() {
        if file.shape() != shape {
            let error = Error::data(&*file.name, "these images have another size than those before");
            return Err(error.expected(sizes(shape)).found(sizes(file.shape())));
        }
        if let Some(labels) = labels.get(i).filter(|labels| labels.dims[0] != file.dims[0]) {
            let what = format!("{} labels for {} images", labels.dims[0], file.dims[0]);
            return Err(
                Error::data(&*labels.name, what).expected(format!("one for each image of {}", file.name))
            );
        }
        for row in 0..file.dims[0] {
            texts.start_row(&file.name, row as u64 + 1);
            texts.push_field("");
            if let Some(labels) = labels.get(i) {
                texts.push_field(&labels.bytes[row].to_string());
            }
        }
    }
    let mut rest = images.split_off(1).into_iter();
    let mut bytes = images.pop().map_or_else(Vec::new, |file| file.bytes);
    rest.by_ref().for_each(|file| bytes.extend_from_slice(&file.bytes));
    Ok(HeldRows::new(texts, IMAGE, Payloads::Images(Arc::new(Images { shape, bytes }))))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::data::rows::{Fields, Rows};
    use crate::error::Code;

    fn file(dims: &[u32], bytes: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, 8, dims.len() as u8];
        dims.iter().for_each(|n| file.extend(n.to_be_bytes()));
        file.extend(bytes);
        file
    }

    fn message(bytes: Vec<u8>) -> (Code, String) {
        let opened = Opened::new("t-ubyte", Cursor::new(bytes)).unwrap();
        let error = Idx::read(opened, 1 << 30).err().unwrap();
        (error.code, error.to_string())
    }

    fn open(directory: &Path, name: &str) -> Result<HeldRows> {
        let input = Input::File(directory.join(name));
        let source = Source::parse(&[name], directory)?;
        read(&source, input.open()?, IdxOptions { labels: true, memory: 1 << 30 })
    }

    #[test]
    fn images_find_their_labels() -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: Vec<u8>| std::fs::write(dir.path().join(name), bytes).unwrap();
        write("t-images-idx3-ubyte", file(&[3, 1, 2], &[1, 2, 3, 4, 5, 6]));
        let error = open(dir.path(), "t-images-idx3-ubyte").err().unwrap().to_string();
        let place = dir.path().join("t-images-idx3-ubyte").display().to_string();
        assert_eq!(
            error,
            format!(
                "error[3]: {place}: these images have no labels\n  \
                 help: name them, as in data.train = [\"images.idx\", \"labels.idx\"]"
            )
        );
        write("t-labels-idx1-ubyte", file(&[3], &[7, 0, 255]));
        let mut rows = open(dir.path(), "t-images-idx3-ubyte")?;
        assert_eq!(rows.columns(), ["image", "label"]);
        assert_eq!((rows.meaning(0), rows.meaning(1)), (None, Some(Meaning::Class)));
        let row = rows.next_row()?.unwrap();
        assert_eq!((row.get(1), row.line(), row.unit()), ("7", 1, "image"));
        let Some(super::super::Payload::Image { block, at }) = row.payload(0) else { panic!("no image") };
        assert_eq!((block.shape, block.image(at)), ([1, 2, 1], &[1, 2][..]));
        write("t-labels-idx1-ubyte", file(&[2], &[7, 0]));
        let error = open(dir.path(), "t-images-idx3-ubyte").err().unwrap().to_string();
        assert!(error.contains("2 labels for 3 images"), "{error}");
        assert!(
            open(dir.path(), "t-labels-idx1-ubyte").err().unwrap().to_string().contains("without images")
        );
        Ok(())
    }

    #[test]
    fn damaged_files_are_told() {
        for (bytes, expected) in [
            (
                b"PK\x03\x04".to_vec(),
                "error[3]: t-ubyte: not an IDX file, though it has the name of one\n  \
                 expected: two bytes 0, a type, the number of dimensions\n  found: the bytes 50 4b 03 04",
            ),
            (
                vec![0, 0, 8],
                "error[3]: t-ubyte: cut short within its header\n  help: copy or download the file again",
            ),
            (
                vec![0, 0, 13, 1, 0, 0, 0, 1],
                "error[3]: t-ubyte: only unsigned bytes can be read from IDX files\n  expected: type 0x08\n  \
                 found: type 0x0d: 32-bit floats",
            ),
            (
                file(&[2, 2, 2], &[0; 7]),
                "error[3]: t-ubyte: the file is cut short\n  expected: 8 bytes behind the header, for 2 x 2 x 2\n  \
                 found: 7 bytes\n  help: copy or download the file again",
            ),
            (
                file(&[2], &[0; 3]),
                "error[3]: t-ubyte: bytes follow behind the last number\n  expected: 2 bytes behind the header, for 2\n  \
                 found: more",
            ),
            (
                file(&[u32::MAX; 4], &[0; 3]),
                "error[3]: t-ubyte: no file holds 4294967295 x 4294967295 x 4294967295 x 4294967295 bytes\n  \
                 help: is the file damaged?",
            ),
        ] {
            assert_eq!(message(bytes), (Code::Data, expected.to_owned()));
        }
    }

    #[test]
    fn nothing_is_taken_on_the_word_of_a_header() {
        let (code, text) = message(file(&[1 << 20, 1 << 10, 1 << 10], &[0; 9]));
        assert!(code == Code::Data && text.contains("found: 9 bytes"), "{text}");
        let many = file(&[1 << 20, 1 << 10, 1 << 10], &vec![0; 3 << 20]);
        let opened = Opened::new("t-ubyte", Cursor::new(many)).unwrap();
        let error = Idx::read(opened, 2 << 20).err().unwrap();
        assert_eq!(
            error.to_string(),
            "error[5]: t-ubyte: the images do not fit into memory\n  expected: at most 0.0 GB: the memory that is free\n  \
             found: 1099.5 GB"
        );
    }
}

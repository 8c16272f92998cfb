//! A model in one file: tensors, and texts that say how to use them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use super::atomic::{AtomicFile, io_error, place};
use super::tensors::{self, HASH, Tensor};
use crate::error::{Code, Error, Problem, Result, quote};
use crate::tensor::Shape;

/// The version of the layout that this program writes; it reads this one and older ones.
pub const FORMAT_VERSION: u32 = 1;

/// The metadata key of [`FORMAT_VERSION`].
const VERSION: &str = "backprop.format";

/// The metadata key that PyTorch's tools look for, and what they want there.
const FORMAT: (&str, &str) = ("format", "pt");

/// Named tensors and named texts: all that a model file or a checkpoint holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelFile<'a> {
    /// Texts by key, such as `backprop.config`. The keys `format`, `backprop.format` and `backprop.sha256` are
    /// added on writing and taken away on reading.
    pub metadata: BTreeMap<String, String>,
    /// In the order in which they are written; tensors of 8-byte numbers come first when they are read again.
    pub tensors: Vec<Tensor<'a>>,
}

impl ModelFile<'static> {
    /// Reads a file that this program wrote, and checks every byte of it.
    ///
    /// # Errors
    /// [`Code::Usage`] where there is no file, [`Code::Model`] where it is not a model, is damaged, or was written by
    /// a newer version.
    pub fn read(path: &Path) -> Result<ModelFile<'static>> {
        let (file, ours) = read_any(path)?;
        if ours {
            return Ok(file);
        }
        Err(Error::model(place(path), "these are weights alone, without the network that they belong to")
            .expected("a model.safetensors that backprop wrote")
            .help("name the network in a config and set train.init_from to this file"))
    }

    /// Reads the tensors of any safetensors file, for instance one that PyTorch wrote, to start training from.
    ///
    /// # Errors
    /// As [`ModelFile::read`], but a file of another tool is welcome.
    pub fn read_weights(path: &Path) -> Result<ModelFile<'static>> {
        Ok(read_any(path)?.0)
    }
}

impl ModelFile<'_> {
    /// Writes the file in one atomic step. The same content gives the same bytes.
    ///
    /// # Errors
    /// [`Code::Environment`]; [`Code::Diverged`] where a number is not finite. The old file stays then.
    ///
    /// # Panics
    /// Where a shape does not fit its numbers or a name is used twice: a defect of the caller.
    pub fn write(&self, path: &Path) -> Result<()> {
        for tensor in &self.tensors {
            if let Some((i, value)) = tensor.data.first_non_finite() {
                let what = format!("tensor {} is not finite, so it was not saved", quote(&tensor.name));
                let problem = Problem::new(place(path), what)
                    .found(format!("{value} at element {i} of {}", tensor.shape))
                    .help("a lower learning rate, or train.clip_grad_norm = 1.0");
                return Err(Error::new(Code::Diverged, problem));
            }
        }
        let mut metadata = self.metadata.clone();
        metadata.insert(FORMAT.0.into(), FORMAT.1.into());
        metadata.insert(VERSION.into(), FORMAT_VERSION.to_string());
        let mut file = AtomicFile::create(path)?;
        tensors::write(&mut file, &metadata, &self.tensors).map_err(|e| file.failed(&e))?;
        file.commit()
    }

    /// The tensor of that name.
    pub fn tensor(&self, name: &str) -> Option<&Tensor<'_>> {
        self.tensors.iter().find(|t| t.name == name)
    }

    /// Checks that the file at `path` holds exactly the tensors of a network, in any order.
    ///
    /// # Errors
    /// [`Code::Model`], naming the first difference: in the order of `expected` a missing tensor or another shape, then
    /// tensors that the network does not have.
    pub fn expect_tensors<'e>(
        &self,
        path: &Path,
        expected: impl IntoIterator<Item = (&'e str, &'e Shape)>,
    ) -> Result<()> {
        let found: BTreeMap<&str, &Shape> =
            self.tensors.iter().map(|t| (t.name.as_str(), &t.shape)).collect();
        let mut extra = found.clone();
        for (name, shape) in expected {
            extra.remove(name);
            match found.get(name) {
                None => {
                    let what = format!("the file has no tensor {}", quote(name));
                    return Err(Error::model(place(path), what)
                        .expected(format!("{} {shape}", quote(name)))
                        .found(list(found.iter()))
                        .help("the file belongs to another network"));
                }
                Some(&other) if other != shape => {
                    return Err(Error::model(
                        place(path),
                        format!("tensor {} has another shape", quote(name)),
                    )
                    .expected(shape.to_string())
                    .found(other.to_string())
                    .help("the file belongs to another network"));
                }
                Some(_) => {}
            }
        }
        if extra.is_empty() {
            return Ok(());
        }
        Err(Error::model(place(path), "the file holds tensors that the network does not have")
            .found(list(extra.iter()))
            .help("the file belongs to another network"))
    }
}

/// Up to five tensors with their shapes.
fn list<'a>(tensors: impl ExactSizeIterator<Item = (&'a &'a str, &'a &'a Shape)>) -> String {
    const SHOWN: usize = 5;
    let n = tensors.len();
    let mut text: Vec<String> =
        tensors.take(SHOWN).map(|(name, shape)| format!("{} {shape}", quote(name))).collect();
    match n {
        0 => text.push("no tensor at all".into()),
        n if n > SHOWN => text.push(format!("and {} more", n - SHOWN)),
        _ => {}
    }
    text.join(", ")
}

/// The file, and whether this program wrote it.
fn read_any(path: &Path) -> Result<(ModelFile<'static>, bool)> {
    let shown = place(path);
    let mut file = File::open(path).map_err(|e| not_opened(path, &e))?;
    let meta = file.metadata().map_err(|e| io_error(path, "cannot read", &e))?;
    if !meta.is_file() {
        let what =
            if meta.is_dir() { "it is a directory, not a model file" } else { "it is not a regular file" };
        return Err(Error::usage(shown, what));
    }
    let contents = tensors::read(&mut file, meta.len(), &shown).map_err(with_help)?;
    let mut metadata = contents.metadata;
    let version = metadata.remove(VERSION);
    metadata.remove(HASH);
    metadata.remove(FORMAT.0);
    let ours = contents.hashed;
    if ours {
        check_version(version.as_deref(), &shown)?;
    }
    Ok((ModelFile { metadata, tensors: contents.tensors }, ours))
}

/// A damaged file always gets some help.
fn with_help(error: Error) -> Error {
    let helped = error.code != Code::Model || error.problems.iter().any(|p| p.help.is_some());
    if helped { error } else { error.help("get the file again, or train again") }
}

fn not_opened(path: &Path, error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Error::usage(place(path), "no such file")
            .help("the first argument is a run directory or a .safetensors file"),
        _ => io_error(path, "cannot read", error),
    }
}

fn check_version(version: Option<&str>, place: &str) -> Result<()> {
    match version.map(str::parse::<u32>) {
        Some(Ok(v)) if v <= FORMAT_VERSION => Ok(()),
        Some(Ok(v)) => Err(Error::model(place, "the file was written by a newer version of backprop")
            .expected(format!("format {FORMAT_VERSION} or older"))
            .found(format!("format {v}"))
            .help("update backprop")),
        _ => Err(Error::model(place, "the file does not say which format it has")
            .found(version.map_or("nothing".into(), quote))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::checkpoint::damage_tests::{bytes_of, foreign, message, read, sample};

    #[test]
    fn what_is_written_is_read_and_two_writes_are_the_same_bytes() {
        let model = sample();
        let bytes = bytes_of(&model);
        assert_eq!(bytes, bytes_of(&model));
        let back = read(&bytes).unwrap();
        assert_eq!(back.metadata, model.metadata);
        let names: Vec<&str> = back.tensors.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["steps", "none", "linear_0.weight", "linear_0.bias"]);
        for tensor in &model.tensors {
            assert_eq!(back.tensor(&tensor.name), Some(tensor));
        }
        assert_eq!(bytes_of(&back), bytes);
    }

    #[test]
    fn the_crate_of_the_format_reads_the_file() {
        let bytes = bytes_of(&sample());
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = header.metadata().as_ref().unwrap();
        assert_eq!((&metadata["format"][..], &metadata["backprop.format"][..]), ("pt", "1"));
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let bias = file.tensor("linear_0.bias").unwrap();
        assert_eq!((bias.shape(), bias.data()), (&[2][..], &[0, 0, 0, 0x3f, 0, 0, 0, 0xbf][..]));
    }

    #[test]
    fn a_model_that_is_not_finite_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m");
        let bad = [1.0, f32::INFINITY];
        let model = ModelFile { metadata: BTreeMap::new(), tensors: vec![Tensor::f32("w", [2, 1], &bad)] };
        assert_eq!(
            model.write(&path).unwrap_err().to_string().replace(&place(&path), "FILE"),
            "error[6]: FILE: tensor \"w\" is not finite, so it was not saved\n  \
             found: inf at element 1 of [2, 1]\n  \
             help: a lower learning rate, or train.clip_grad_norm = 1.0"
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn weights_of_other_tools_are_read_as_weights_only() {
        let header = r#"{"a":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[6,8]},"c":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}}"#;
        let mut data = vec![0x00, 0x3c, 0x01, 0x00, 0xff, 0xfb, 0x80, 0x3f];
        data.extend(0.1f64.to_le_bytes());
        let bytes = foreign(header, &data);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m");
        fs::write(&path, &bytes).unwrap();
        let weights = ModelFile::read_weights(&path).unwrap();
        let numbers: Vec<_> = weights.tensors.iter().map(|t| t.data.to_f32().into_owned()).collect();
        assert_eq!(numbers, [vec![1.0, 2f32.powi(-24), -65504.0], vec![1.0], vec![0.1]]);
        assert_eq!(
            message(&bytes),
            "error[4]: FILE: these are weights alone, without the network that they belong to\n  \
             expected: a model.safetensors that backprop wrote\n  \
             help: name the network in a config and set train.init_from to this file"
        );
        assert_eq!(
            message(&foreign(r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, &[1])),
            "error[4]: FILE: tensor \"a\" has a type that is not read\n  \
             expected: F64, F32, F16, BF16 or I64\n  found: U8\n  \
             help: convert it with .float() before it is saved"
        );
        fs::write(&path, foreign(header, &[0x00, 0x7c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])).unwrap();
        assert!(ModelFile::read_weights(&path).unwrap_err().to_string().contains("inf at element 0 of [3]"));
    }

    #[test]
    fn the_first_difference_to_a_network_is_named() {
        let model = sample();
        let check = |expected: &[(&str, Shape)]| {
            let expected = expected.iter().map(|(name, shape)| (*name, shape));
            model.expect_tensors(Path::new("m"), expected).map_err(|e| e.to_string())
        };
        let all: [(&str, Shape); 4] = [
            ("none", [0, 4].into()),
            ("linear_0.bias", [2].into()),
            ("linear_0.weight", [2, 3].into()),
            ("steps", Shape::default()),
        ];
        assert_eq!(check(&all), Ok(()));
        let help = "help: the file belongs to another network";
        assert_eq!(
            check(&[("linear_0.weight", [2, 4].into()), ("output.weight", [1].into())]),
            Err(format!(
                "error[4]: m: tensor \"linear_0.weight\" has another shape\n  expected: [2, 4]\n  \
                 found: [2, 3]\n  {help}"
            ))
        );
        assert_eq!(
            check(&[("output.weight", [1].into())]),
            Err(format!(
                "error[4]: m: the file has no tensor \"output.weight\"\n  \
                 expected: \"output.weight\" [1]\n  found: \"linear_0.bias\" [2], \
                 \"linear_0.weight\" [2, 3], \"none\" [0, 4], \"steps\" []\n  {help}"
            ))
        );
        assert_eq!(
            check(&all[1..]),
            Err(format!(
                "error[4]: m: the file holds tensors that the network does not have\n  \
                 found: \"none\" [0, 4]\n  {help}"
            ))
        );
    }
}

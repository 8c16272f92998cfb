//! Every way in which a model file can be damaged, with the exact message of each.

use std::borrow::Cow;
use std::fs;

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::tensors::{self, HEADER_LIMIT};
use super::{Data, ModelFile, Tensor, place};
use crate::error::{Code, Error, Result};
use crate::tensor::Shape;

const WEIGHT: [f32; 6] = [0.0, 1.0, -2.5, f32::MIN_POSITIVE, f32::MAX, 1e-40];

pub(super) fn sample() -> ModelFile<'static> {
    let metadata =
        [("backprop.version", "0.1.0"), ("backprop.config", "{\"seed\":0,\n\"backprop.sha256\":\"x\"}")];
    ModelFile {
        metadata: metadata.map(|(k, v)| (k.to_string(), v.to_string())).into(),
        tensors: vec![
            Tensor::f32("linear_0.weight", [2, 3], &WEIGHT),
            Tensor::f32("linear_0.bias", [2], &[0.5, -0.5]),
            Tensor {
                name: "steps".into(),
                shape: Shape::default(),
                data: Data::I64(Cow::Owned(vec![i64::MIN])),
            },
            Tensor { name: "none".into(), shape: [0, 4].into(), data: Data::F64(Cow::Owned(vec![])) },
        ],
    }
}

pub(super) fn bytes_of(model: &ModelFile<'_>) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    model.write(&dir.path().join("m")).unwrap();
    fs::read(dir.path().join("m")).unwrap()
}

pub(super) fn read(bytes: &[u8]) -> Result<ModelFile<'static>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m");
    fs::write(&path, bytes).unwrap();
    let plain = |e: Error| {
        let mut e = e;
        e.problems.iter_mut().for_each(|p| p.place = p.place.replace(&place(&path), "FILE"));
        e
    };
    ModelFile::read(&path).map_err(plain)
}

pub(super) fn message(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

/// A file as another tool writes it.
pub(super) fn foreign(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// `bytes` after `change`, with the hash that belongs to them.
fn rehashed(bytes: &[u8], change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    let at = bytes.windows(18).position(|w| w == b"backprop.sha256\":\"").unwrap() + 18;
    bytes[at..at + 64].fill(b'0');
    let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    bytes[at..at + 64].copy_from_slice(hash.as_bytes());
    bytes
}

const DAMAGED: &str = "\n  help: the file is damaged: copy it again, or train again";

#[test]
fn cut_files_say_how_much_is_missing() {
    let bytes = bytes_of(&sample());
    let n = bytes.len();
    assert_eq!(
        message(&bytes[..n - 1]),
        format!(
            "error[4]: FILE: the file is cut short\n  expected: {n} bytes\n  found: {} bytes{DAMAGED}",
            n - 1
        )
    );
    assert_eq!(
        message(&bytes[..3]),
        format!("error[4]: FILE: the file is cut short\n  expected: 8 bytes\n  found: 3 bytes{DAMAGED}")
    );
    let header = n - 40;
    assert_eq!(
        message(&bytes[..100]),
        format!(
            "error[4]: FILE: the file is cut short\n  expected: {header} bytes\n  found: 100 bytes{DAMAGED}"
        )
    );
    assert_eq!(
        message(&[&bytes[..], b"x"].concat()),
        format!(
            "error[4]: FILE: there are bytes after the last tensor\n  expected: {n} bytes\n  \
             found: {} bytes{DAMAGED}",
            n + 1
        )
    );
}

#[test]
fn changed_bytes_fail_the_hash() {
    let bytes = bytes_of(&sample());
    let wrong = format!("error[4]: FILE: the content hash does not match: some bytes have changed{DAMAGED}");
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(message(&flipped), wrong);
    let mut zeroed = bytes.clone();
    let n = zeroed.len();
    zeroed[n - 20..].fill(0);
    assert_eq!(message(&zeroed), wrong);
    assert_eq!(
        message(&vec![0; n]),
        format!(
            "error[4]: FILE: the file starts with zeros where the length of its header should be{DAMAGED}"
        )
    );
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let at = text.rfind("backprop.sha256").unwrap();
    let mut renamed = bytes.clone();
    renamed[at + 9] = b'x';
    assert_eq!(message(&renamed), format!("error[4]: FILE: the content hash is not there{DAMAGED}"));
}

#[test]
fn absurd_header_lengths_are_refused() {
    let mut bytes = bytes_of(&sample());
    for len in [u64::MAX, HEADER_LIMIT + 1] {
        bytes[..8].copy_from_slice(&len.to_le_bytes());
        assert_eq!(
            message(&bytes),
            format!(
                "error[4]: FILE: not a safetensors file, or a damaged one: its header is too long\n  \
                 expected: at most 100000000 bytes\n  found: {len} bytes\n  help: get the file again, or train again"
            )
        );
    }
}

#[test]
fn other_kinds_of_file_are_named() {
    let other = |found: &str, help: &str| {
        format!("error[4]: FILE: not a safetensors file\n  found: {found}\n  help: {help}")
    };
    let give = "give a run directory, or a model.safetensors that backprop wrote";
    let save = "save the weights with safetensors.torch.save_file in Python";
    assert_eq!(message(b""), format!("error[4]: FILE: the file is empty\n  help: {give}"));
    assert_eq!(
        message(b"sepal_length,species\n5.1,setosa\n"),
        other("a text file, such as CSV, TOML or JSON", give)
    );
    assert_eq!(
        message(b"PK\x03\x04\0\0\0\0\0\0archive/data.pkl"),
        other("a zip archive, such as PyTorch's .pt and NumPy's .npz", save)
    );
    assert_eq!(
        message(b"\x80\x02\x8a\x0al\xfc\x9c\x46"),
        other("a Python pickle, such as an old PyTorch .pt", save)
    );
}

#[test]
fn newer_versions_and_numbers_that_are_not_finite_are_refused() {
    let bytes = bytes_of(&sample());
    let newer = rehashed(&bytes, |b| {
        let at = b.windows(18).position(|w| w == b"backprop.format\":\"").unwrap();
        b[at + 18] = b'2';
    });
    assert_eq!(
        message(&newer),
        "error[4]: FILE: the file was written by a newer version of backprop\n  \
         expected: format 1 or older\n  found: format 2\n  help: update backprop"
    );
    let n = bytes.len();
    let nan = rehashed(&bytes, |b| b[n - 4..].copy_from_slice(&f32::NAN.to_le_bytes()));
    assert_eq!(
        message(&nan),
        "error[4]: FILE: tensor \"linear_0.bias\" holds a number that is not finite\n  \
         found: NaN at element 1 of [2]\n  help: get the file again, or train again"
    );
}

#[test]
fn every_flipped_bit_is_found() {
    let bytes = bytes_of(&sample());
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let result = tensors::read(&mut &flipped[..], flipped.len() as u64, "F");
        assert_eq!(result.unwrap_err().code, Code::Model, "bit {bit}");
    }
}

#[test]
fn every_cut_is_found() {
    let bytes = bytes_of(&sample());
    for n in 0..bytes.len() {
        let result = tensors::read(&mut &bytes[..n], n as u64, "F");
        assert_eq!(result.unwrap_err().code, Code::Model, "{n} bytes");
    }
}

proptest! {
    #[test]
    fn bytes_of_any_kind_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        header in "\\PC{0,60}",
    ) {
        prop_assert!(tensors::read(&mut &bytes[..], bytes.len() as u64, "F").is_err());
        let file = foreign(&header, &bytes);
        if let Err(e) = tensors::read(&mut &file[..], file.len() as u64, "F") {
            prop_assert_eq!(e.code, Code::Model);
        }
    }

    #[test]
    fn several_changes_are_found(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..8),
    ) {
        let good = bytes_of(&sample());
        let mut bytes = good.clone();
        for (at, xor) in changes {
            bytes[at.index(good.len())] ^= xor;
        }
        prop_assume!(bytes != good);
        prop_assert!(tensors::read(&mut &bytes[..], bytes.len() as u64, "F").is_err());
    }
}

#[test]
fn a_length_that_begins_as_a_pickle_is_a_length() {
    let header = r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    for low in [0x80 + (4 << 8), 0x80 + (2 << 8)] {
        let file = foreign(&format!("{header:low$}"), &[0; 4]);
        assert_eq!(file[0], 0x80);
        assert!(!read(&file).is_err_and(|e| e.to_string().contains("pickle")));
    }
}

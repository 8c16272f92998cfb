//! The header of a safetensors file: eight bytes of length, then JSON that names every tensor and its bytes.
//!
//! The format is that of <https://github.com/huggingface/safetensors>. The crate of that name accepts duplicate
//! names and writes its metadata in a random order, so both directions are written here; its [`Dtype`] and the
//! checks of its [`Metadata`] are used.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::error::{Error, Result, quote};
use crate::tensor::Shape;

/// The name under which a header keeps its texts.
const METADATA: &str = "__metadata__";

/// One tensor of a header.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) dtype: Dtype,
    pub(super) shape: Shape,
    /// First byte and the byte after the last, counted from the end of the header.
    pub(super) bytes: (u64, u64),
}

/// A checked header: entries in the order of their bytes, without gap or overlap.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) entries: Vec<Entry>,
    /// Bytes of all tensors.
    pub(super) data_len: u64,
}

/// The text of a header, padded with spaces to a multiple of 8 bytes.
pub(super) fn render(metadata: &BTreeMap<String, String>, entries: &[Entry]) -> String {
    let mut all = serde_json::Map::new();
    let texts = metadata.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
    all.insert(METADATA.into(), Value::Object(texts));
    for entry in entries {
        let mut fields = serde_json::Map::new();
        fields.insert("dtype".into(), entry.dtype.to_string().into());
        fields.insert("shape".into(), entry.shape.axes().into());
        fields.insert("data_offsets".into(), vec![entry.bytes.0, entry.bytes.1].into());
        all.insert(entry.name.clone(), Value::Object(fields));
    }
    let mut text = Value::Object(all).to_string();
    text.push_str(&" ".repeat(text.len().next_multiple_of(8) - text.len()));
    text
}

/// Reads and checks the text of a header; `place` is the file as messages name it.
pub(super) fn parse(text: &[u8], place: &str) -> Result<Header> {
    let raw: RawHeader = serde_json::from_slice(text)
        .map_err(|e| Error::model(place, "the header is damaged").found(plain(&e.to_string())))?;
    let mut entries = Vec::with_capacity(raw.tensors.len());
    for (name, tensor) in raw.tensors {
        entries.push(tensor.check(name, place)?);
    }
    entries.sort_by_key(|e| e.bytes);
    let mut end = 0;
    for (i, entry) in entries.iter().enumerate() {
        if entry.bytes.0 != end {
            let before = i.checked_sub(1).map_or("the header".into(), |j| quote(&entries[j].name));
            let what = if entry.bytes.0 < end { "overlap" } else { "leave a gap" };
            let name = quote(&entry.name);
            return Err(Error::model(place, format!("the bytes of {before} and tensor {name} {what}"))
                .expected(format!("{name} to start at byte {end}"))
                .found(entry.bytes.0.to_string()));
        }
        end = entry.bytes.1;
    }
    confirm(&entries, place)?;
    Ok(Header { metadata: raw.metadata, entries, data_len: end })
}

/// The crate's own checks have the last word: what passes here, every reader of the format accepts.
fn confirm(entries: &[Entry], place: &str) -> Result<()> {
    let info = |e: &Entry| TensorInfo {
        dtype: e.dtype,
        shape: e.shape.axes().to_vec(),
        data_offsets: (e.bytes.0 as usize, e.bytes.1 as usize),
    };
    let infos = entries.iter().map(|e| (e.name.clone(), info(e))).collect();
    match Metadata::new(None, infos) {
        Ok(_) => Ok(()),
        Err(e) => Err(Error::model(place, "the header is damaged").found(plain(&e.to_string()))),
    }
}

/// A message of a parser without control characters: it may repeat what the file holds.
fn plain(message: &str) -> String {
    let shown = quote(message);
    shown[1..shown.len() - 1].replace("\\\"", "\"")
}

#[derive(Default)]
struct RawHeader {
    metadata: BTreeMap<String, String>,
    tensors: Vec<(String, RawTensor)>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTensor {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl RawTensor {
    fn check(self, name: String, place: &str) -> Result<Entry> {
        let shown = quote(&name);
        let dtype: Dtype = serde_json::from_value(Value::from(self.dtype.as_str())).map_err(|_| {
            Error::model(place, format!("tensor {shown} has an unknown type of number"))
                .expected("F64, F32, F16, BF16 or I64")
                .found(quote(&self.dtype))
        })?;
        let too_big = || {
            Error::model(place, format!("tensor {shown} has a shape that no memory can hold"))
                .found(plain(&format!("{:?}", self.shape)))
        };
        let axes: Option<Vec<usize>> = self.shape.iter().map(|&a| usize::try_from(a).ok()).collect();
        let shape = Shape::new(axes.ok_or_else(too_big)?);
        let bits = shape.checked_len().and_then(|n| n.checked_mul(dtype.bitsize())).ok_or_else(too_big)?;
        let (begin, end) = self.data_offsets;
        let len = bits as u64 / 8;
        if end.checked_sub(begin) != Some(len) {
            return Err(Error::model(place, format!("tensor {shown} has the wrong number of bytes"))
                .expected(format!("{len} bytes for {shape} of {dtype}"))
                .found(format!("bytes {begin} to {end}")));
        }
        Ok(Entry { name, dtype, shape, bytes: (begin, end) })
    }
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = RawHeader;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let mut header = RawHeader::default();
        let mut seen = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                map.next_value::<IgnoredAny>()?;
                return Err(de::Error::custom(format_args!("the name {} is there twice", quote(&name))));
            }
            if name == METADATA {
                header.metadata = map.next_value::<Texts>()?.0;
            } else {
                header.tensors.push((name, map.next_value()?));
            }
        }
        Ok(header)
    }
}

/// A map of texts in which no key stands twice.
struct Texts(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        let mut texts = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            if let Some(_first) = texts.insert(key.clone(), value) {
                return Err(de::Error::custom(format_args!("the key {} is there twice", quote(&key))));
            }
        }
        Ok(Texts(texts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(header: &str) -> String {
        parse(header.as_bytes(), "F").unwrap_err().to_string()
    }

    #[test]
    fn what_is_rendered_parses_and_is_padded() {
        let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
        let entry = Entry { name: "a\"b".into(), dtype: Dtype::F32, shape: [2, 3].into(), bytes: (0, 24) };
        let text = render(&metadata, &[entry]);
        assert_eq!(
            text,
            r#"{"__metadata__":{"format":"pt"},"a\"b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}     "#
        );
        assert_eq!(text.len() % 8, 0);
        let header = parse(text.as_bytes(), "F").unwrap();
        assert_eq!((header.metadata, header.data_len), (metadata, 24));
        assert_eq!((&header.entries[0].name[..], &header.entries[0].shape), ("a\"b", &[2, 3].into()));
    }

    #[test]
    fn duplicates_are_refused_at_every_level() {
        let t = r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
        assert_eq!(
            message(&format!(r#"{{"a":{t},"a":{t}}}"#)),
            "error[4]: F: the header is damaged\n  \
             found: the name \"a\" is there twice at line 1 column 107"
        );
        assert_eq!(
            message(r#"{"__metadata__":{"k":"1","k":"2"}}"#),
            "error[4]: F: the header is damaged\n  found: the key \"k\" is there twice at line 1 column 33"
        );
        assert_eq!(
            message(r#"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#),
            "error[4]: F: the header is damaged\n  found: duplicate field `dtype` at line 1 column 27"
        );
    }

    #[test]
    fn overlaps_gaps_and_wrong_lengths_are_named() {
        let two = |from: u64| {
            let to = from + 4;
            message(&format!(
                r#"{{"a":{{"dtype":"F32","shape":[2],"data_offsets":[0,8]}},
                    "b":{{"dtype":"F32","shape":[1],"data_offsets":[{from},{to}]}}}}"#
            ))
        };
        assert_eq!(
            two(4),
            "error[4]: F: the bytes of \"a\" and tensor \"b\" overlap\n  \
             expected: \"b\" to start at byte 8\n  found: 4"
        );
        assert_eq!(
            two(12),
            "error[4]: F: the bytes of \"a\" and tensor \"b\" leave a gap\n  \
             expected: \"b\" to start at byte 8\n  found: 12"
        );
        assert_eq!(
            message(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#),
            "error[4]: F: the bytes of the header and tensor \"a\" leave a gap\n  \
             expected: \"a\" to start at byte 0\n  found: 4"
        );
        let wrong = "error[4]: F: tensor \"a\" has the wrong number of bytes\n  \
                     expected: 8 bytes for [2] of F32\n  found: bytes ";
        for (offsets, found) in [("[0,4]", "0 to 4"), ("[8,0]", "8 to 0")] {
            assert_eq!(
                message(&format!(r#"{{"a":{{"dtype":"F32","shape":[2],"data_offsets":{offsets}}}}}"#)),
                format!("{wrong}{found}")
            );
        }
    }

    #[test]
    fn shapes_that_overflow_and_unknown_types_are_named() {
        let big = u64::MAX;
        for shape in [format!("[{big},2]"), format!("[{},8]", 1u64 << 58)] {
            assert_eq!(
                message(&format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":[0,0]}}}}"#)),
                format!(
                    "error[4]: F: tensor \"a\" has a shape that no memory can hold\n  found: {}",
                    shape.replace(',', ", ")
                )
            );
        }
        assert_eq!(
            message(r#"{"a":{"dtype":"F\u001b99","shape":[2],"data_offsets":[0,8]}}"#),
            "error[4]: F: tensor \"a\" has an unknown type of number\n  \
             expected: F64, F32, F16, BF16 or I64\n  found: \"F\\u{1b}99\""
        );
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for (header, found) in [
            ("{\"a\"", "EOF while parsing an object at line 1 column 4"),
            ("{} x", "trailing characters at line 1 column 4"),
            ("[1]", "invalid type: sequence, expected an object of tensors at line 1 column 0"),
            (
                r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}"#,
                "invalid value: integer `-1`, expected u64 at line 1 column 31",
            ),
        ] {
            assert_eq!(message(header), format!("error[4]: F: the header is damaged\n  found: {found}"));
        }
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert!(message(&deep).starts_with("error[4]: F: the header is damaged"));
    }
}

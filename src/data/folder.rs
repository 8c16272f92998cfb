//! Folders of images: `FOLDER/CLASS/*.png`, or `FOLDER/*.png` where no classes are needed.
//!
//! Samples stand in the order of their names, class by class. Their columns are `path` (below the folder), `image` and, where
//! there are classes, `label`. Folders within a class belong to it; what begins with a dot is passed over.

use std::fs;
use std::path::{Path, PathBuf};

use super::picture::{ENDINGS, has_image_name};
use super::rows::{Meaning, MemoryRows, RowBuffer};
use super::source::{Input, Source, cannot_open, printable};
use crate::error::{Error, Result};

/// How deep folders are searched: more is a circle of links.
const DEPTH: usize = 16;

/// The images of a source, one for each row.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) rows: MemoryRows,
    pub(super) paths: Vec<PathBuf>,
    /// Names of files that are no images.
    pub(super) others: Vec<String>,
}

/// The column of images among those of a listing.
pub(super) const IMAGE: usize = 1;

/// Whether there is an image in a folder or below.
pub(super) fn holds_images(folder: &Path) -> bool {
    find(folder, DEPTH, &mut |path| has_image_name(&path.to_string_lossy())).unwrap_or(false)
}

impl Listing {
    /// Lists all folders of `source`.
    ///
    /// # Errors
    /// [`Code::Data`](crate::error::Code::Data) where some images have a class and others none, or none has one although
    /// `labels` are needed; [`Code::Usage`](crate::error::Code::Usage) for folders beside files;
    /// [`Code::Environment`](crate::error::Code::Environment) for what may not be read.
    pub(super) fn new(source: &Source, labels: bool) -> Result<Listing> {
        let mut found: Vec<(PathBuf, PathBuf)> = Vec::new();
        let mut others = Vec::new();
        for input in source.inputs() {
            let Input::File(folder) = input else {
                return Err(Error::usage(input.name(), "standard input beside a folder of images"));
            };
            if !folder.is_dir() {
                return Err(Error::usage(input.name(), "a file beside a folder of images"));
            }
            find(folder, DEPTH, &mut |path| {
                match has_image_name(&path.to_string_lossy()) {
                    true => found.push((folder.clone(), path.to_owned())),
                    false => others.push(printable(path)),
                }
                false
            })?;
        }
        let name = source.name();
        let below =
            |(folder, path): &(PathBuf, PathBuf)| path.strip_prefix(folder).unwrap_or(path).to_owned();
        let class = |path: &Path| {
            let mut parts = path.components();
            let first = parts.next()?.as_os_str().to_str()?.to_owned();
            parts.next().map(|_| first)
        };
        let classes: Vec<Option<String>> = found.iter().map(|f| class(&below(f))).collect();
        let labelled = classes.first().is_some_and(Option::is_some);
        if let Some(odd) = classes.iter().position(|c| c.is_some() != labelled) {
            let lone = if labelled { odd } else { 0 };
            return Err(Error::data(printable(&found[lone].1), "an image beside folders of images")
                .expected("every image in the folder of its class, or none"));
        }
        if labels && !labelled {
            return Err(Error::data(name, "these images are in no folders of classes")
                .expected(format!("FOLDER/CLASS/*{}", ENDINGS[0])));
        }
        let columns: Vec<String> =
            ["path", "image", "label"].into_iter().take(2 + usize::from(labelled)).map(Into::into).collect();
        let meanings = [(0, Meaning::Origin), (2, Meaning::Class)];
        let mut texts = RowBuffer::new(&name, &columns).with_meanings(&meanings).with_unit("");
        for (image, class) in found.iter().zip(&classes) {
            let below = below(image);
            let Some(below) = below.to_str() else {
                return Err(
                    Error::data(printable(&image.1), "a name that is not UTF-8").help("rename the file")
                );
            };
            texts.start_row(&printable(&image.1), 1);
            texts.push_field(below);
            texts.push_field("");
            class.iter().for_each(|class| texts.push_field(class));
        }
        Ok(Listing {
            rows: MemoryRows::new(texts),
            paths: found.into_iter().map(|(_, path)| path).collect(),
            others,
        })
    }

    /// A sentence on the files that are no images, if there are some.
    pub(super) fn note(&self) -> Option<String> {
        let shown = self.others.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        let more = if self.others.len() > 3 { ", …" } else { "" };
        match self.others.len() {
            0 => None,
            1 => Some(format!("1 file is no image and was passed over: {shown}")),
            n => Some(format!("{n} files are no images and were passed over: {shown}{more}")),
        }
    }
}

/// Shows `look` every file in a folder and below, in the order of their names, until it has enough.
fn find(folder: &Path, depth: usize, look: &mut dyn FnMut(&Path) -> bool) -> Result<bool> {
    if depth == 0 {
        return Err(Error::data(printable(folder), "folders within folders without an end"));
    }
    let unreadable = |e: std::io::Error| cannot_open(&printable(folder), &e);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    for path in entries.iter().filter(|path| !hidden(path)) {
        if if path.is_dir() { find(path, depth - 1, look)? } else { look(path) } {
            return Ok(true);
        }
    }
    Ok(false)
}

//! Images that are wrong, missing, or too large.

use image::ImageFormat;

use super::failed;
use crate::cli::Place;
use crate::images::{idx, picture};

/// A table of thirty images, and its flags.
fn table(change: impl Fn(usize) -> Option<Vec<u8>>) -> Place {
    let mut place = Place::new();
    let mut rows = "photo,y\n".to_owned();
    for i in 0..30 {
        rows += &format!("p/{i}.png,{}\n", ["a", "b"][i % 2]);
        let bytes = change(i).unwrap_or_else(|| picture(i % 2, i, ImageFormat::Png));
        if !bytes.is_empty() {
            place = place.with(&format!("p/{i}.png"), bytes);
        }
    }
    place.with("t.csv", rows)
}

fn train(place: &Place, flags: &str) -> String {
    failed(place, &format!("train --data t.csv --target y {flags}"))
}

fn only(at: usize, bytes: &[u8]) -> impl Fn(usize) -> Option<Vec<u8>> {
    let bytes = bytes.to_vec();
    move |i| (i == at).then(|| bytes.clone())
}

#[test]
fn an_image_that_is_not_there() {
    insta::assert_snapshot!(train(&table(only(3, b"")), ""), @r#"
    exit 3
    error[3]: t.csv, line 5, column "photo": there is no such image
      found: "p/3.png"
      help: fix this row, or leave bad rows out: --on-bad-row skip
    "#);
}

#[test]
fn a_broken_image() {
    let half = picture(0, 0, ImageFormat::Png)[..60].to_vec();
    insta::assert_snapshot!(train(&table(only(3, &half)), ""), @r#"
    exit 3
    error[3]: t.csv, line 5, column "photo": the image cannot be read: unexpected end of file
      found: "p/3.png"
      help: copy or download the image again; or fix this row, or leave bad rows out: --on-bad-row skip
    "#);
    insta::assert_snapshot!(train(&table(only(3, b"no image at all")), ""), @r#"
    exit 3
    error[3]: t.csv, line 5, column "photo": no image
      expected: a PNG, JPEG or BMP file
      found: "p/3.png"
      help: fix this row, or leave bad rows out: --on-bad-row skip
    "#);
}

#[test]
fn bad_images_are_skipped_and_counted() {
    let place = table(only(3, b"no image at all"));
    insta::assert_snapshot!(train(&place, "--on-bad-row skip"), @r#"
    exit 3
    error[3]: t.csv: 1 of 30 rows are bad
      expected: at most 1 %
      found: t.csv, line 5, column "photo": no image
      help: fix the rows, or raise data.max_bad_fraction
    "#);
    let end = place.run("check --data t.csv --target y --on-bad-row skip --set data.max_bad_fraction=0.1");
    assert_eq!(end.code, 0, "{}", end.err);
    insta::assert_snapshot!(end.err.lines().next().expect("a note"), @r#"note: 1 of 30 rows skipped: t.csv, line 5, column "photo": no image"#);
}

#[test]
fn an_image_of_another_size() {
    let place = table(only(3, &crate::images::picture(0, 0, ImageFormat::Png)));
    let tall = image::RgbImage::new(6, 9);
    tall.save(place.path().join("p/3.png")).expect("a file");
    insta::assert_snapshot!(train(&place, ""), @r#"
    exit 3
    error[3]: t.csv, line 5, column "photo": an image of 6 x 9 pixels, RGB
      expected: 6 x 6 pixels, RGB, as in the first image
      found: "p/3.png"
      help: for images of several sizes: [data.inputs.photo] columns = "photo", shape = [3, 6, 6]; or fix this row, or leave bad rows out: --on-bad-row skip
    "#);
}

#[test]
fn an_image_that_promises_too_much() {
    let mut bomb = b"BM".to_vec();
    bomb.extend([0; 8]);
    for number in [54u32, 40, 60_000, 60_000] {
        bomb.extend(number.to_le_bytes());
    }
    bomb.extend([1, 0, 24, 0]);
    bomb.extend([0; 24]);
    insta::assert_snapshot!(train(&table(only(3, &bomb)), ""), @r#"
    exit 3
    error[3]: t.csv, line 5, column "photo": an image of 60000 x 60000 pixels
      expected: at most 100 million pixels
      found: "p/3.png"
      help: fix this row, or leave bad rows out: --on-bad-row skip
    "#);
}

#[test]
fn a_missing_path() {
    let place = table(only(99, b""));
    let rows = std::fs::read_to_string(place.path().join("t.csv")).expect("a table").replace("p/3.png", "");
    let place = place.with("t.csv", rows);
    insta::assert_snapshot!(train(&place, ""), @r#"
    exit 3
    error[3]: t.csv, line 5, column "photo": the field is missing, and nothing can stand for it
      help: remove the row, or train with data.columns.photo.missing = "drop_row"
    "#);
    let drop = "check --data t.csv --target y --set data.columns.photo.missing=drop_row";
    let end = place.run(drop);
    assert_eq!(end.code, 0, "{}", end.err);
    insta::assert_snapshot!(end.err.lines().next().expect("a note"), @"note: 1 row with missing values was left out");
}

#[test]
fn a_shape_that_no_image_has() {
    let place = table(only(99, b""));
    let inputs = "--set data.inputs.photo.columns=photo";
    insta::assert_snapshot!(train(&place, &format!("{inputs} --set data.inputs.photo.shape=[4,8,8]")), @"
    exit 2
    error[2]: data.inputs.photo.shape: no image has this shape
      expected: [1, H, W] for grey images, [3, H, W] for coloured ones
      found: [4, 8, 8]
    ");
    insta::assert_snapshot!(train(&place, &format!("{inputs} --set data.inputs.photo.resize=pad")), @"
    exit 2
    error[2]: data.inputs.photo.resize: there is no size to give to images
      help: set data.inputs.photo.shape = [C, H, W]
    ");
    let memory = "--set data.inputs.photo.shape=[3,2000000000,2000000000]";
    let message = train(&place, &format!("{inputs} {memory}"));
    assert!(message.starts_with("exit 5\nerror[5]: t.csv: the images do not fit into memory\n"), "{message}");
}

#[test]
fn folders_that_are_no_classes() {
    let image = || picture(0, 0, ImageFormat::Png);
    let place = Place::new().with("d/a.png", image()).with("d/b.png", image());
    insta::assert_snapshot!(failed(&place, "train --data d --target label"), @"
    exit 3
    error[3]: d: these images are in no folders of classes
      expected: FOLDER/CLASS/*.png
    ");
    let place = place.with("d/c/a.png", image());
    insta::assert_snapshot!(failed(&place, "train --data d --target label"), @"
    exit 3
    error[3]: d/a.png: an image beside folders of images
      expected: every image in the folder of its class, or none
    ");
    let place = Place::new().with("d/a.txt", "x");
    insta::assert_snapshot!(failed(&place, "train --data d --target label"), @r#"
    exit 2
    error[2]: d: this is a directory, not a file
      help: name the file in it, or a glob such as "DIR/*.csv"
    "#);
    let place = Place::new().with("d/a/a.png", image()).with("d/a/b.png", image());
    insta::assert_snapshot!(failed(&place, "train --data d --target label"), @r#"
    exit 3
    error[3]: d, column "label": one class only
      expected: two classes or more
      found: "a" in all 2 rows
      help: name another target, or add rows of other classes
    "#);
}

#[test]
fn idx_files_that_do_not_fit() {
    let place = Place::new()
        .with("images.idx", idx(&[3, 2, 2], [0; 12]))
        .with("labels.idx", idx(&[2], [0, 1]))
        .with("short.idx", idx(&[3, 2, 2], [0; 11]))
        .with("other.idx", "a,b\n1,2\n")
        .with("flat.idx", idx(&[3, 4], [0; 12]));
    let train = |files: &str| failed(&place, &format!("train {files} --target label"));
    insta::assert_snapshot!(train("--data images.idx"), @"
    exit 3
    error[3]: labels.idx: 2 labels for 3 images
      expected: one for each image of images.idx
    ");
    insta::assert_snapshot!(train("--data images.idx --data short.idx"), @"
    exit 3
    error[3]: short.idx: the file is cut short
      expected: 12 bytes behind the header, for 3 x 2 x 2
      found: 11 bytes
      help: copy or download the file again
    ");
    insta::assert_snapshot!(train("--data other.idx"), @"
    exit 3
    error[3]: other.idx: not an IDX file, though it has the name of one
      expected: two bytes 0, a type, the number of dimensions
      found: the bytes 61 2c 62 0a
    ");
    insta::assert_snapshot!(train("--data flat.idx"), @"
    exit 3
    error[3]: flat.idx: 2 dimensions are neither images nor labels
      expected: [N, H, W] or [N, H, W, C] for images, [N] for labels
    ");
}

#[test]
fn an_augmentation_of_another_kind_of_input() {
    let rows: String = (0..30).map(|i| format!("{i},{},{}\n", i * i % 7, ["a", "b"][i % 2])).collect();
    let place = Place::new().with("t.csv", format!("p1,p2,y\n{rows}"));
    let input = "--set data.inputs.x.columns=p* --set data.inputs.x.shape=[1,2]";
    insta::assert_snapshot!(train(&place, &format!("{input} --set data.inputs.x.augment=[\"rotation\"]")), @"
    exit 2
    error[2]: data.inputs.x.augment: rotation does not fit this input
      expected: images: a shape [C, H, W]
      found: a shape [1, 2]
    ");
    insta::assert_snapshot!(train(&place, &format!("{input} --set data.inputs.x.augment=[\"rotate\"]")), @r#"
    exit 2
    error[2]: --set "data.inputs.x.augment=[\"rotate\"]": data.inputs.x.augment.0: unknown augmentation "rotate"
      help: did you mean "rotation"? known here: horizontal_flip, shift, random_crop, rotation, brightness, cutout, jitter, scaling, crop
    "#);
}

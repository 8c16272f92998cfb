//! Images as a user has them: IDX files, a folder for each class, a column of paths, pixels in columns.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use crate::cli::Place;

/// The shape and the bytes of IDX.
pub(crate) fn idx(dims: &[u32], bytes: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dims.len() as u8];
    dims.iter().for_each(|n| file.extend(n.to_be_bytes()));
    file.extend(bytes);
    file
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Pixels of a 6 x 6 image of a class: one half of it is bright, and the rest differs from image to image.
fn pixels(class: usize, i: usize) -> impl Iterator<Item = u8> {
    (0..36).map(move |at| {
        let bright = if class == 0 { at % 6 < 3 } else { at < 18 };
        (if bright { 160 } else { 20 }) + ((at * 7 + i * 13) % 60) as u8
    })
}

/// A picture of a class as a file.
pub(crate) fn picture(class: usize, i: usize, format: ImageFormat) -> Vec<u8> {
    let bytes: Vec<u8> = pixels(class, i).collect();
    let image = RgbImage::from_fn(6, 6, |x, y| {
        let grey = bytes[(y * 6 + x) as usize];
        Rgb([grey, grey / 2, 255 - grey])
    });
    let mut file = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(image).write_to(&mut file, format).expect("memory");
    file.into_inner()
}

/// `n` images in MNIST's two files.
fn mnist(place: Place, name: &str, n: usize) -> Place {
    let images = idx(&[n as u32, 6, 6], (0..n).flat_map(|i| pixels(i % 2, i)));
    let labels = idx(&[n as u32], (0..n).map(|i| (i % 2) as u8 + 3));
    place
        .with(&format!("{name}-images-idx3-ubyte.gz"), gz(&images))
        .with(&format!("{name}-labels-idx1-ubyte"), labels)
}

/// Folders `NAME/a` and `NAME/b` with `n` images each, of all formats.
fn folders(mut place: Place, name: &str, n: usize) -> Place {
    for i in 0..n {
        let (format, end) =
            [(ImageFormat::Png, "png"), (ImageFormat::Jpeg, "JPG"), (ImageFormat::Bmp, "bmp")][i % 3];
        for (class, folder) in ["a", "b"].into_iter().enumerate() {
            place = place.with(&format!("{name}/{folder}/{i}.{end}"), picture(class, i, format));
        }
    }
    place
}

/// A table of the images in `photos/`, with a number beside each.
fn table(n: usize) -> String {
    let row = |i: usize| {
        let (class, end) = (i % 2, ["png", "JPG", "bmp"][i / 2 % 3]);
        format!("photos/{}/{}.{end},{i},{}\n", ["a", "b"][class], i / 2, ["a", "b"][class])
    };
    format!("photo,age,kind\n{}", (0..n).map(row).collect::<String>())
}

const QUICK: &str = "--quiet --set train.epochs=40 --set model.layers=[{type=\"flatten\"}] --run-dir r";

fn accuracy(json: &str) -> f64 {
    serde_json::from_str::<serde_json::Value>(json).expect("JSON")["accuracy"].as_f64().expect("a number")
}

#[test]
fn idx_files_train_and_predict() {
    let place = mnist(mnist(Place::new(), "train", 80), "test", 20);
    let train = "train --data train-images-idx3-ubyte.gz --target label";
    place.run(&format!("{train} --set data.test=test-images-idx3-ubyte.gz {QUICK}")).worked();
    let scores = place.run("eval r test-images-idx3-ubyte.gz --format json").worked();
    assert_eq!(accuracy(&scores), 1.0);
    // The labels as a second file, by name; and no labels at all.
    let alone = std::fs::read(place.path().join("test-images-idx3-ubyte.gz")).expect("images");
    let place = place.with("alone.idx", &alone);
    let out = place.run("predict r alone.idx").worked();
    assert_eq!(out.lines().take(3).collect::<Vec<_>>(), ["prediction", "3", "4"]);
    assert_eq!(place.feed("predict r -", alone).worked(), out);
    let kept = place.run("predict r test-images-idx3-ubyte.gz --keep label").worked();
    assert_eq!(kept.lines().take(3).collect::<Vec<_>>(), ["label,prediction", "3,3", "4,4"]);
    let check = place.run("check --data train-images-idx3-ubyte.gz --target label").worked();
    assert!(
        check.starts_with("image  image, 6 x 6 x 1\nlabel  target: 2 classes (labels of images)\n"),
        "{check}"
    );
}

#[test]
fn two_idx_files_are_told_apart() {
    let place = mnist(Place::new(), "t", 40);
    let first = "train --data t-labels-idx1-ubyte --data t-images-idx3-ubyte.gz --target label";
    place.run(&format!("{first} {QUICK}")).worked();
}

#[test]
fn a_folder_for_each_class() {
    let place = folders(folders(Place::new(), "train", 40), "test", 10).with("test/a/.hidden", "x");
    place.run(&format!("train --data train --target label {QUICK}")).worked();
    let scores = place.run("eval r test --format json").worked();
    assert!(accuracy(&scores) > 0.9, "{scores}");
    let out = place.run("predict r test --keep path,label").worked();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[1]), (21, "path,label,prediction", "a/0.png,a,a"));
    let plain = place.run("predict r test/b --keep all").worked();
    assert!(plain.starts_with("path,image,prediction\n0.png,,b\n1.JPG,,b\n"), "{plain}");
    let config = place.run("init train --target label").worked();
    assert!(config.contains("# columns.image.type = \"image\"  # image, 6 x 6 x 3\n"), "{config}");
    let check = place.run("check --data train --target label").worked();
    assert!(
        check.starts_with("path   left out: it says where the row comes from\nimage  image, 6 x 6 x 3\n"),
        "{check}"
    );
}

#[test]
fn files_that_are_no_images_are_told() {
    let place = folders(Place::new(), "d", 20).with("d/a/notes.txt", "x").with("d/.DS_Store", "x");
    let end = place.run("check --data d --target label");
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(end.err.contains("1 file is no image and was passed over: d/a/notes.txt"), "{}", end.err);
}

#[test]
fn a_column_of_paths_beside_numbers() {
    let config = r#"
        [data]
        train = "../tables/t.csv"
        target = "kind"
        exclude = "age"
        [data.inputs.photo]
        columns = "photo"
        shape = [1, 4, 4]
        resize = "crop"
        [model]
        layers = [{ type = "flatten" }]
        [train]
        epochs = 12
    "#;
    let place = folders(Place::new(), "tables/photos", 40);
    let place = place.with("tables/t.csv", table(80)).with("configs/c.toml", config);
    place.run("train configs/c.toml --quiet --run-dir r").worked();
    let scores = place.run("eval r tables/t.csv --format json").worked();
    assert!(accuracy(&scores) > 0.9, "{scores}");
    let out = place.run("predict r tables/t.csv --keep photo").worked();
    assert!(out.starts_with("photo,prediction\nphotos/a/0.png,a\nphotos/b/0.png,b\n"), "{out}");
    // From standard input, paths start at the current directory.
    let rows = table(80).replace("photos/", "tables/photos/");
    assert_eq!(place.feed("predict r", rows).worked().lines().count(), 81);
    let check = place.run("check configs/c.toml").worked();
    assert!(check.starts_with("photo  image, 4 x 4 x 1\n"), "{check}");
}

#[test]
fn threads_and_blocks_make_no_difference() {
    let place = folders(Place::new(), "d", 150);
    let model = |threads: usize| {
        let run = format!(
            "train --data d --target label {QUICK}{threads} --set train.epochs=2 --threads {threads}"
        );
        place.run(&run).worked();
        std::fs::read(place.path().join(format!("r{threads}/model.safetensors"))).expect("a model")
    };
    assert_eq!(model(1), model(3));
}

const AUGMENT: &str = r#"
    seed = 3
    [data]
    train = "t-images-idx3-ubyte.gz"
    target = "label"
    [data.inputs.image]
    columns = "image"
    augment = [
        { type = "shift", max_x = 1, max_y = 0 },
        "horizontal_flip",
        { type = "random_crop", padding = 1 },
        { type = "rotation", degrees = 5 },
        { type = "brightness", factor = 0.1 },
        { type = "cutout", size = 2 },
    ]
    [model]
    layers = [{ type = "flatten" }]
    [train]
    epochs = 3
    batch_size = 16
    checkpoint_every_steps = 1
    schedule = "constant"
"#;

#[test]
fn augmented_training_is_the_same_on_any_threads_and_resumes() {
    let place = mnist(Place::new(), "t", 80).with("c.toml", AUGMENT);
    let model =
        |run: &str| std::fs::read(place.path().join(format!("{run}/model.safetensors"))).expect("a model");
    let train = |run: &str, flags: &str| {
        place.run(&format!("train c.toml --quiet --run-dir {run} {flags}")).worked();
        model(run)
    };
    let whole = train("a", "--threads 1");
    assert!(whole == train("b", "--threads 3"));
    assert!(whole != train("c", "--set data.inputs.image.augment=[]"));
    train("d", "--set train.epochs=1");
    place.run("train --resume --quiet --run-dir d --set train.epochs=3").worked();
    let scores = |run: &str| place.run(&format!("eval {run} t-images-idx3-ubyte.gz --format json")).worked();
    assert_eq!(scores("a"), scores("d"));
    assert_eq!(scores("a"), scores("a"), "nothing is drawn outside of training");
}

#[test]
fn pixels_in_columns_are_augmented_as_files_are() {
    let header: Vec<String> = (0..36).map(|i| format!("p{i}")).collect();
    let row = |i: usize| {
        let numbers: Vec<String> = pixels(i % 2, i).map(|x| x.to_string()).collect();
        format!("{},{}\n", numbers.join(","), ["a", "b"][i % 2])
    };
    let text = format!("{},y\n{}", header.join(","), (0..80).map(row).collect::<String>());
    let place = Place::new().with("t.csv", text);
    let shape = r#"data.inputs.x={columns="p*",shape=[1,6,6],augment=[{type="cutout",size=2}]}"#;
    let run = |shape: &str| {
        let words = ["train", "--data", "t.csv", "--target", "y", "--quiet", "--run-dir"];
        let more = [
            "--set",
            "train.epochs=2",
            "--set",
            "model.layers=[{type=\"flatten\"}]",
            "--set",
            shape,
            "--force",
        ];
        let output = place.command().args(words).arg("r").args(more).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(place.path().join("r/model.safetensors")).expect("a model")
    };
    let plain = run(r#"data.inputs.x={columns="p*",shape=[1,6,6]}"#);
    assert!(run(shape) != plain);
}

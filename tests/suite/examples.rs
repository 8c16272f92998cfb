//! Every config of `configs/` trains, and better than the majority class or the mean.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

#[test]
fn every_example_trains_and_its_written_config_gives_the_same_model() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(root, folder.path());
    clothes(&folder.path().join("data/fashion-mnist"));
    series(&folder.path().join("data/ucr"));
    hours(&folder.path().join("data/bike-sharing"));
    texts(&folder.path().join("data"));
    messages(&folder.path().join("data/sms-spam"));
    let configs = folder.path().join("configs");
    let mut configs: Vec<_> =
        fs::read_dir(configs).expect("configs").map(|e| e.expect("an entry").path()).collect();
    configs.sort();
    assert!(configs.len() >= 16, "{configs:?}");
    for (i, config) in configs.iter().enumerate() {
        let (first, second) = (folder.path().join(format!("{i}-a")), folder.path().join(format!("{i}-b")));
        // A few steps on a little made-up data show that the config is sound, not that it is good.
        let foreign = fs::read_to_string(config).expect("a config").contains("not in this repository");
        train(config, &first, if foreign { &["--set", "train.max_steps=3"] } else { &[] });
        if !foreign {
            // Counts of pairs of letters give the text of the language models 3.4 bits a character.
            let good = best(&first, "accuracy")
                .max(best(&first, "r2") + 0.45)
                .max(4.0 - least(&first, "bits_per_char"));
            assert!(good > 0.85, "{}: {good}", config.display());
        }
        train(&first.join("config.toml"), &second, &[]);
        let model = |run: &Path| fs::read(run.join("model.safetensors")).expect("a model");
        assert!(
            model(&first) == model(&second),
            "{}: the written config trains another model",
            config.display()
        );
    }
}

/// The largest figure of that name in the run's log.
fn best(run: &Path, name: &str) -> f64 {
    let log = fs::read_to_string(run.join("metrics.jsonl")).expect("a log");
    let rows = log.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).expect("a JSON object"));
    rows.filter_map(|row| row[name].as_f64()).fold(f64::NEG_INFINITY, f64::max)
}

/// The smallest figure of that name in the run's log.
fn least(run: &Path, name: &str) -> f64 {
    let log = fs::read_to_string(run.join("metrics.jsonl")).expect("a log");
    let rows = log.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).expect("a JSON object"));
    rows.filter_map(|row| row[name].as_f64()).fold(f64::INFINITY, f64::min)
}

/// A play and a list of names.
fn texts(folder: &Path) {
    for (path, line) in
        [("tiny-shakespeare/input.txt", "First Citizen:\nSpeak, speak"), ("names/names.txt", "ann")]
    {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let text: String =
            (0..600).map(|i| format!("{line}{}\n", char::from(b'a' + (i * i % 7) as u8))).collect();
        fs::write(path, text).expect("written");
    }
}

/// Messages with a label before them, some of them with a quote that is never closed.
fn messages(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    let message = |i: usize| match i % 4 {
        0 => format!("spam\tWIN {i} pounds! Call 0900{i} now\n"),
        i => format!("ham\tSee you at {i}, and \"bring the dog\n"),
    };
    gzip(&folder.join("sms.tsv.gz"), (0..80).map(message).collect::<String>().as_bytes());
}

/// The folders `configs` and `data`, whose files refer to each other.
fn copy(from: &Path, to: &Path) {
    for name in ["configs", "data"] {
        fs::create_dir_all(to.join(name)).expect("a folder");
        for file in fs::read_dir(from.join(name)).expect("a folder of this repository") {
            let path = file.expect("an entry").path();
            if path.is_file() {
                let name = to.join(name).join(path.file_name().expect("a name"));
                fs::copy(&path, name).expect("a copy");
            }
        }
    }
}

/// Four files like those of Fashion-MNIST, with a few images.
fn clothes(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    for (part, images) in [("train", 160usize), ("t10k", 40)] {
        let pixels: Vec<u8> = (0..images * 784)
            .map(|i| {
                let (class, row) = (i / 784 % 10, i % 784 / 28);
                if row / 2 == class { 200 } else { (i * 7 % 50) as u8 }
            })
            .collect();
        let labels: Vec<u8> = (0..images).map(|i| (i % 10) as u8).collect();
        let count = (images as u32).to_be_bytes();
        let side = 28u32.to_be_bytes();
        let images = [&[0, 0, 8, 3][..], &count, &side, &side, &pixels].concat();
        gzip(&folder.join(format!("{part}-images-idx3-ubyte.gz")), &images);
        gzip(
            &folder.join(format!("{part}-labels-idx1-ubyte.gz")),
            &[&[0, 0, 8, 1][..], &count, &labels].concat(),
        );
    }
}

/// A row a series, and a row a step, in the columns that the configs of the archive's sets name.
fn series(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    for part in ["train", "test"] {
        let steps: Vec<String> = (0..150).map(|t| format!("t{t}")).collect();
        let mut wide = format!("label,{}\n", steps.join(","));
        for row in 0..12 {
            let numbers = (0..150).map(|t| format!(",{}", (t * (row % 2 + 1) + row) % 17));
            wide += &format!("{}{}\n", row % 2 + 1, numbers.collect::<String>());
        }
        fs::write(folder.join(format!("GunPoint_{part}.csv")), wide).expect("written");
        let channels: Vec<String> = (0..12).map(|c| format!("c{c}")).collect();
        let mut long = format!("series_id,t,{},label\n", channels.join(","));
        for id in 0..18 {
            for t in 0..7 + id % 5 {
                let numbers = (0..12).map(|c| format!(",{}", (id * 3 + t * 5 + c * 7) % 11));
                long += &format!("{id},{t}{},{}\n", numbers.collect::<String>(), id % 9 + 1);
            }
        }
        fs::write(folder.join(format!("JapaneseVowels_{part}.csv")), long).expect("written");
    }
}

/// Forty days of rents, in UCI's columns.
fn hours(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    let mut table = "instant,dteday,season,yr,mnth,hr,holiday,weekday,workingday,weathersit,temp,atemp,hum,windspeed,casual,registered,cnt\n".to_owned();
    for i in 0..960 {
        let (day, hour) = (i / 24, i % 24);
        let (weekday, rents) = (day % 7, (hour * 7 + day) % 50 + 1);
        table += &format!(
            "{},2011-0{}-{:02},{},0,{},{hour},{},{weekday},{},{},0.{},0.{},0.{},0.{},{},{},{rents}\n",
            i + 1,
            day / 28 + 1,
            day % 28 + 1,
            day / 20 + 1,
            day / 28 + 1,
            u8::from(day == 9),
            u8::from(weekday % 6 > 0),
            i % 3 + 1,
            20 + i % 30,
            21 + i % 29,
            40 + i % 40,
            i % 9,
            rents / 2,
            rents - rents / 2,
        );
    }
    fs::write(folder.join("hour.csv"), table).expect("written");
}

fn gzip(path: &Path, bytes: &[u8]) {
    let mut encoder = GzEncoder::new(fs::File::create(path).expect("a file"), Compression::fast());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("the end of the file");
}

fn train(config: &Path, run_dir: &Path, more: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_backprop"))
        .arg("train")
        .arg(config)
        .args(["--quiet", "--run-dir"])
        .arg(run_dir)
        .args(more)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}\n{}", config.display(), String::from_utf8_lossy(&output.stderr));
}

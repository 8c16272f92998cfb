//! What a user of `predict` relies on.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::blocks::BLOCK_ROWS;
use super::testing::{Trained, table};
use super::{Format, Keep, PredictOptions, Silent, Stop, predict};
use crate::data::source::Source;
use crate::error::Code;

const CSV: PredictOptions =
    PredictOptions { format: Format::Csv, proba: false, keep: Keep::None, on_bad_row: None };

fn keep(names: &[&str]) -> Keep {
    Keep::Columns(names.iter().map(|&n| n.into()).collect())
}

fn iris() -> Trained {
    Trained::new(&table("iris.csv"), &["data.target=species"])
}

fn numbers(line: &str) -> Vec<f32> {
    line.split(',').filter_map(|f| f.parse().ok()).collect()
}

const THREE: &str =
    "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n7,3.2,4.7,1.4\n6.3,3.3,6,2.5\n";

#[test]
fn classes_have_probabilities_in_the_order_of_the_classes() {
    let model = Trained::new(&table("iris.csv"), &["data.target=species", "train.epochs=60"]);
    let (plain, notes) = model.predict(THREE, &CSV).unwrap();
    assert_eq!(plain, "prediction\nsetosa\nversicolor\nvirginica\n");
    assert_eq!(notes, [""; 0]);
    let (text, _) = model.predict(THREE, &PredictOptions { proba: true, ..CSV }).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "prediction,probability_setosa,probability_versicolor,probability_virginica");
    for (i, line) in lines[1..].iter().enumerate() {
        let p = numbers(line);
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{line}");
        assert!(p.iter().all(|&other| other <= p[i]), "{line}");
    }
    let options = PredictOptions { format: Format::Jsonl, proba: true, ..CSV };
    let (json, _) = model.predict(THREE, &options).unwrap();
    for (line, csv) in json.lines().zip(&lines[1..]) {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        let p: Vec<f32> = object["probabilities"]
            .as_object()
            .unwrap()
            .values()
            .map(|v| v.as_f64().unwrap() as f32)
            .collect();
        assert_eq!(p, numbers(csv));
        assert!(csv.starts_with(object["prediction"].as_str().unwrap()));
        assert!(line.starts_with("{\"prediction\":\"") && line.contains("\"probabilities\":{\"setosa\":"));
    }
}

#[test]
fn kept_columns_come_first_as_they_stand() {
    let model = Trained::new(&table("iris.csv"), &["data.target=species", "train.epochs=60"]);
    let text = "name;petal_length;petal_width;id;sepal_length;sepal_width\n\
                \"a, \"\"b\"\"\";1.40;0.2; 007 ;5.1;3.5\n\"x\ny\";6;2.5;;6.3;3.3\n";
    let options = PredictOptions { keep: keep(&["id", "name", "petal_length"]), ..CSV };
    let (csv, notes) = model.predict(text, &options).unwrap();
    assert_eq!(
        csv,
        "id,name,petal_length,prediction\n007,\"a, \"\"b\"\"\",1.40,setosa\n,\"x\ny\",6,virginica\n"
    );
    assert_eq!(notes, [""; 0]);
    let (jsonl, _) = model.predict(text, &PredictOptions { format: Format::Jsonl, ..options }).unwrap();
    assert_eq!(
        jsonl,
        "{\"id\":\"007\",\"name\":\"a, \\\"b\\\"\",\"petal_length\":\"1.40\",\"prediction\":\"setosa\"}\n\
         {\"id\":\"\",\"name\":\"x\\ny\",\"petal_length\":\"6\",\"prediction\":\"virginica\"}\n"
    );
    let (all, _) = model.predict(text, &PredictOptions { keep: Keep::All, ..CSV }).unwrap();
    assert!(all.starts_with("name,petal_length,petal_width,id,sepal_length,sepal_width,prediction\n"));
    let (_, notes) = model.predict(text, &PredictOptions { keep: keep(&["id"]), ..CSV }).unwrap();
    assert_eq!(notes, ["column \"name\" is ignored: the model does not know it"]);
    let (_, notes) = model.predict(text, &CSV).unwrap();
    assert_eq!(notes, ["2 columns are ignored: the model does not know \"name\", \"id\""]);
}

#[test]
fn wrong_columns_are_refused() {
    let model = iris();
    let message =
        |text: &str, options: PredictOptions| model.predict(text, &options).unwrap_err().to_string();
    assert_eq!(
        message(THREE, PredictOptions { keep: keep(&["petal_lenght"]), ..CSV }),
        "error[2]: --keep: there is no column \"petal_lenght\"\n  expected: one of \"sepal_length\", \
         \"sepal_width\", \"petal_length\", \"petal_width\", or all\n  help: did you mean \"petal_length\"?"
    );
    assert_eq!(
        message(THREE, PredictOptions { keep: keep(&["petal_width", "petal_width"]), ..CSV }),
        "error[2]: --keep: the column \"petal_width\" is named twice"
    );
    let taken = THREE.replace("sepal_length,", "prediction,sepal_length,").replace("\n5", "\n1,5");
    let taken = taken.replace("\n7", "\n1,7").replace("\n6", "\n1,6");
    assert_eq!(
        message(&taken, PredictOptions { keep: Keep::All, ..CSV }),
        "error[2]: --keep: the kept column \"prediction\" has the name of a column of the output\n  help: rename it \
         in the input, or name the columns to keep without it"
    );
    let lacking = message("sepal_length,petal_width\n1,2\n", CSV);
    assert!(lacking.starts_with("error[4]: ") && lacking.contains("\"sepal_width\", \"petal_length\""));
}

#[test]
fn the_order_of_columns_and_the_packing_of_the_file_do_not_matter() {
    let model = iris();
    let options = PredictOptions { proba: true, ..CSV };
    let (straight, _) = model.predict(&table("iris.csv"), &options).unwrap();
    let reversed: Vec<String> =
        table("iris.csv").lines().map(|line| line.split(',').rev().collect::<Vec<_>>().join("\t")).collect();
    assert_eq!(model.predict(&reversed.join("\r\n"), &options).unwrap().0, straight);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(table("iris.csv").as_bytes()).unwrap();
    let path = model.file("new.csv.gz", packed.finish().unwrap());
    assert_eq!(model.predict_file(&path, &options).unwrap().0, straight);
}

#[test]
fn a_table_without_rows_gives_a_header() {
    let model = iris();
    let header = THREE.lines().next().unwrap();
    let options = PredictOptions { keep: keep(&["petal_width"]), proba: true, ..CSV };
    let (csv, _) = model.predict(header, &options).unwrap();
    assert_eq!(
        csv,
        "petal_width,prediction,probability_setosa,probability_versicolor,probability_virginica\n"
    );
    let (jsonl, _) = model.predict(header, &PredictOptions { format: Format::Jsonl, ..options }).unwrap();
    assert_eq!(jsonl, "");
}

/// `n` lines of other numbers each.
fn many(n: usize) -> Vec<String> {
    let value = |i: usize, c: usize| ((i * 7919 + c * 104_729) % 1000) as f64 / 100.0;
    (0..n).map(|i| (0..4).map(|c| value(i, c).to_string()).collect::<Vec<_>>().join(",")).collect()
}

#[test]
fn rows_get_the_same_bits_however_they_are_divided() {
    let model = iris();
    let options = PredictOptions { proba: true, keep: keep(&["petal_width"]), ..CSV };
    let header = THREE.lines().next().unwrap();
    let lines = many(2 * BLOCK_ROWS + 777);
    let whole = model.predict(&format!("{header}\n{}", lines.join("\n")), &options).unwrap().0;
    assert_eq!(whole.lines().count(), lines.len() + 1);
    let mut whole = whole.lines();
    let head = whole.next().unwrap();
    let mut rest = &lines[..];
    for n in [1, 2, 7, 255, 256, 257, BLOCK_ROWS - 1, BLOCK_ROWS, lines.len()] {
        let (part, after) = rest.split_at(n.min(rest.len()));
        rest = after;
        let text = model.predict(&format!("{header}\n{}", part.join("\n")), &options).unwrap().0;
        let mut text = text.lines();
        assert_eq!(text.next(), Some(head));
        text.for_each(|line| assert_eq!(Some(line), whole.next()));
    }
    assert_eq!(whole.next(), None);
}

#[test]
fn a_block_with_a_defect_keeps_the_rows_before_it() {
    let model = iris();
    let mut lines = many(BLOCK_ROWS + 5);
    lines[BLOCK_ROWS + 2] = "1,2,x,4".into();
    let text = format!("{}\n{}\n", THREE.lines().next().unwrap(), lines.join("\n"));
    let source = Source::file(model.file("bad.csv", text));
    for threads in [1, 2] {
        let mut out = Vec::new();
        let e = predict(&model.run(), &source, &CSV, Some(threads), &mut out, &mut Silent, &Stop::new());
        let e = e.unwrap_err().to_string();
        assert!(e.starts_with("error[3]: ") && e.contains(&format!("line {}", BLOCK_ROWS + 4)), "{e}");
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), 1 + BLOCK_ROWS);
    }
}

/// Fails after some bytes.
struct Full(usize, ErrorKind);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(self.1.into());
        }
        let n = bytes.len().min(self.0);
        self.0 -= n;
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_went_away_is_no_error_and_a_full_disk_is() {
    let model = iris();
    let source = Source::file(model.file("new.csv", THREE));
    let run =
        |kind| predict(&model.run(), &source, &CSV, Some(1), &mut Full(5, kind), &mut Silent, &Stop::new());
    assert_eq!(run(ErrorKind::BrokenPipe), Ok(()));
    let full = run(ErrorKind::StorageFull).unwrap_err();
    assert!(full.code == Code::Environment && full.to_string().contains("the disk is full"), "{full}");
}

#[test]
fn a_signal_stops_it() {
    let model = iris();
    let source = Source::file(model.file("new.csv", THREE));
    let stop = Stop::from_flag(Arc::new(AtomicUsize::new(15)));
    let mut out = Vec::new();
    let e = predict(&model.run(), &source, &CSV, Some(1), &mut out, &mut Silent, &stop).unwrap_err();
    assert_eq!((e.code, out.len()), (Code::Interrupted(15), 0));
}

#[test]
fn numbers_come_in_the_unit_of_the_data() {
    let text = table("diabetes.csv");
    let model = Trained::new(&text, &["data.target=progression", "train.epochs=20"]);
    let (csv, _) = model.predict(&text, &PredictOptions { keep: keep(&["progression"]), ..CSV }).unwrap();
    assert!(csv.starts_with("progression,prediction\n151"));
    let pairs: Vec<Vec<f32>> = csv.lines().skip(1).map(numbers).collect();
    let off = pairs.iter().map(|p| (p[0] - p[1]).abs()).sum::<f32>() / pairs.len() as f32;
    assert!(off < 55.0, "mean error {off}");
    assert!(pairs.iter().all(|p| p[1].is_finite() && p[1] != p[0]));
    let e = model.predict(&text, &PredictOptions { proba: true, ..CSV }).unwrap_err().to_string();
    assert_eq!(
        e,
        "error[2]: --proba: the model predicts numbers: there are no probabilities\n  help: leave --proba out"
    );
}

#[test]
fn numbers_far_from_zero_keep_their_digits() {
    let rows: Vec<String> = (0..1000).map(|x| format!("{x},{}", 1_700_000_000 + x)).collect();
    let text = format!("x,price\n{}\n", rows.join("\n"));
    let model = Trained::new(&text, &["data.target=price", "train.epochs=30"]);
    let (csv, _) = model.predict(&text, &CSV).unwrap();
    let written: Vec<&str> = csv.lines().skip(1).collect();
    // The deviation is 289: four decimals are the seventh digit of it.
    let decimals = |s: &&str| s.split_once('.').map_or(0, |(_, d)| d.len());
    assert_eq!(written.iter().map(decimals).max(), Some(4), "{csv}");
    let predicted: Vec<f64> = written.iter().map(|s| s.parse().unwrap()).collect();
    let mut apart = predicted.clone();
    apart.sort_by(f64::total_cmp);
    apart.dedup();
    assert!(apart.len() > 900, "{} different predictions", apart.len());
    let squares = predicted.iter().enumerate().map(|(x, p)| (p - 1.7e9 - x as f64).powi(2));
    let rmse = (squares.sum::<f64>() / 1000.0).sqrt();
    let told = model.evaluate(&text).unwrap().0.scores().figure("rmse").unwrap();
    assert!(rmse > 0.0 && (told / rmse - 1.0).abs() < 1e-3, "{told} of {rmse}");
    let (json, _) = model.predict(&text, &PredictOptions { format: Format::Jsonl, ..CSV }).unwrap();
    for (line, number) in json.lines().zip(written) {
        assert_eq!(line, format!("{{\"prediction\":{number}}}"));
    }
}

#[test]
fn quantiles_and_rates_are_as_exact_as_other_numbers() {
    let rows: Vec<String> = (0..300).map(|x| format!("{x},{},{}", 1_700_000_000 + x, x % 7)).collect();
    let text = format!("x,price,count\n{}\n", rows.join("\n"));
    let settings = ["data.target=price", "data.features=[\"x\"]", "train.loss=pinball", "train.epochs=20"];
    let (csv, _) = Trained::new(&text, &settings).predict("x\n17\n", &CSV).unwrap();
    let q: Vec<f64> = csv.lines().nth(1).unwrap().split(',').map(|f| f.parse().unwrap()).collect();
    assert!(q.len() == 4 && q[0] == q[2], "{csv}");
    assert!(q.iter().any(|&q| q != f64::from(q as f32)), "{csv}");
    let settings = [
        "data.target=count",
        "data.columns.count.type=number",
        "data.features=[\"x\"]",
        "train.loss=poisson_nll",
    ];
    let (csv, _) = Trained::new(&text, &settings).predict("x\n17\n", &CSV).unwrap();
    let rate = csv.lines().nth(1).unwrap();
    assert_eq!(rate, format!("{:?}", rate.parse::<f32>().unwrap()));
}

#[test]
fn counts_below_zero_have_no_poisson_loss() {
    let rows: Vec<String> = (0..60).map(|i| format!("{i},{}", (i * 7) % 41 - 2)).collect();
    let text = format!("x,y\n{}\n", rows.join("\n"));
    let settings = ["data.target=y", "train.loss=poisson_nll"];
    let e = Trained::attempt(&text, &settings).err().unwrap();
    let told = e.to_string();
    assert_eq!(e.code, Code::Data);
    assert!(told.contains("train.csv, column \"y\": the loss \"poisson_nll\" has no place"), "{told}");
    assert!(told.contains("found: -2\n") && told.contains("choose another loss"), "{told}");
    assert!(Trained::attempt(&text.replace('-', ""), &settings).is_ok());
}

#[test]
fn quantiles_must_be_some_and_different() {
    let refused = |quantiles: &str| {
        let loss = format!("train.loss={{ type = \"pinball\", quantiles = {quantiles} }}");
        let settings = ["data.target=y", "data.features=[\"x\"]", &loss];
        let e = Trained::attempt(&mixed(60), &settings).err().unwrap();
        assert_eq!(e.code, Code::Usage);
        e.to_string()
    };
    let told = refused("[]");
    assert!(told.starts_with("error[2]: train.loss.quantiles: no quantile is named\n"), "{told}");
    let told = refused("[0.1, 0.5, 0.1]");
    assert!(told.contains("the quantile 0.1 is named twice") && told.contains("[0.1, 0.5, 0.1]"), "{told}");
}

/// Rows `x,city,y,z,hot,wet` with what they should be.
fn mixed(n: usize) -> String {
    let row = |i: usize| {
        let x = (i * 37 % 100) as f64 / 10.0;
        let city = ["Oslo", "Rome", "Bonn"][i % 3];
        let yes = |b: bool| if b { "yes" } else { "no" };
        format!("{x},{city},{},{},{},{}", 2.0 * x + 1.25, 100.0 - x, yes(x > 5.0), yes(i % 3 == 1))
    };
    let rows: Vec<String> = (0..n).map(row).collect();
    format!("x,city,y,z,hot,wet\n{}\n", rows.join("\n"))
}

#[test]
fn several_numbers_are_named() {
    let model = Trained::new(
        &mixed(300),
        &["data.target=[\"y\", \"z\"]", "data.exclude=[\"hot\", \"wet\"]", "train.epochs=60"],
    );
    let (csv, _) = model.predict("x,city\n4,Oslo\n", &CSV).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("prediction_y,prediction_z"));
    let (y, z) = lines.next().and_then(|line| line.split_once(',')).unwrap();
    let (y, z): (f64, f64) = (y.parse().unwrap(), z.parse().unwrap());
    assert!((y - 9.25).abs() < 1.0 && (z - 96.0).abs() < 1.0, "{csv}");
    let (json, _) =
        model.predict("x,city\n4,Oslo\n", &PredictOptions { format: Format::Jsonl, ..CSV }).unwrap();
    assert_eq!(json, format!("{{\"prediction\":{{\"y\":{y:?},\"z\":{z:?}}}}}\n"));
}

#[test]
fn labels_have_a_probability_each_and_embeddings_are_found() {
    let model = Trained::new(
        &mixed(600),
        &[
            "data.target=[\"hot\", \"wet\"]",
            "data.exclude=[\"y\", \"z\"]",
            "data.columns.city.encoding=embedding",
            "train.epochs=60",
        ],
    );
    let text = "city,x\nRome,1\nOslo,9.5\n";
    let (csv, _) = model.predict(text, &PredictOptions { proba: true, ..CSV }).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "prediction_hot,prediction_wet,probability_hot,probability_wet");
    assert!(lines[1].starts_with("no,yes,") && lines[2].starts_with("yes,no,"), "{csv}");
    let p = numbers(lines[1]);
    let options = PredictOptions { format: Format::Jsonl, proba: true, ..CSV };
    let (json, _) = model.predict(text, &options).unwrap();
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(first["prediction"], serde_json::json!({ "hot": "no", "wet": "yes" }));
    let probability = |name: &str| first["probabilities"][name].as_f64().unwrap() as f32;
    assert_eq!([probability("hot"), probability("wet")], p[..]);
    let (_, notes) = model.predict("city,x\nParis,1\n", &CSV).unwrap();
    assert_eq!(notes, ["column \"city\": 1 value that training never saw"]);
}

#[test]
fn quantiles_are_all_given_and_the_median_is_the_prediction() {
    let model = Trained::new(
        &mixed(300),
        &[
            "data.target=y",
            "data.exclude=[\"z\", \"hot\", \"wet\"]",
            "train.loss={ type = \"pinball\", quantiles = [0.05, 0.5, 0.95] }",
        ],
    );
    let (csv, _) = model.predict("x,city\n4,Oslo\n", &CSV).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("prediction,quantile_0.05,quantile_0.5,quantile_0.95"));
    let q = numbers(lines.next().unwrap());
    assert!(q.len() == 4 && q[0] == q[2]);
    let (json, _) =
        model.predict("x,city\n4,Oslo\n", &PredictOptions { format: Format::Jsonl, ..CSV }).unwrap();
    assert!(json.starts_with("{\"prediction\":") && json.contains("\"quantiles\":{\"0.05\":"), "{json}");
}

#[test]
fn a_hinge_loss_has_classes_and_no_probabilities() {
    let settings = ["data.target=species", "train.loss=hinge", "train.epochs=60"];
    let model = Trained::new(&table("iris.csv"), &settings);
    assert_eq!(model.predict(THREE, &CSV).unwrap().0, "prediction\nsetosa\nversicolor\nvirginica\n");
    let e = model.predict(THREE, &PredictOptions { proba: true, ..CSV }).unwrap_err().to_string();
    assert_eq!(
        e,
        "error[2]: --proba: the loss of this model gives scores, not probabilities\n  found: the loss \"hinge\"\n  \
         help: leave --proba out, or train with another loss"
    );
}

#[test]
fn rows_under_drop_row_are_counted() {
    let settings = ["data.target=species", "data.columns.petal_width.missing=drop_row"];
    let model = Trained::new(&table("iris.csv"), &settings);
    let text = THREE.replace("4.7,1.4", "4.7,NA");
    let (csv, notes) =
        model.predict(&text, &PredictOptions { keep: keep(&["sepal_length"]), ..CSV }).unwrap();
    let kept: Vec<f32> = csv.lines().skip(1).flat_map(numbers).collect();
    assert_eq!(kept, [5.1, 6.3]);
    assert_eq!(notes, ["1 row with missing values was left out"]);
}

#[test]
fn a_model_without_header_keeps_the_delimiter_of_its_table() {
    let row = |i: usize| format!("{}\t{}, then {}\n", ["no", "yes"][i % 2], i % 2, i);
    let body: String = (0..60).map(row).collect();
    let settings = ["data.target=column_1", "data.header=false", "data.columns.column_2.type=text"];
    let model = Trained::new(&body, &settings);
    let both = model.predict("\t1, then 7\n\tzero\n", &CSV).unwrap();
    let one = model.predict("\t1, then 7\n", &CSV).unwrap();
    assert_eq!(both.0.lines().take(2).collect::<Vec<_>>(), one.0.lines().collect::<Vec<_>>());
    assert_eq!(one.1, [""; 0], "no column is ignored");
}

#[test]
fn a_model_without_header_knows_columns_by_position() {
    let body = table("iris.csv").lines().skip(1).collect::<Vec<_>>().join("\n");
    let model = Trained::new(&body, &["data.target=column_5", "data.header=false", "train.epochs=60"]);
    let rows = THREE.lines().skip(1).collect::<Vec<_>>().join("\n");
    let (csv, _) = model.predict(&rows, &PredictOptions { keep: keep(&["column_4"]), ..CSV }).unwrap();
    assert_eq!(csv, "column_4,prediction\n0.2,setosa\n1.4,versicolor\n2.5,virginica\n");
    let e = model.predict("1,2,3\n", &CSV).unwrap_err().to_string();
    assert!(e.starts_with("error[4]: ") && e.contains("data.header = false"), "{e}");
}

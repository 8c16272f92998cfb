//! Language models from a text to generated text, through the binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

mod runs;

/// A transformer, and layers that carry what they have read.
const LAYERS: [(&str, &str); 3] = [
    (
        "gpt",
        r#"[{type="embedding",embedding_dim=32},{type="positional_embedding"},{type="repeat",times=2,layers=[{type="transformer_block",num_heads=2,causal=true}]},{type="layer_norm"}]"#,
    ),
    (
        "lstm",
        r#"[{type="embedding",embedding_dim=16},{type="lstm",hidden_size=48,num_layers=2},{type="dropout",p=0.1}]"#,
    ),
    ("gru", r#"[{type="embedding",embedding_dim=16},{type="gru",hidden_size=48},{type="rms_norm"}]"#),
];

/// A folder with a text that has something to learn: sentences of a few words, with letters of two bytes.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(tempfile::tempdir().expect("a temporary folder"));
        let (who, what) = (["Der Bär", "Die Kuh", "Ein Vogel"], ["schläft", "frißt", "fliegt fort"]);
        let sentence = |i: usize| format!("{} {}, {}.\n", who[i * 7 % 3], what[i * i % 3], i * 31 % 10);
        fs::write(place.file("text.txt"), (0..300).map(sentence).collect::<String>()).expect("written");
        place
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, words: &[&str], settings: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backprop"));
        command.args(words).current_dir(self.0.path()).stdin(Stdio::null());
        settings.iter().for_each(|setting| _ = command.args(["--set", setting]));
        command.output().expect("the program runs")
    }

    fn train(&self, run: &str, layers: &str, settings: &[&str]) {
        let layers = format!("model.layers={layers}");
        let own = ["data.context=16", "train.batch_size=8", "train.epochs=2", &layers];
        let out = self.run(
            &["train", "--quiet", "--text", "text.txt", "--run-dir", run],
            &[&own[..], settings].concat(),
        );
        assert!(out.status.success(), "{}", text(&out.stderr));
    }

    fn generate(&self, run: &str, words: &[&str]) -> String {
        let out = self.run(&[&["generate", run, "--quiet"][..], words].concat(), &[]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        text(&out.stdout)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn rows(run: &Path) -> Vec<Value> {
    let log = fs::read_to_string(run.join("metrics.jsonl")).expect("a log");
    log.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

#[test]
fn networks_learn_a_text_better_than_counts_of_pairs() {
    let place = Place::new();
    for (name, layers) in LAYERS {
        let settings = ["train.epochs=30", "train.optimizer.type=adam", "train.optimizer.learning_rate=0.01"];
        place.train(name, layers, &settings);
        let figures: Vec<f64> = rows(&place.file(name))
            .iter()
            .filter(|row| row["split"] == "val")
            .map(|row| row["bits_per_char"].as_f64().expect("a number"))
            .collect();
        let best = figures.iter().copied().fold(f64::INFINITY, f64::min);
        // What counts of pairs give, below.
        assert!(best < 1.0, "{name}: {figures:?}");
        let row = &rows(&place.file(name))[0];
        assert!(row["tokens_per_second"].as_f64() > Some(0.0), "{row}");
        let out = place.run(&["eval", name, "text.txt", "--format", "json"], &[]);
        let json: Value = serde_json::from_slice(&out.stdout).expect("JSON");
        let (loss, perplexity) = (json["loss"].as_f64().expect("a loss"), json["perplexity"].as_f64());
        assert!((loss.exp() - perplexity.expect("a perplexity")).abs() < 1e-9, "{json}");
        let characters = fs::read_to_string(place.file("text.txt")).expect("a text").chars().count() as u64;
        // The first token has none before it.
        assert_eq!(json["tokens"], characters - 1);
    }
    let out = place.run(
        &["train", "--text", "text.txt", "--run-dir", "closing"],
        &["train.epochs=1", "data.context=16", r#"model.layers=[{type="embedding",embedding_dim=8}]"#],
    );
    let table = text(&out.stdout);
    let pairs: f64 = table
        .lines()
        .find_map(|line| line.strip_prefix("bits_per_char"))
        .and_then(|line| line.split_whitespace().last())
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{table}"));
    assert!((1.2..2.5).contains(&pairs), "{table}");
}

#[test]
fn counts_are_scored_on_the_tokens_that_the_network_is_scored_on() {
    let place = Place::new();
    // The first 131,072 tokens are scored where nothing is held out: in these each token tells the next one.
    let rest: String = (0..60_000usize).map(|i| ['c', 'd', 'e', 'f'][(i * i / 7 + i / 3) % 4]).collect();
    fs::write(place.file("two.txt"), "ab".repeat(70_000) + &rest).expect("written");
    let settings = [
        r#"model.layers=[{type="embedding",embedding_dim=4}]"#,
        "data.context=64",
        "data.validation=0.0",
        "train.epochs=0",
    ];
    let out = place.run(&["train", "--quiet", "--text", "two.txt", "--run-dir", "run"], &settings);
    let table = text(&out.stdout);
    assert!(
        table.starts_with("131,072 tokens of the training part itself\n"),
        "{table}{}",
        text(&out.stderr)
    );
    let bits = table.lines().find_map(|line| line.strip_prefix("bits_per_char")).expect("bits");
    let bits: Vec<&str> = bits.split_whitespace().collect();
    let pairs: f64 = bits.last().and_then(|bits| bits.parse().ok()).expect("a number");
    assert!(pairs < 0.01, "{table}");
}

#[test]
fn bits_are_counted_over_the_characters_of_the_text_whatever_the_tokens_are() {
    let place = Place::new();
    let sentences = fs::read_to_string(place.file("text.txt")).expect("a text");
    fs::write(place.file("new.txt"), sentences.replace(' ', "  ")).expect("written");
    let (_, layers) = LAYERS[2];
    let eval = |run: &str, settings: &[&str], text_file: &str| -> Value {
        if !place.file(run).exists() {
            place.train(run, layers, settings);
        }
        let out = place.run(&["eval", run, text_file, "--format", "json"], &[]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        serde_json::from_slice(&out.stdout).expect("JSON")
    };
    let number = |json: &Value, name: &str| json[name].as_f64().unwrap_or_else(|| panic!("{name}: {json}"));
    let words = ["data.tokenizer=word"];
    for (run, settings) in [("char", &[][..]), ("word", &words), ("spaces", &["data.tokenizer=whitespace"])] {
        for (file, text) in [("text.txt", sentences.clone()), ("new.txt", sentences.replace(' ', "  "))] {
            // The first token has none before it: "D", "Der".
            let first = if run == "char" { 1 } else { 3 };
            let json = eval(run, settings, file);
            assert_eq!(number(&json, "characters") as usize, text.chars().count() - first, "{run} {file}");
            // Blanks in a row, and line breaks, are none of the tokens.
            if run == "spaces" || (run == "word" && file == "new.txt") {
                let note = json["notes"][0].as_str().expect("a note");
                assert!(note.starts_with("the tokens do not give the text back"), "{note}");
                assert!(json["bits_per_char"].is_null(), "{run} {file}: {json}");
                continue;
            }
            let bits =
                number(&json, "loss") * number(&json, "tokens") / 2f64.ln() / number(&json, "characters");
            assert!((bits - number(&json, "bits_per_char")).abs() < 1e-9, "{run} {file}: {json}");
            assert_eq!(json["notes"], serde_json::json!([]), "{run} {file}");
        }
    }
    // Of two ids one is any word but the most frequent one: it is easily foreseen, and says nothing of the text.
    let few = ["data.tokenizer=word", "data.vocabulary_size=2"];
    let json = eval("few", &few, "text.txt");
    assert!(json["bits_per_char"].is_null() && number(&json, "perplexity") < 2.0, "{json}");
    let note = json["notes"][0].as_str().expect("a note");
    assert!(
        note.contains(" tokens are not in the vocabulary") && note.ends_with("no bits_per_char"),
        "{note}"
    );
    let rows = rows(&place.file("few"));
    let undefined = |row: &&Value| row["split"] == "val" && row["bits_per_char"].is_null();
    let row = rows.iter().find(undefined).expect("a row");
    // What is not defined is no mishap.
    assert!(row.get("bits_per_char").is_some() && row.get("non_finite").is_none(), "{row}");
    let layers = format!("model.layers={layers}");
    let train = |more: &[&str]| {
        let own = [&*layers, "data.context=16", "train.epochs=1"];
        place.run(&["train", "--text", "text.txt", "--run-dir", "closing"], &[&own[..], &few, more].concat())
    };
    let out = train(&["train.early_stopping={metric=\"bits_per_char\",patience=3}"]);
    let told = text(&out.stderr);
    assert!(out.status.code() == Some(2) && told.contains("no bits_per_char can be said"), "{told}");
    let out = train(&[]);
    let table = text(&out.stdout);
    let line = table.lines().find_map(|line| line.strip_prefix("bits_per_char")).expect("a line");
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["-", "-", "-"], "{table}");
    assert!(text(&out.stderr).contains("so there is no bits_per_char"), "{}", text(&out.stderr));
}

#[test]
fn the_same_seed_writes_the_same_text_for_any_number_of_threads() {
    let place = Place::new();
    for (name, layers) in LAYERS {
        place.train(name, layers, &[]);
        let write = |words: &[&str]| {
            place.generate(name, &[&["--prompt", "Der Bär", "-n", "120"][..], words].concat())
        };
        let first = write(&["--seed", "1", "--threads", "1"]);
        assert!(first.starts_with("Der Bär") && first.chars().count() == 7 + 120 + 1, "{first}");
        for threads in ["1", "2", "3"] {
            assert_eq!(write(&["--seed", "1", "--threads", threads]), first, "{name}");
        }
        assert_ne!(write(&["--seed", "2"]), first);
        assert_eq!(write(&["--seed", "1", "--no-echo"]), first["Der Bär".len()..]);
        let several = write(&["--seed", "1", "--samples", "3"]);
        let texts: Vec<&str> = several.split("\n---\n").collect();
        // A text may end with a line feed of its own.
        let own = first.strip_suffix('\n').expect("the end of the line");
        assert!(texts.len() == 3 && texts[0] == own && texts[1] != own, "{several}");
        let greedy = write(&["--temperature", "0", "--seed", "1"]);
        assert_eq!(write(&["--temperature", "0", "--seed", "9"]), greedy);
        assert_eq!(write(&["--top-k", "1"]), greedy);
    }
}

#[test]
fn a_text_ends_where_it_is_told_to() {
    let place = Place::new();
    let (_, layers) = LAYERS[1];
    place.train("run", layers, &[]);
    let whole = place.generate("run", &["--prompt", "Die", "-n", "200", "--seed", "3", "--no-echo"]);
    let stop: String = whole.chars().skip(40).take(3).collect();
    let cut =
        place.generate("run", &["--prompt", "Die", "-n", "200", "--seed", "3", "--no-echo", "--stop", &stop]);
    assert_eq!(cut.trim_end_matches('\n'), &whole[..whole.find(&stop).expect("it is there")]);
    let line =
        place.generate("run", &["--prompt", "Die", "-n", "500", "--seed", "3", "--no-echo", "--stop", "\\n"]);
    assert_eq!(line.matches('\n').count(), 1);
}

#[test]
fn probabilities_of_tokens_are_those_of_an_evaluation() {
    let place = Place::new();
    for (name, layers) in LAYERS {
        place.train(name, layers, &["data.tokenizer=byte"]);
        let lines = place.generate(name, &["--prompt", "D", "-n", "16", "--seed", "1", "--logprobs"]);
        let tokens: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
        assert_eq!(tokens.len(), 16);
        let sum: f64 = tokens.iter().map(|t| t["logprob"].as_f64().expect("a number")).sum();
        let bytes: Vec<u8> = std::iter::once(b'D')
            .chain(tokens.iter().map(|t| t["id"].as_u64().expect("an id") as u8))
            .collect();
        // Only a text can be scored.
        let Ok(written) = String::from_utf8(bytes) else { continue };
        fs::write(place.file("written.txt"), written).expect("written");
        let out = place.run(&["eval", name, "written.txt", "--format", "json"], &[]);
        let json: Value = serde_json::from_slice(&out.stdout).expect("JSON");
        let loss = json["loss"].as_f64().expect("a loss");
        assert!((loss + sum / 16.0).abs() < 1e-5, "{name}: {loss} {}", -sum / 16.0);
    }
}

#[test]
fn characters_are_never_cut() {
    let place = Place::new();
    let (_, layers) = LAYERS[1];
    place.train("run", layers, &["data.tokenizer=byte"]);
    // Some hundred bytes of a network that has hardly learned anything: many are no text.
    let written = place.generate("run", &["--prompt", "\n", "-n", "400", "--temperature", "3"]);
    assert!(written.contains('\u{fffd}'));
}

#[test]
fn a_sample_is_shown_after_each_epoch() {
    let place = Place::new();
    let (_, layers) = LAYERS[0];
    let layers = format!("model.layers={layers}");
    let settings =
        [&*layers, "data.context=16", "train.epochs=2", "train.sample={prompt=\"Die\",max_tokens=20}"];
    let out = place.run(&["train", "--text", "text.txt", "--run-dir", "run"], &settings);
    let told = text(&out.stderr);
    assert!(
        told.contains("note: epoch 1 writes:\nDie") && told.contains("note: epoch 2 writes:\nDie"),
        "{told}"
    );
}

#[test]
fn a_checkpoint_beside_its_model_writes_text_too() {
    let place = Place::new();
    place.train("run", LAYERS[0].1, &["train.epochs=1"]);
    let words = ["--prompt", "D", "--max-tokens", "40", "--temperature", "0"];
    let checkpoint = "run/checkpoints/last.safetensors";
    assert_eq!(place.generate(checkpoint, &words), place.generate("run", &words));
    assert!(place.run(&["eval", checkpoint, "text.txt"], &[]).status.success());
    // The last weights, not the best ones: what the text never has gets less likely in each epoch.
    fs::write(place.file("zeros.txt"), "0".repeat(200)).expect("written");
    place.train("worse", LAYERS[0].1, &["data.validation=zeros.txt"]);
    let logprobs = [&words[..], &["--logprobs"]].concat();
    assert_ne!(
        place.generate("worse/checkpoints/last.safetensors", &logprobs),
        place.generate("worse", &logprobs)
    );

    fs::create_dir(place.file("elsewhere")).expect("a folder");
    fs::copy(place.file(checkpoint), place.file("elsewhere/last.safetensors")).expect("a copy");
    let out = place.run(&["generate", "elsewhere/last.safetensors", "--prompt", "D"], &[]);
    assert_eq!(out.status.code(), Some(4));
    assert_eq!(
        text(&out.stderr),
        "error[4]: elsewhere/last.safetensors: this is a checkpoint, and the model of its run is not beside it\n  \
         expected: RUN/checkpoints/last.safetensors and RUN/model.safetensors\n  \
         help: give the run directory, or its model.safetensors\n"
    );
}

#[test]
fn the_line_ends_of_windows_are_noted_and_kept() {
    let place = Place::new();
    fs::write(place.file("windows.txt"), "one line\r\nand the next\r\n".repeat(30)).expect("written");
    let words = ["train", "--text", "windows.txt", "--run-dir", "run"];
    let layers = format!("model.layers={}", LAYERS[0].1);
    let settings = [layers.as_str(), "data.context=16", "train.max_steps=1"];
    let out = place.run(&words, &settings);
    let told = text(&out.stderr);
    assert!(out.status.success(), "{told}");
    let note = "note: windows.txt holds 60 carriage returns, as Windows ends lines: each is a token; without them: \
                tr -d '\\r' < FILE > NEW\n";
    assert_eq!(told.matches(note).count(), 1, "{told}");
    // Where each line is a document, its end is one line feed.
    let out =
        place.run(&[&words[..], &["--force"]].concat(), &[&settings[..], &["data.documents=line"]].concat());
    let told = text(&out.stderr);
    assert!(out.status.success() && !told.contains("carriage"), "{told}");
}

#[test]
fn documents_of_words_between_white_space_have_ends() {
    let place = Place::new();
    let (_, layers) = LAYERS[2];
    let lines = ["data.tokenizer=whitespace", "data.documents=line", "train.epochs=30"];
    place.train("run", layers, &lines);
    let likely = ["-n", "60", "-t", "0.3", "--seed", "1"];
    let written = place.generate("run", &[&["--prompt", "Der", "--stop", "\\n"][..], &likely].concat());
    // The last words of the sentences are numbers.
    assert!(written.trim_end().ends_with('.') && written.split_whitespace().count() < 8, "{written}");
    let whole = place.generate("run", &[&["--prompt", "\n"][..], &likely].concat());
    assert!(whole.matches(".\n").count() > 5, "{whole}");

    // A tokenizer that takes all white space for one.
    let words: Vec<String> = (0..10).map(|i| format!("\"{i}.\":{}", i + 1)).collect();
    let json = format!(
        r#"{{"version":"1.0","added_tokens":[],"normalizer":null,"post_processor":null,"pre_tokenizer":{{"type":"WhitespaceSplit"}},"decoder":null,"model":{{"type":"WordLevel","vocab":{{"<unk>":0,{}}},"unk_token":"<unk>"}}}}"#,
        words.join(",")
    );
    fs::write(place.file("words.json"), json).expect("written");
    // A word that is more frequent than the end of a line.
    fs::write(place.file("often.txt"), "ja ja 1.\n".repeat(100)).expect("written");
    let check = |more: &[&str]| {
        let layers = format!("model.layers={layers}");
        place.run(
            &["check", "--quiet", "--text", "often.txt"],
            &[&[&*layers, "data.context=16"], more].concat(),
        )
    };
    let of_file = ["data.documents=line", "data.tokenizer=words.json"];
    let one_word = ["data.documents=line", "data.tokenizer=whitespace", "data.vocabulary_size=2"];
    for settings in [&of_file[..], &one_word] {
        let out = check(settings);
        let told = text(&out.stderr);
        assert!(
            out.status.code() == Some(2) && told.contains("the tokenizer has no token for the end of a line"),
            "{told}"
        );
    }
    let out = check(&["data.tokenizer=words.json"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
}

#[test]
fn what_a_model_scores_does_not_depend_on_the_batches_it_was_trained_with() {
    let place = Place::new();
    for (name, layers) in LAYERS {
        place.train(name, layers, &["train.batch_size=8"]);
        let figures = |batch: usize| {
            let run = format!("{name}-{batch}");
            // The same weights, and no step.
            let from = format!("train.init_from={name}");
            let size = format!("train.batch_size={batch}");
            let layers = format!("model.layers={layers}");
            let settings = [&*layers, "data.context=16", "train.epochs=0", &from, &size];
            let closing = place.run(&["train", "--text", "text.txt", "--run-dir", &run], &settings);
            assert!(closing.status.success(), "{}", text(&closing.stderr));
            let out = place.run(&["eval", &run, "text.txt", "--format", "json"], &[]);
            let json: Value = serde_json::from_slice(&out.stdout).expect("JSON");
            let closing = text(&closing.stdout).replace(&run, "run");
            (json["loss"].as_f64().expect("a loss"), closing)
        };
        let first = figures(1);
        for batch in [3, 16, 64] {
            let again = figures(batch);
            assert!((again.0 - first.0).abs() < 1e-9, "{name} {batch}: {} {}", again.0, first.0);
            assert_eq!(again.1, first.1, "{name} {batch}");
        }
    }
}

/// The first token behind a prompt, and its log probability.
fn first_token(place: &Place, run: &str, prompt: &str) -> (u64, f64) {
    let line = place.generate(run, &["--prompt", prompt, "-n", "1", "--temperature", "0", "--logprobs"]);
    let json: Value = serde_json::from_str(&line).expect("JSON");
    (json["id"].as_u64().expect("an id"), json["logprob"].as_f64().expect("a number"))
}

#[test]
fn layers_that_look_back_and_carry_nothing_see_all_of_the_context() {
    let place = Place::new();
    // The last step sees the one 24 before it, far behind the first tokens of a context.
    let layers = r#"[{type="embedding",embedding_dim=8},{type="pad",padding=[24,0]},{type="conv1d",out_channels=8,kernel_size=2,dilation=24}]"#;
    place.train("run", layers, &["data.context=32"]);
    let prompt = |letter: char| -> String {
        "eie eie eie eie eie eie eie eie e"
            .chars()
            .enumerate()
            .map(|(i, c)| if i == 8 { letter } else { c })
            .collect()
    };
    let (a, b) = (first_token(&place, "run", &prompt('f')), first_token(&place, "run", &prompt('D')));
    assert!((a.1 - b.1).abs() > 1e-6, "{a:?} {b:?}");
    let c = first_token(&place, "run", &prompt('f').replace("eie e", "eif e"));
    assert_eq!(a, c);
}

#[test]
fn recurrent_layers_remember_what_is_before_the_context() {
    let place = Place::new();
    place.train("run", LAYERS[2].1, &[]);
    let behind = ", 1.\nDer Bär schl";
    let (a, b) = (
        first_token(&place, "run", &format!("Die Kuh{behind}")),
        first_token(&place, "run", &format!("zzz{behind}").replace("zzz", "Ein Vogel")),
    );
    assert_ne!(a.1, b.1, "{a:?} {b:?}");
}

#[test]
fn words_do_not_stick_to_the_prompt() {
    let place = Place::new();
    for tokenizer in ["word", "whitespace"] {
        let tokens = format!("data.tokenizer={tokenizer}");
        place.train(tokenizer, LAYERS[2].1, &[&tokens, "data.vocabulary_size=8", "train.epochs=4"]);
        for prompt in ["Der Bär", "Die"] {
            let words = ["--prompt", prompt, "-n", "30", "--temperature", "1.5"];
            let written = place.generate(tokenizer, &words);
            let behind = written.strip_prefix(prompt).expect("the prompt").chars().next().expect("more");
            assert!(!behind.is_alphanumeric(), "{written}");
            // Rare words are unknown in training, and never written.
            assert!(!written.contains('\u{fffd}'), "{written}");
            let alone = place.generate(tokenizer, &[&words[..], &["--no-echo"]].concat());
            assert_eq!(format!("{prompt}{alone}"), written);
        }
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let place = Place::new();
    let (_, gpt) = LAYERS[0];
    let refused = |words: &[&str], settings: &[&str]| {
        let out = place.run(words, settings);
        (out.status.code(), text(&out.stderr))
    };
    let train = |settings: &[&str]| {
        refused(&["train", "--quiet", "--text", "text.txt", "--run-dir", "refused"], settings)
    };
    let sees = r#"model.layers=[{type="embedding",embedding_dim=8},{type="transformer_block",num_heads=2}]"#;
    let (code, told) = train(&[sees, "data.context=16"]);
    assert!(
        code == Some(2) && told.contains("the network looks at the tokens that it is to predict"),
        "{told}"
    );
    // Zeros hide nothing.
    let (code, told) = train(&[sees, "data.context=16", "model.init={type=\"constant\",value=0.0}"]);
    assert!(code == Some(2) && told.contains("the network looks at the tokens"), "{told}");
    let (code, told) = train(&["data.context=100000"]);
    assert!(code == Some(3) && told.contains("is shorter than the context and the token after it"), "{told}");
    let (code, told) = train(&["model.layers=[{type=\"linear\",out_features=3}]"]);
    assert!(code == Some(2) && told.contains("put an embedding before it"), "{told}");
    let (code, told) = train(&["data.tokenizer=letters"]);
    assert!(code == Some(2) && told.contains("data.tokenizer is not one of the known words"), "{told}");
    let (code, told) = train(&["train.mixup=0.2", "data.target=x"]);
    assert!(
        code == Some(2) && told.contains("train.mixup has no meaning") && told.contains("data.target"),
        "{told}"
    );
    fs::write(place.file("empty.txt"), "").expect("written");
    let (code, told) = refused(&["train", "--quiet", "--text", "empty.txt", "--run-dir", "refused"], &[]);
    assert!(code == Some(3) && told.contains("empty.txt: the text is empty"), "{told}");
    fs::write(place.file("broken.txt"), b"ab\ncd\xff").expect("written");
    let (code, told) = refused(&["train", "--quiet", "--text", "broken.txt", "--run-dir", "refused"], &[]);
    assert!(code == Some(3) && told.contains("broken.txt, line 2: not UTF-8"), "{told}");
    fs::write(place.file("tokenizer.json"), "{\"model\": 3}").expect("written");
    let (code, told) = train(&["data.tokenizer=tokenizer.json"]);
    assert!(code == Some(3) && told.contains("tokenizer.json"), "{told}");
    assert!(!place.file("refused").exists());

    place.train("run", gpt, &[]);
    let (code, told) = refused(&["generate", "run", "--prompt", "Жук"], &[]);
    assert!(
        code == Some(2) && told.contains("--prompt: the character \"Ж\" (U+0416) at position 1"),
        "{told}"
    );
    let (code, told) = refused(&["generate", "run", "--prompt", ""], &[]);
    assert!(code == Some(2) && told.contains("the prompt has no token"), "{told}");
    let (code, told) = refused(&["predict", "run", "text.txt"], &[]);
    assert!(code == Some(2) && told.contains("this is a language model"), "{told}");
    fs::write(place.file("other.txt"), "Жук").expect("written");
    let (code, told) = refused(&["eval", "run", "other.txt"], &[]);
    assert!(
        code == Some(3) && told.contains("other.txt: the character \"Ж\" (U+0416) is not in the vocabulary"),
        "{told}"
    );
    let (code, told) = refused(&["eval", "run", "text.txt", "--on-bad-row", "skip"], &[]);
    assert!(code == Some(2) && told.contains("--on-bad-row: this is a language model"), "{told}");
    let iris = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/iris.csv");
    let data = iris.to_string_lossy();
    let words = ["train", "--quiet", "--data", &data, "--target", "species", "--run-dir", "iris"];
    assert!(place.run(&words, &["train.epochs=1"]).status.success());
    let (code, told) = refused(&["generate", "iris", "--prompt", "x"], &[]);
    assert!(code == Some(2) && told.contains("this is no language model"), "{told}");
}

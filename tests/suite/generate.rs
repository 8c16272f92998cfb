//! `generate`, `train.sample` and resumed runs as a user of texts meets them.

use std::fs;

use crate::cli::{Ended, Place};

/// The command, as a word of a shell.
#[cfg(target_os = "linux")]
const BINARY: &str = concat!("'", env!("CARGO_BIN_EXE_backprop"), "'");

const TEXT: &str = "Call me Ishmael. Some years ago, never mind how long precisely.\n";

const TRAIN: &str = "train --quiet --set data.context=8 --set train.batch_size=4 --set train.epochs=2 \
                     --set model.layers=[{type=\"embedding\",embedding_dim=8},{type=\"gru\",hidden_size=16}]";

/// A folder with a text, and a run on it.
fn trained(text: &str) -> Place {
    let place = Place::new().with("a.txt", text);
    place.run(&format!("{TRAIN} --text a.txt --run-dir r")).worked();
    place
}

/// Runs a line of a shell in a terminal of its own: its exit code, and all that the terminal showed.
#[cfg(target_os = "linux")]
fn in_terminal(place: &Place, line: &str) -> (Option<i32>, String) {
    let mut command = std::process::Command::new("script");
    command.args(["-qec", line, "/dev/null"]).current_dir(place.path()).stdin(std::process::Stdio::null());
    command.env("TERM", "xterm").env("SHELL", "/bin/sh");
    let output = command.output().expect("script, of util-linux, runs");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8").replace("\r\n", "\n"))
}

#[test]
fn a_prompt_that_the_text_does_not_know_is_told_before_a_directory_is_made() {
    let text = TEXT.trim_end().repeat(20);
    let place = Place::new().with("a.txt", &text);
    let start = format!("{TRAIN} --text a.txt --run-dir r");
    insta::assert_snapshot!(place.run(&format!("{start} --set train.sample.prompt=Ж")).failed(2), @r#"
    error[2]: train.sample.prompt: the character "Ж" (U+0416) at position 1 is not in the vocabulary
      help: the model knows the characters of its training text alone
    "#);
    insta::assert_snapshot!(place.run(&format!("{start} --set train.sample.prompt=")).failed(2), @r#"
    error[2]: train.sample.prompt: the prompt has no token
      expected: a text that the model can go on from
      found: ""
    "#);
    assert_eq!(place.list("."), ["a.txt"]);
    place.run(&format!("{start} --set train.sample={{}}")).worked();
    let config = fs::read_to_string(place.path().join("r/config.toml")).expect("a config");
    // There is no line feed: the first character of the vocabulary.
    assert!(config.contains(r#"sample = { prompt = " ", "#), "{config}");

    let place = Place::new().with("a.txt", TEXT.repeat(20));
    place.run(&format!("{start} --set train.sample={{}}")).worked();
    let config = fs::read_to_string(place.path().join("r/config.toml")).expect("a config");
    assert!(config.contains(r#"sample = { prompt = "\n", "#), "{config}");
}

#[test]
fn resumed_runs_speak_of_tokens_and_of_what_was_piped_in() {
    let text = TEXT.repeat(20);
    let place = trained(&text).with("a.txt", text.replace("years", "weeks"));
    let resume = "train --quiet --resume --run-dir r --set train.epochs=3";
    let told = place.run(resume).failed(3);
    let told = told.replace(&*place.path().to_string_lossy(), "DIR");
    insta::assert_snapshot!(told, @"
    error[3]: DIR/a.txt: the data are not those that this run was started with
      expected: 1,152 tokens
      found: 1,152 tokens, others
      help: start a new run, with train.init_from to keep its weights
    ");
    let place = place.with("a.txt", TEXT.repeat(30));
    let told = place.run(resume).failed(3);
    assert!(told.contains("expected: 1,152 tokens\n  found: 1,728 tokens\n"), "{told}");

    for (start, data, help) in [
        (format!("{TRAIN} --text -"), text.as_str(), ""),
        (
            "train --quiet --data - --target y --set train.epochs=1".into(),
            "x,y\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n8,b\n",
            "",
        ),
    ] {
        let place = Place::new();
        place.feed(&format!("{start} --run-dir r"), data).worked();
        for again in [help, &data[data.len() / 2..]] {
            let told = place.feed(resume, again).failed(3);
            assert!(
                told.ends_with(
                    "help: the data of this run came from standard input, pipe the same in again: \
                     … | backprop train --resume --run-dir r\n"
                ),
                "{told}"
            );
        }
        place.feed(resume, data).worked();
    }
}

#[test]
fn a_file_that_is_no_model_points_to_the_model_of_its_run() {
    let place = trained(&TEXT.repeat(20));
    // The checkpoint is the newer file of the two.
    let told = place.run("generate r/config.toml --prompt C").failed(4);
    assert!(told.ends_with("\n  help: the model of this run is r/model.safetensors\n"), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_follows_a_text_begins_a_line_of_its_own() {
    // Without a line break in the text none is generated.
    let place = trained(&TEXT.trim_end().repeat(20));
    let piped = place.run("generate r --prompt Call -n 20").worked();
    assert_eq!(piped.matches('\n').count(), 1);
    let (code, shown) = in_terminal(&place, &format!("{BINARY} generate r --prompt Call -n 20"));
    assert_eq!(code, Some(0), "{shown}");
    let note = shown.strip_prefix(&piped).unwrap_or_else(|| panic!("{shown:?} {piped:?}"));
    assert!(note.starts_with("note: 20 tokens in "), "{shown:?}");
    // Stopped by a signal in the middle.
    let line = format!("timeout --foreground -s INT 1 {BINARY} generate r --prompt C -n 100000000");
    let end = "\nerror[130]: generate: stopped by a signal\n";
    let (_, shown) = in_terminal(&place, &line);
    assert!(shown.ends_with(end) && shown.matches('\n').count() == 2, "{:?}", shown.get(..200));
    // A pipe gets the text alone.
    let (_, shown) = in_terminal(&place, &format!("{line} | wc -l"));
    assert_eq!(shown, format!("{}0\n", end.trim_start()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_each_epoch_and_then_its_text() {
    let place = Place::new().with("a.txt", TEXT.repeat(20));
    let quoted =
        TRAIN.replace("--quiet ", "").replace("model.layers=", "model.layers='").replace("}]", "}]'");
    let sample = "--set 'train.sample={max_tokens=5,prompt=\"Call\"}'";
    let line = format!("{BINARY} {quoted} --text a.txt --run-dir r {sample}");
    let (code, shown) = in_terminal(&place, &line);
    assert_eq!(code, Some(0), "{shown}");
    for epoch in 1..=2 {
        let row = shown.find(&format!("epoch {epoch}/2  loss")).unwrap_or_else(|| panic!("{shown}"));
        let text =
            shown.find(&format!("note: epoch {epoch} writes:\nCall")).unwrap_or_else(|| panic!("{shown}"));
        assert_eq!(shown[row..text].matches('\n').count(), 1, "{shown}");
        // No moving line stands between them, or below the text before the next epoch begins.
        assert!(!shown[row..text].contains("] "), "{shown:?}");
    }
    assert_eq!(shown.matches("epoch 2/2  loss").count(), 1, "{shown}");
}

#[test]
fn a_piped_prompt_loses_one_line_break() {
    let place = trained(&format!("{TEXT}\r\n").repeat(20));
    let named = |prompt: &str| {
        let output = place.command().args(["generate", "r", "--prompt", prompt, "-n", "9"]).output();
        Ended::of(&output.expect("it runs")).worked()
    };
    for (piped, prompt) in [
        ("Call\n", "Call"),
        ("Call\r\n", "Call"),
        ("Call\n\n", "Call\n"),
        ("Call", "Call"),
        ("Call \n", "Call "),
    ] {
        let text = place.feed("generate r -n 9", piped).worked();
        assert_eq!(text, named(prompt), "{piped:?}");
    }
    for nothing in ["", "\n"] {
        insta::allow_duplicates!(insta::assert_snapshot!(place.feed("generate r", nothing).failed(3), @r#"
        error[3]: standard input: the prompt has no token
          expected: a text that the model can go on from
          found: ""
          help: give --prompt TEXT, or pipe a text in
        "#));
    }
}

/// A flag that is wrong is the command line's fault, a text that is piped in is data.
#[test]
fn a_prompt_with_an_unknown_character_fails_where_it_comes_from() {
    let place = trained(&TEXT.repeat(20));
    insta::assert_snapshot!(place.run("generate r --prompt CЖ").failed(2), @r#"
    error[2]: --prompt: the character "Ж" (U+0416) at position 2 is not in the vocabulary
      help: the model knows the characters of its training text alone
    "#);
    insta::assert_snapshot!(place.feed("generate r", "CЖ\n").failed(3), @r#"
    error[3]: standard input: the character "Ж" (U+0416) at position 2 is not in the vocabulary
      help: the model knows the characters of its training text alone
    "#);
}

#[test]
fn tokens_of_a_stop_are_left_out() {
    for tokenizer in ["char", "byte", "bpe", "word"] {
        let place = Place::new().with("a.txt", TEXT.replace("me", "mé").repeat(20));
        let own = format!("{TRAIN} --text a.txt --run-dir r --set data.tokenizer={tokenizer}");
        let own = own.replace("epochs=2", "epochs=20")
            + if tokenizer == "bpe" { " --set data.vocabulary_size=270" } else { "" };
        place.run(&own).worked();
        let tokens = |words: &[&str]| -> Vec<String> {
            let base = ["generate", "r", "--prompt", "Call", "-n", "60", "--seed", "4", "--logprobs"];
            let output = place.command().args(base).args(words).output().expect("it runs");
            Ended::of(&output).worked().lines().map(str::to_owned).collect()
        };
        let all = tokens(&[]);
        assert_eq!(all.len(), 60);
        let base = "generate r --prompt Call -n 60 --seed 4 --no-echo";
        let whole = place.run(base).worked();
        let text: String = whole.chars().skip(7).take(3).collect();
        let stopped = tokens(&["--stop", &text]);
        // Those whose text ends before the stop.
        let at = whole.find(&text).expect("it is there");
        let fits = (0..all.len()).rev().find(|&n| {
            place.run(&base.replace("-n 60", &format!("-n {n}"))).worked().trim_end_matches('\n').len() <= at
        });
        let told = format!("{tokenizer}: {whole:?} {text:?}");
        assert_eq!(stopped[..], all[..stopped.len()], "{told}");
        if !text.contains('\n') && !whole[..at].contains(['\n', '\u{fffd}']) {
            assert_eq!(Some(stopped.len()), fits, "{told}");
        }
        assert_eq!(tokens(&["--stop", "no such text"]), all, "{told}");
    }
}

#[test]
fn values_that_generate_does_not_take() {
    let place = Place::new();
    let told = |words: &[&str]| {
        let output = place.command().args(["generate", "m"]).args(words).output().expect("it runs");
        Ended::of(&output).failed(2).lines().take(2).collect::<Vec<_>>().join("\n")
    };
    for (words, expected) in [
        (&["--stop", ""][..], "error[2]: --stop <TEXT>: an empty text\n  found: \"\""),
        (&["--samples", "0"], "error[2]: --samples <N>: not a whole number from 1 on\n  found: \"0\""),
        (&["--top-k=-1"], "error[2]: --top-k <K>: not a whole number from 0 on\n  found: \"-1\""),
        (&["--top-k", "-1"], "error[2]: --top-k <K>: not a whole number from 0 on\n  found: \"-1\""),
        (&["-t", "-1"], "error[2]: --temperature <T>: not a number from 0 on\n  found: \"-1\""),
        (&["-n", "many"], "error[2]: --max-tokens <N>: not a whole number from 0 on\n  found: \"many\""),
        (
            &["--seed", "18446744073709551616"],
            "error[2]: --seed <N>: not a whole number from 0 to 18446744073709551615\n  found: \"18446744073709551616\"",
        ),
    ] {
        assert_eq!(told(words), expected);
    }
    // A text may begin with a hyphen.
    assert_eq!(
        told(&["--prompt", "- Call", "--stop", "-"]),
        "error[2]: m: no such file\n  help: the first argument is a run directory or a .safetensors file"
    );
}

#[test]
fn keys_of_tables_and_texts_of_one_token() {
    let place = trained(&TEXT.repeat(20)).with("c.txt", "C");
    insta::assert_snapshot!(place.run("train --text a.txt --set data.scale=none --set data.traget=x").failed(2), @r#"
    error[2]: --set data.scale=none: data.scale has no meaning for a text
      help: take it out: it is about tables
    error[2]: --set data.traget=x: unknown key "traget" in [data]
      help: known here: text, tokenizer, vocabulary_size, context, documents, validation, test
    "#);
    insta::assert_snapshot!(place.run("eval r c.txt").failed(3), @"
    error[3]: c.txt: a text of one token has no next token to predict
      expected: 2 tokens at least
      found: 1
      help: give it more text
    ");
}

const BLOCK: &str = "{type=\"transformer_block\",num_heads=2,causal=true}";

/// Tokens of a long prompt go through the network many at a time; texts go on from them as from those that came one by one.
#[test]
fn a_long_prompt_leads_where_its_tokens_lead_one_by_one() {
    let place = Place::new().with("a.txt", TEXT.repeat(20));
    let wide = "{type=\"residual\",layers=[{type=\"gru\",hidden_size=12}]}";
    let networks = [
        ("rnn", "{type=\"lstm\",hidden_size=12,num_layers=2}".to_owned(), 300),
        ("residual", wide.to_owned(), 300),
        ("gpt", format!("{{type=\"positional_embedding\"}},{BLOCK}"), 100),
        ("mixed", format!("{{type=\"rnn\",hidden_size=8}},{{type=\"positional_embedding\"}},{BLOCK}"), 100),
        ("short", format!("{{type=\"positional_embedding\"}},{BLOCK}"), 20),
    ];
    for (name, layers, context) in networks {
        let layers = format!("model.layers=[{{type=\"embedding\",embedding_dim=8}},{layers}]");
        let sets = format!(
            "--set data.context={} --set {layers}",
            if name == "rnn" { 16 } else { context.min(100) }
        );
        let train = "train --quiet --set train.batch_size=4 --set train.epochs=2 --text a.txt";
        place.run(&format!("{train} {sets} --run-dir {name}")).worked();
        let tokens = |prompt: &str, count: usize| -> Vec<(String, f64)> {
            let mut command = place.command();
            command.args(["generate", name, "--logprobs", "-t", "0", "-n", &count.to_string()]);
            let lines = Ended::of(&command.args(["--prompt", prompt]).output().expect("it runs")).worked();
            let of = |line: &str| {
                let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
                (
                    line["token"].as_str().unwrap_or_default().to_owned(),
                    line["logprob"].as_f64().unwrap_or(1.0),
                )
            };
            lines.lines().map(of).collect()
        };
        let all = tokens("C", 90);
        // What the network looks back on is the same while the context has room.
        let place_of_prompt = if name == "short" { 12 } else { 77 };
        let prompt: String = all[..place_of_prompt].iter().map(|(token, _)| token.as_str()).collect();
        let rest = tokens(&format!("C{prompt}"), 5);
        for ((token, log), (again, same)) in all[place_of_prompt..].iter().zip(&rest) {
            assert!(token == again && (log - same).abs() < 1e-4, "{name}: {token} {log}, {again} {same}");
        }
    }
    // Each of several texts begins behind the same prompt.
    let prompt = TEXT.trim_end();
    let output = place
        .command()
        .args(["generate", "gpt", "-t", "0", "-n", "9", "--samples", "3"])
        .arg("--prompt")
        .arg(prompt)
        .output();
    let texts = Ended::of(&output.expect("it runs")).worked();
    let texts: Vec<&str> = texts.trim_end_matches('\n').split("\n---\n").collect();
    assert!(
        texts.len() == 3 && texts.iter().all(|text| *text == texts[0] && text.len() == prompt.len() + 9),
        "{texts:?}"
    );
}

/// Jobs have `/dev/null` there: nothing is piped in, and nothing is wrong.
#[cfg(unix)]
#[test]
fn a_job_without_standard_input_starts_from_a_line_feed() {
    let place = trained(&TEXT.repeat(20));
    let with = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_backprop"));
        command.args(["generate", "r", "-n", "9", "--no-echo"]).args(words).current_dir(place.path());
        Ended::of(&command.stdin(std::process::Stdio::null()).output().expect("it runs")).worked()
    };
    assert_eq!(with(&[]), with(&["--prompt", "\n"]));
}

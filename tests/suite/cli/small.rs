//! The commands that need no training: init, config-reference, completions, man.

use super::Place;

const TABLE: &str = "\
id,age,city,when,price
1,31,Rome,2024-01-02,10.5
2,NA,Oslo,2024-01-03,11.5
3,52,Rome,2024-02-02,12.0
4,27,Lima,2024-03-02,9.5
";

#[test]
fn init_prints_a_config_that_says_what_the_columns_look_like() {
    let place = Place::new().with("houses.csv", TABLE);
    let text = place.run("init houses.csv --target price").worked();
    let columns: Vec<&str> = text.lines().filter(|line| line.contains("columns.")).collect();
    insta::assert_snapshot!(columns.join("\n"), @r#"
    # columns.id.type = "number"  # left out: an identifier by its name, and every value is different
    # columns.age.type = "number"  # number, 1 missing
    # columns.city.type = "category"  # category, 3 values
    # columns.when.type = "date"  # date %Y-%m-%d
    # columns.price.type = "number"  # target; target: a number (not all are whole numbers)
    "#);
    let given: Vec<&str> = text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect();
    insta::assert_snapshot!(given.join("\n"), @r#"
    [data]
    train = "houses.csv"
    target = "price"
    [model]
    [train]
    "#);
}

#[test]
fn init_reads_standard_input_and_several_targets() {
    let text = Place::new().feed("init - --target price --target age", TABLE).worked();
    assert!(text.contains("train = \"-\"") && text.contains("target = [\"price\", \"age\"]"), "{text}");
}

#[test]
fn init_warns_of_a_field_that_does_not_fit_and_still_prints_the_config() {
    let mut table = String::from("x,y\n");
    (0..40).for_each(|i| table.push_str(&format!("{i},{}\n", i % 3)));
    table.push_str("many,1\n");
    let end = Place::new().with("t.csv", table).run("init t.csv --target y");
    assert!(end.out.contains("# columns.x.type = \"number\""), "{}", end.out);
    assert_eq!(end.code, 0);
    insta::assert_snapshot!(end.err, @r#"
    warning: t.csv, line 42, column "x": text in a number column
      expected: a number
      found: "many"
      help: set data.columns.x.type = "category", or list it in data.missing_values
    "#);
}

#[test]
fn init_names_the_columns_where_the_target_is_not_there() {
    let place = Place::new().with("houses.csv", TABLE);
    insta::assert_snapshot!(place.run("init houses.csv --target prize").failed(3), @r#"
    error[3]: houses.csv: data.target names a column that is not there: "prize"
      expected: one of "id", "age", "city", "when", "price"
      help: did you mean "price"?
    "#);
}

#[test]
fn what_init_prints_can_be_checked() {
    let place = Place::new().with("houses.csv", TABLE);
    let config = place.run("init houses.csv --target city").worked();
    let place = place.with("houses.toml", config);
    let text = place.run("check houses.toml").worked();
    assert!(text.contains("city") && text.contains("parameters"), "{text}");
}

#[test]
fn init_starts_a_language_model_that_trains_as_without_a_config() {
    let text = "She sells sea shells by the sea shore.\n".repeat(40);
    let place = Place::new().with("sea.txt", &text).with("short.txt", "tick tock tick tock tick tock\n");
    let config = place.run("init --text sea.txt").worked();
    let given: Vec<&str> = config.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect();
    insta::assert_snapshot!(given.join("\n"), @r#"
    [data]
    text = "sea.txt"
    tokenizer = "char"
    context = 128
    [model]
    layers = [
      { type = "embedding", embedding_dim = 128 },
      { type = "positional_embedding" },
      { type = "transformer_encoder", num_layers = 4, num_heads = 4, causal = true },
    ]
    [train]
    optimizer = { type = "adamw", learning_rate = 0.001, weight_decay = 0.1 }
    schedule = { type = "cosine", warmup_steps = 100 }
    "#);
    assert!(
        config.starts_with("# sea.txt: a language model of 1,560 characters, 14 of them different\n"),
        "{config}"
    );
    for about in ["# documents = \"file\"\n", "# sample = { max", "backprop generate RUN --prompt TEXT"] {
        assert!(config.contains(about), "{config}");
    }
    for other in ["class_weights", "mixup", "delimiter", "# outputs"] {
        assert!(!config.contains(other), "{other}");
    }
    let place = place.with("sea.toml", config);
    assert!(place.run("check sea.toml").worked().contains("transformer_encoder"));
    let resolved = |words: &str, run: &str| {
        place.run(&format!("train {words} --run-dir {run} --set train.max_steps=1 --quiet")).worked();
        std::fs::read_to_string(place.path().join(run).join("config.toml")).expect("a run has its config")
    };
    assert_eq!(resolved("sea.toml", "a"), resolved("--text sea.txt", "b"));

    let short = place.run("init --text short.txt").worked();
    assert!(short.contains("\ncontext = 4\n"), "{short}");
    let place = place.with("short.toml", short);
    place.run("train short.toml --run-dir c --set train.max_steps=1 --quiet").worked();
}

#[test]
fn the_reference_names_every_section() {
    let text = Place::new().run("config-reference").worked();
    for word in ["[data]", "[model]", "[train]", "learning_rate", "cross_entropy", "batch_size"] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn completions_know_commands_and_flags() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = Place::new().run(&format!("completions {shell}")).worked();
        assert!(script.contains("config-reference") && script.contains("run-dir"), "{shell}");
    }
}

#[test]
fn manual_pages_are_roff() {
    let place = Place::new();
    let page = place.run("man").worked();
    assert!(page.contains(".TH backprop 1") && page.contains("Exit codes"), "{page}");
    let page = place.run("man train").worked();
    assert!(page.contains(".TH backprop-train 1") && page.contains("\\-\\-resume"), "{page}");
    assert!(page.contains("\\-\\-error\\-format"), "global options are there too");
    insta::assert_snapshot!(place.run("man trian").failed(2), @r#"
    error[2]: "trian": no such command
      expected: train, eval, predict, generate, init, check, config-reference, completions, man, help
    "#);
}

#[test]
fn the_version_is_that_of_the_crate() {
    for flag in ["--version", "-V"] {
        assert_eq!(Place::new().run(flag).worked(), format!("backprop {}\n", env!("CARGO_PKG_VERSION")));
    }
}

/// Bad input 39.
#[cfg(unix)]
#[test]
fn a_reader_that_went_away_is_no_failure() {
    use std::process::{Command, Stdio};
    for command in ["man", "config-reference", "--help"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_backprop"))
            .arg(command)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()), "{command}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_an_error_of_the_environment() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_backprop"))
        .arg("config-reference")
        .stdout(full)
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(5));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr), @"
    error[5]: standard output: cannot write: the disk is full
      help: free some space, then run it again
    ");
}

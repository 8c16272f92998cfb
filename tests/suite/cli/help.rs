//! Help texts are part of the interface: they change on purpose only.

use super::Place;

fn help(command: &str) -> String {
    let place = Place::new();
    let long = place.run(&format!("{command} --help")).worked();
    assert_eq!(long, place.run(&format!("{command} -h")).worked(), "one help for -h and --help");
    long
}

#[test]
fn backprop() {
    insta::assert_snapshot!(help(""), @r#"
    Train, evaluate and run neural networks on tables, images, signals and text

    Usage: backprop [OPTIONS] <COMMAND>

    Commands:
      train             Train a network on a table or a text and write a run directory
      eval              Score a model on a table that has the target column, a language model on a text
      predict           Predict the target of every row of a table, in bounded memory
      generate          Generate text with a language model, streamed as it comes
      init              Print a commented config for a table or a text
      check             Check config, data and shapes before any training, and print what it would take
      config-reference  Print every key of a config: values, default and meaning, as Markdown
      completions       Print a script that completes commands and flags in a shell
      man               Print a manual page
      help              Print this message or the help of the given subcommand(s)

    Options:
      -h, --help  Print help

    Global options:
      -q, --quiet                  Print nothing but results and errors
          --error-format <FORMAT>  How an error is printed on standard error: a block of text, or one
                                   JSON object on one line [default: text] [possible values: text, json]
      -V, --version                Print the version

    Examples:
      backprop train --data iris.csv --target species     train on a table, everything else inferred
      backprop eval runs/iris-1 test.csv                  how good is the model on these rows?
      cat new.csv | backprop predict runs/iris-1 > out.csv

      backprop train --text novel.txt                     a language model, and text from it
      backprop generate runs/novel-1 --prompt "The "

      backprop init iris.csv --target species > iris.toml write a config to change
      backprop train iris.toml --set train.epochs=50      train as the config says

    Exit codes:
      0 done   2 command line or config   3 data   4 model file   5 environment (disk, memory, lock)
      6 training diverged   130, 143 stopped by a signal
    "#);
}

#[test]
fn train() {
    insta::assert_snapshot!(help("train"), @"
    Train a network on a table or a text and write a run directory

    Usage: backprop train [OPTIONS] [CONFIG]

    Arguments:
      [CONFIG]  Config file, TOML or JSON; without one, --data and --target are needed, or --text, and
                all else is inferred

    Options:
          --data <FILE>          Table to train on: a path, a glob in quotes, or - for standard input;
                                 may be repeated. Overrides data.train
          --target <COL>         Column to predict; may be repeated. Overrides data.target
          --text <FILE>          Text to train a language model on, in place of a table: a path, a glob
                                 in quotes, or -; may be repeated. Overrides data.text
          --set <KEY=VALUE>      Set any key of the config, e.g. --set train.epochs=50; may be repeated.
                                 Named flags override it
          --on-bad-row <ACTION>  What a row with too few or too many fields does: skip leaves out up to
                                 1 % of the rows, and counts them. Overrides data.on_bad_row [default:
                                 error] [possible values: skip, error]
          --threads <N>          Threads to compute with; the result does not depend on it. Overrides
                                 threads [default: one a core]
          --run-dir <DIR>        Where the files of the run go [default: runs/NAME-N, NAME from the
                                 config or the data]
          --resume               Go on with the run in --run-dir, exactly as if it had not been stopped
          --force                Replace the run that --run-dir holds
      -h, --help                 Print help

    Global options:
      -q, --quiet                  Print nothing but results and errors
          --error-format <FORMAT>  How an error is printed on standard error: a block of text, or one
                                   JSON object on one line [default: text] [possible values: text, json]

    Defaults < config file < --set < named flags. The closing table goes to standard output, progress to
    standard error: a moving line on a terminal, a line an epoch elsewhere. SIGINT and SIGTERM save a
    checkpoint.

    Examples:
      backprop train --data iris.csv --target species
      backprop train --text novel.txt
      backprop train iris.toml --run-dir runs/try --set train.epochs=50 --set train.optimizer=sgd
      backprop train --resume --run-dir runs/try
    ");
}

#[test]
fn eval() {
    insta::assert_snapshot!(help("eval"), @"
    Score a model on a table that has the target column, a language model on a text

    Usage: backprop eval [OPTIONS] <MODEL> [DATA]

    Arguments:
      <MODEL>  Run directory, or one .safetensors file
      [DATA]   Table with the columns of the training data, in any order; .gz and .zst are read as they
               are [default: standard input, also -]

    Options:
          --on-bad-row <ACTION>  What a row with too few or too many fields does: skip leaves out up to
                                 1 % of the rows, and counts them [default: as in training] [possible
                                 values: skip, error]
          --threads <N>          Threads to compute with; the result does not depend on it [default: one
                                 a core]
          --format <FORMAT>      How the metrics are printed: tables with the confusion matrix, or one
                                 JSON object [default: text] [possible values: text, json]
      -h, --help                 Print help

    Global options:
      -q, --quiet                  Print nothing but results and errors
          --error-format <FORMAT>  How an error is printed on standard error: a block of text, or one
                                   JSON object on one line [default: text] [possible values: text, json]

    Examples:
      backprop eval runs/iris-1 test.csv
      backprop eval runs/novel-1 another.txt
      zcat test.csv.gz | backprop eval iris.safetensors --format json | jq .accuracy
    ");
}

#[test]
fn predict() {
    insta::assert_snapshot!(help("predict"), @"
    Predict the target of every row of a table, in bounded memory

    Usage: backprop predict [OPTIONS] <MODEL> [DATA]

    Arguments:
      <MODEL>  Run directory, or one .safetensors file
      [DATA]   Table with the columns of the training data, in any order; .gz and .zst are read as they
               are [default: standard input, also -]

    Options:
          --on-bad-row <ACTION>  What a row with too few or too many fields does: skip leaves out up to
                                 1 % of the rows, and counts them [default: as in training] [possible
                                 values: skip, error]
          --threads <N>          Threads to compute with; the result does not depend on it [default: one
                                 a core]
      -o, --output <FILE>        File for the predictions; it appears whole, at the end [default:
                                 standard output, also -]
          --format <FORMAT>      How rows are written: CSV with a header, or one JSON object a line
                                 [default: csv] [possible values: csv, jsonl]
          --proba                Add the probability of each class
          --keep <COL,COL|all>   Columns of the input to write before the predictions: names separated
                                 by commas, or all [default: none]
      -h, --help                 Print help

    Global options:
      -q, --quiet                  Print nothing but results and errors
          --error-format <FORMAT>  How an error is printed on standard error: a block of text, or one
                                   JSON object on one line [default: text] [possible values: text, json]

    Each row of the table gets a line, in their order; rows that are left out (drop_row, --on-bad-row
    skip) get none, and a note counts them: --keep tells which row a line is of. Of a long table
    ([data.series]) each series gets one, or each row where its steps have labels; what is said of the
    whole series is then repeated.

    Examples:
      backprop predict runs/iris-1 new.csv --output predictions.csv
      cat new.csv | backprop predict runs/iris-1 --proba --keep id > predictions.csv
    ");
}

#[test]
fn generate() {
    insta::assert_snapshot!(help("generate"), @r#"
    Generate text with a language model, streamed as it comes

    Usage: backprop generate [OPTIONS] <MODEL>

    Arguments:
      <MODEL>  Run directory, or one .safetensors file

    Options:
      -p, --prompt <TEXT>           What the text begins with [default: standard input if it is a pipe
                                    or a file, less one line break at its end; else a line feed, or the
                                    first token of a model that knows none]
      -n, --max-tokens <N>          The most tokens of a text [default: 200]
      -t, --temperature <T>         Divides the logits: below 1 likely tokens become likelier; 0: always
                                    the most likely one [default: 0.8]
          --top-k <K>               Choose among the K most likely tokens; 0: all [default: 0]
          --top-p <P>               Choose among the most likely tokens that have probability P together
                                    [default: 1]
          --min-p <P>               Choose among tokens at least P times as likely as the most likely
                                    one [default: 0]
          --repetition-penalty <X>  Makes tokens that are in the context already less likely: 1 not at
                                    all, 1.1 a little [default: 1]
          --stop <TEXT>             A text that ends the generated one, and is left out of it; \n, \t
                                    and \\ are understood; may be given several times. With --logprobs
                                    each token that holds some of it is left out
          --samples <N>             Number of texts, with a line --- between them [default: 1]
          --seed <N>                Decides every choice: the same seed gives the same text, with any
                                    number of threads [default: 0]
          --no-echo                 Write the generated text alone, without the prompt
          --logprobs                Write a JSON object a line for each token instead: sample, index,
                                    id, token and logprob, the natural logarithm of its probability at
                                    temperature 1; the unknown token has one as well, and is never
                                    written
          --threads <N>             Threads to compute with; the text does not depend on it [default:
                                    one a core]
      -h, --help                    Print help

    Global options:
      -q, --quiet                  Print nothing but results and errors
          --error-format <FORMAT>  How an error is printed on standard error: a block of text, or one
                                   JSON object on one line [default: text] [possible values: text, json]

    Examples:
      backprop generate runs/shakespeare-1 --prompt "ROMEO:" --max-tokens 500 --seed 1
      echo "Dear " | backprop generate runs/letters-1 --samples 3 --temperature 1.1
      backprop generate runs/names-1 --stop '\n' --no-echo --samples 10
      backprop generate runs/names-1 --prompt an --logprobs | jq .logprob
    "#);
}

#[test]
fn init() {
    insta::assert_snapshot!(help("init"), @"
    Print a commented config for a table or a text

    Usage: backprop init [OPTIONS] --target <COL> <DATA>
           backprop init [OPTIONS] --text <FILE>

    Arguments:
      [DATA]  Table, or - for standard input; .gz and .zst are read as they are

    Options:
          --target <COL>         Column to predict; may be repeated
          --text <FILE>          Text to train a language model on, in place of a table: a path, a glob
                                 in quotes, or -; may be repeated
          --on-bad-row <ACTION>  What a row with too few or too many fields does: skip leaves out up to
                                 1 % of the rows, and counts them [default: error] [possible values:
                                 skip, error]
      -h, --help                 Print help

    Global options:
      -q, --quiet                  Print nothing but results and errors
          --error-format <FORMAT>  How an error is printed on standard error: a block of text, or one
                                   JSON object on one line [default: text] [possible values: text, json]

    Types are taken from the first 10,000 rows. The path of the data goes into the config as it is
    given: keep the config in the current directory, or correct the path.

    Examples:
      backprop init iris.csv --target species > iris.toml
      backprop train iris.toml
      backprop init --text novel.txt > novel.toml
    ");
}

#[test]
fn check() {
    insta::assert_snapshot!(help("check"), @"
    Check config, data and shapes before any training, and print what it would take

    Usage: backprop check [OPTIONS] [CONFIG]

    Arguments:
      [CONFIG]  Config file, TOML or JSON; without one, --data and --target are needed, or --text, and
                all else is inferred

    Options:
          --data <FILE>          Table to train on: a path, a glob in quotes, or - for standard input;
                                 may be repeated. Overrides data.train
          --target <COL>         Column to predict; may be repeated. Overrides data.target
          --text <FILE>          Text to train a language model on, in place of a table: a path, a glob
                                 in quotes, or -; may be repeated. Overrides data.text
          --set <KEY=VALUE>      Set any key of the config, e.g. --set train.epochs=50; may be repeated.
                                 Named flags override it
          --on-bad-row <ACTION>  What a row with too few or too many fields does: skip leaves out up to
                                 1 % of the rows, and counts them. Overrides data.on_bad_row [default:
                                 error] [possible values: skip, error]
          --threads <N>          Threads to compute with; the result does not depend on it. Overrides
                                 threads [default: one a core]
          --dot                  Print the network as a graph in Graphviz's language instead
      -h, --help                 Print help

    Global options:
      -q, --quiet                  Print nothing but results and errors
          --error-format <FORMAT>  How an error is printed on standard error: a block of text, or one
                                   JSON object on one line [default: text] [possible values: text, json]

    Takes what train takes. Prints columns, then layer by layer the shape of a row of its output (images
    are height x width x channels, series steps x channels), its parameters and the multiply-adds of a
    forward pass for one row; then memory.

    Examples:
      backprop check iris.toml
      backprop check --data iris.csv --target species
      backprop check iris.toml --dot | dot -Tsvg > iris.svg
    ");
}

#[test]
fn config_reference() {
    insta::assert_snapshot!(help("config-reference"), @"
    Print every key of a config: values, default and meaning, as Markdown

    Usage: backprop config-reference [OPTIONS]

    Options:
      -h, --help  Print help

    Global options:
      -q, --quiet                  Print nothing but results and errors
          --error-format <FORMAT>  How an error is printed on standard error: a block of text, or one
                                   JSON object on one line [default: text] [possible values: text, json]
    ");
}

#[test]
fn completions() {
    insta::assert_snapshot!(help("completions"), @"
    Print a script that completes commands and flags in a shell

    Usage: backprop completions [OPTIONS] <SHELL>

    Arguments:
      <SHELL>  The shell [possible values: bash, elvish, fish, powershell, zsh]

    Options:
      -h, --help  Print help

    Global options:
      -q, --quiet                  Print nothing but results and errors
          --error-format <FORMAT>  How an error is printed on standard error: a block of text, or one
                                   JSON object on one line [default: text] [possible values: text, json]

    Examples:
      backprop completions bash > ~/.local/share/bash-completion/completions/backprop
      backprop completions zsh > ~/.zfunc/_backprop
      backprop completions fish > ~/.config/fish/completions/backprop.fish
    ");
}

#[test]
fn man() {
    insta::assert_snapshot!(help("man"), @"
    Print a manual page

    Usage: backprop man [OPTIONS] [COMMAND]

    Arguments:
      [COMMAND]  Command that the page is about [default: backprop as a whole]

    Options:
      -h, --help  Print help

    Global options:
      -q, --quiet                  Print nothing but results and errors
          --error-format <FORMAT>  How an error is printed on standard error: a block of text, or one
                                   JSON object on one line [default: text] [possible values: text, json]

    Examples:
      backprop man | man -l -
      backprop man train > ~/.local/share/man/man1/backprop-train.1
    ");
}

#[test]
fn help_has_no_colour_in_a_pipe() {
    assert!(!help("train").contains('\u{1b}'));
}

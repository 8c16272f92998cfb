//! Bad input 39: SIGINT and SIGTERM. A checkpoint, 130 or 143, and the command to resume.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Place, iris, rows};

/// A run that would take hours; the schedule does not depend on the number of epochs.
const LONG: &str = "train --data iris.csv --target species --set train.epochs=100000000 \
                    --set train.early_stopping=none --set train.schedule=constant --run-dir r";

/// A command that is running.
struct Running {
    child: Child,
    err: BufReader<ChildStderr>,
}

impl Running {
    fn start(place: &Place, line: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_backprop"))
            .args(line.split(' ').filter(|word| !word.is_empty()))
            .current_dir(place.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let err = BufReader::new(child.stderr.take().expect("standard error"));
        Running { child, err }
    }

    /// Waits for a line that starts with `start`, among the first thousand.
    fn wait_for(&mut self, start: &str) {
        for _ in 0..1000 {
            let mut line = String::new();
            assert!(self.err.read_line(&mut line).expect("a line") > 0, "it ended before {start:?}");
            if line.starts_with(start) {
                return;
            }
        }
        panic!("no line starts with {start:?}");
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().expect("kill runs");
        assert!(status.success());
    }

    /// Makes sure that it ends by itself before long.
    #[track_caller]
    fn ends_soon(&mut self) {
        let start = Instant::now();
        while self.child.try_wait().expect("its state").is_none() {
            assert!(start.elapsed() < Duration::from_secs(60), "the signal did not stop it");
            sleep(Duration::from_millis(20));
        }
    }

    /// The exit code, and what stood on standard error after the last line waited for, without epochs.
    fn end(mut self) -> (Option<i32>, String) {
        let mut text = String::new();
        self.err.read_to_string(&mut text).expect("UTF-8");
        let status = self.child.wait().expect("it ends");
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("epoch ")).collect();
        (status.code(), lines.join("\n"))
    }
}

/// A test that fails leaves nothing running.
impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_signal_saves_a_checkpoint_and_names_the_command_to_resume() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let place = Place::new().with("iris.csv", iris());
        let mut run = Running::start(&place, LONG);
        run.wait_for("epoch ");
        run.signal(name);
        let (ended, text) = run.end();
        assert_eq!(ended, Some(code), "{text}");
        assert!(text.starts_with(&format!("error[{code}]: step ")), "{text}");
        assert!(text.ends_with("help: go on with: backprop train --resume --run-dir r"), "{text}");
        assert_eq!(place.list("r/checkpoints"), ["last.safetensors"]);
        assert!(place.path().join("r/model.safetensors").is_file());
    }
}

/// The step of a run's last checkpoint.
fn saved_step(place: &Place) -> u64 {
    let file = fs::read(place.path().join("r/checkpoints/last.safetensors")).expect("a checkpoint");
    let text = String::from_utf8_lossy(&file);
    let state = &text[text.find("backprop.state").expect("a state")..];
    let digits = &state[state.find("step\\\":").expect("a step") + 7..];
    digits[..digits.find(',').expect("more")].parse().expect("a number")
}

#[test]
fn a_run_that_was_killed_behind_the_last_step_of_an_epoch_closes_that_epoch() {
    let place = Place::new().with("iris.csv", iris());
    // Four steps an epoch: each checkpoint is older than the validation of its epoch.
    let settings = "--set train.checkpoint_every_steps=4 --set train.log_every_steps=2";
    let mut running = Running::start(&place, &format!("{LONG} {settings}"));
    running.wait_for("epoch         3/");
    running.child.kill().expect("killed");
    running.child.wait().expect("it ended");
    let step = saved_step(&place);
    assert!(step >= 8 && step.is_multiple_of(4), "{step}");
    // Nothing is left but that validation.
    place.run(&format!("train --resume --run-dir r --set train.max_steps={step}")).worked();
    let whole = format!("{LONG} {settings} --set train.max_steps={step}");
    place.run(&whole.replace("--run-dir r", "--run-dir whole")).worked();
    let model = |run: &str| fs::read(place.path().join(run).join("model.safetensors")).expect("a model");
    assert!(model("r") == model("whole"));
    let rows = |run: &str| -> Vec<serde_json::Value> {
        let log = fs::read_to_string(place.path().join(run).join("metrics.jsonl")).expect("a log");
        log.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
    };
    let figures = |run: &str| {
        let mut rows = rows(run);
        for row in &mut rows {
            assert!(row.get("non_finite").is_none(), "{row}");
            let row = row.as_object_mut().expect("an object");
            row.remove("seconds");
            row.remove("samples_per_second");
        }
        rows
    };
    assert_eq!(figures("r"), figures("whole"));
    let trained = rows("r").into_iter().filter(|row| row["split"] == "train");
    let speeds: Vec<bool> = trained.map(|row| row.get("samples_per_second").is_some()).collect();
    let (last, before) = speeds.split_last().expect("rows");
    assert!(!last && before.iter().all(|&there| there), "{speeds:?}");
}

#[test]
fn a_stopped_and_resumed_run_ends_like_one_that_was_never_stopped() {
    let place = Place::new().with("iris.csv", iris());
    let mut run = Running::start(&place, LONG);
    run.wait_for("epoch ");
    run.signal("INT");
    let (code, text) = run.end();
    assert_eq!(code, Some(130), "{text}");
    let step: u64 = text
        .strip_prefix("error[130]: step ")
        .and_then(|rest| rest.split(' ').next())
        .and_then(|step| step.parse().ok())
        .unwrap_or_else(|| panic!("no step in {text}"));
    let last = format!("--set train.max_steps={}", step + 25);
    place.run(&format!("train --resume --run-dir r {last}")).worked();
    place.run(&format!("{} {last}", LONG.replace("--run-dir r", "--run-dir whole"))).worked();
    let model = |run: &str| fs::read(place.path().join(run).join("model.safetensors")).expect("a model");
    assert!(model("r") == model("whole"));
}

#[test]
fn two_runs_in_one_directory_are_refused() {
    let place = Place::new().with("iris.csv", iris());
    let mut run = Running::start(&place, LONG);
    run.wait_for("epoch ");
    // The checkpoint of the first epoch is written before the second one begins.
    run.wait_for("epoch ");
    insta::assert_snapshot!(place.run(&format!("{LONG} --quiet")).failed(5), @"
    error[5]: r: another run holds the directory
      help: wait until it ends, or choose another --run-dir
    ");
    insta::assert_snapshot!(place.run("train --resume --run-dir r").failed(5), @"
    error[5]: r: another run holds the directory
      help: wait until it ends, or choose another --run-dir
    ");
    run.signal("TERM");
    assert_eq!(run.end().0, Some(143));
}

/// Until both signals are caught, a signal would end the process by itself.
#[cfg(target_os = "linux")]
fn wait_until_caught(run: &Running) {
    let status = format!("/proc/{}/status", run.child.id());
    let both = 1 << (2 - 1) | 1 << (15 - 1);
    let ready = || {
        let text = fs::read_to_string(&status).expect("the state of the process");
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let caught = field("SigCgt:").and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(0);
        caught & both == both && field("Threads:") != Some("1")
    };
    while !ready() {
        std::thread::yield_now();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_that_waits_for_rows_ends_and_leaves_nothing() {
    let place = Place::new();
    let run = Running::start(&place, "train --data - --target y");
    wait_until_caught(&run);
    run.signal("TERM");
    let (code, text) = run.end();
    insta::assert_snapshot!(text, @"error[143]: backprop: stopped by a signal before training began");
    assert_eq!((code, place.list(".")), (Some(143), Vec::new()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_at_once() {
    // Where this machine is so slow that the second one comes after the time that the first one grants, try again.
    let at_once = (0..5).any(|_| {
        let place = Place::new();
        let run = Running::start(&place, "train --data - --target y");
        wait_until_caught(&run);
        run.signal("INT");
        sleep(Duration::from_millis(50));
        run.signal("TERM");
        let (code, text) = run.end();
        assert!([Some(130), Some(143)].contains(&code), "{code:?} {text}");
        code == Some(143) && text.is_empty()
    });
    assert!(at_once, "the second signal leaves no time for a message");
}

/// A recurrent network, and one step for each epoch of a short text; scores of the long one take minutes.
const TEXT: &str = concat!(
    "train --text short.txt --run-dir r --set train.epochs=9 --set train.batch_size=64 --set data.context=16 ",
    r#"--set train.checkpoint_every_steps=1 --set model.layers=[{type="embedding",embedding_dim=8},{type="gru",hidden_size=256}]"#
);

fn texts() -> Place {
    let text = "It was the best of times, it was the worst of times.\n";
    Place::new().with("short.txt", text.repeat(20)).with("long.txt", text.repeat(160_000))
}

/// A run that is stopped while it does what `settings` want behind the first step, and the code and the text of its end.
fn stopped_behind_the_first_step(place: &Place, settings: &str) -> (Option<i32>, String) {
    let mut run = Running::start(place, &format!("{TEXT} {settings}"));
    while !place.path().join("r/checkpoints/last.safetensors").is_file() {
        assert!(run.child.try_wait().expect("its state").is_none(), "it ended");
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_millis(500));
    run.signal("INT");
    run.ends_soon();
    run.end()
}

#[test]
fn a_signal_while_a_network_is_scored_or_writes_saves_a_checkpoint() {
    let place = texts();
    for settings in [
        "--set data.validation=long.txt",
        "--set data.validation=0.0 --set train.sample.max_tokens=100000000",
        "--set data.validation=0.0 --set data.test=long.txt --set train.max_steps=1",
    ] {
        let (code, text) = stopped_behind_the_first_step(&place, settings);
        assert_eq!(code, Some(130), "{text}");
        assert!(text.contains("\nerror[130]: step 1 of "), "{settings}: {text}");
        assert!(text.ends_with("help: go on with: backprop train --resume --run-dir r"), "{text}");
        assert_eq!(saved_step(&place), 1);
        fs::remove_dir_all(place.path().join("r")).expect("removed");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn eval_of_a_long_text_stops_at_a_signal() {
    let place = texts();
    place.run(&format!("{TEXT} --set train.epochs=1 --quiet")).worked();
    let mut run = Running::start(&place, "eval r long.txt");
    wait_until_caught(&run);
    sleep(Duration::from_millis(500));
    run.signal("TERM");
    run.ends_soon();
    let (code, text) = run.end();
    assert_eq!(code, Some(143), "{text}");
    assert!(text.starts_with("error[143]: ") && text.ends_with(": stopped by a signal"), "{text}");
}

/// Ever more rows for a command, until it goes away.
fn pour(run: &mut Running) -> std::thread::JoinHandle<()> {
    let mut input = run.child.stdin.take().expect("standard input");
    std::thread::spawn(move || {
        let rows = iris();
        let header = rows.iter().position(|&b| b == b'\n').map_or(0, |i| i + 1);
        let _ = input.write_all(&rows[..header]);
        while input.write_all(&rows[header..]).is_ok() {}
    })
}

/// Bad input 39.
#[test]
fn predict_ends_well_when_its_reader_goes_away() {
    let place = rows::place();
    let mut run = Running::start(&place, "predict m.safetensors");
    let pouring = pour(&mut run);
    let mut out = BufReader::new(run.child.stdout.take().expect("standard output"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    drop(out);
    let (code, text) = run.end();
    assert_eq!((line.as_str(), code, text.as_str()), ("prediction\n", Some(0), ""));
    pouring.join().expect("the rows go nowhere");
}

#[test]
fn eval_and_predict_stop_at_a_signal_and_leave_nothing() {
    for (line, name, code) in
        [("eval m.safetensors", "INT", 130), ("predict m.safetensors -o out.csv", "TERM", 143)]
    {
        let place = rows::place();
        let files = place.list(".");
        let mut run = Running::start(&place, line);
        let pouring = pour(&mut run);
        #[cfg(target_os = "linux")]
        wait_until_caught(&run);
        #[cfg(not(target_os = "linux"))]
        sleep(Duration::from_secs(2));
        run.signal(name);
        let (ended, text) = run.end();
        assert_eq!(ended, Some(code), "{text}");
        assert!(text.starts_with(&format!("error[{code}]: ")), "{text}");
        assert_eq!(place.list("."), files);
        pouring.join().expect("the rows go nowhere");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn predict_gives_its_output_up_where_no_rows_come() {
    let place = rows::place();
    let files = place.list(".");
    let run = Running::start(&place, "predict m.safetensors -o out.csv");
    wait_until_caught(&run);
    run.signal("TERM");
    let (code, text) = run.end();
    assert_eq!(code, Some(143), "{text}");
    assert_eq!(place.list("."), files);
}

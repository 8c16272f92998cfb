//! Runs on a text that are stopped, go on and end: their steps, their memory and what they say.

use super::*;

#[test]
#[cfg(unix)]
fn a_run_that_was_stopped_within_an_epoch_goes_on_exactly() {
    use std::io::{BufRead, BufReader};
    let place = Place::new();
    for (name, layers) in LAYERS {
        let layers = format!("model.layers={layers}");
        let settings = [
            &*layers,
            "data.context=16",
            "data.validation=0.0",
            "train.batch_size=8",
            "train.epochs=1000000",
            "train.schedule.type=constant",
        ];
        let words = ["train", "--text", "text.txt", "--run-dir", name];
        let mut command = Command::new(env!("CARGO_BIN_EXE_backprop"));
        command.args(words).current_dir(place.0.path()).stdin(Stdio::null());
        settings.iter().for_each(|setting| _ = command.args(["--set", setting]));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
        let mut told = BufReader::new(child.stderr.take().expect("standard error")).lines();
        told.by_ref()
            .filter(|line| line.as_ref().is_ok_and(|line| line.starts_with("epoch ")))
            .nth(1)
            .expect("two epochs")
            .expect("a line");
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &id]).status().expect("kill runs").success());
        let rest: Vec<String> = told.map(|line| line.expect("a line")).collect();
        assert_eq!(child.wait().expect("it ends").code(), Some(130), "{rest:?}");
        let step = rest
            .iter()
            .find_map(|line| line.strip_prefix("error[130]: step ")?.split(' ').next()?.parse::<u64>().ok());
        let last = format!("train.max_steps={}", step.expect("a step") + 50);
        let out = place.run(&["train", "--resume", "--quiet", "--run-dir", name], &[&last]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        let whole = format!("{name}-whole");
        let words = ["train", "--quiet", "--text", "text.txt", "--run-dir", &whole];
        let out = place.run(&words, &[&settings[..], &[&last]].concat());
        assert!(out.status.success(), "{}", text(&out.stderr));
        let model = |run: &str| fs::read(place.file(run).join("model.safetensors")).expect("a model");
        assert!(model(name) == model(&whole), "{name}: step {step:?}");
    }
}

#[test]
fn a_run_that_max_steps_ended_goes_on_within_its_epoch() {
    let place = Place::new();
    for (name, layers) in LAYERS {
        let whole = format!("{name}-whole");
        place.train(&whole, layers, &["train.schedule.type=constant"]);
        // 40 steps an epoch, and some.
        place.train(name, layers, &["train.schedule.type=constant", "train.max_steps=60"]);
        let out = place.run(&["train", "--resume", "--quiet", "--run-dir", name], &["train.max_steps=0"]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        let model = |run: &str| fs::read(place.file(run).join("model.safetensors")).expect("a model");
        assert!(model(name) == model(&whole), "{name}");
        let steps = |run: &str| {
            rows(&place.file(run)).iter().map(|row| row["step"].as_u64().expect("a step")).collect::<Vec<_>>()
        };
        assert_eq!(steps(name), steps(&whole));
        assert!((31..60).contains(&steps(name)[0]), "{:?}", steps(name));
    }
}

#[test]
fn as_many_steps_are_announced_as_are_made() {
    let place = Place::new();
    for (name, layers) in LAYERS {
        let layers = format!("model.layers={layers}");
        let settings = [&*layers, "data.context=16", "train.batch_size=8", "train.epochs=3"];
        let out = place.run(&["train", "--text", "text.txt", "--run-dir", name], &settings);
        let told = text(&out.stderr);
        let row = rows(&place.file(name)).pop().expect("a row");
        assert!(told.contains(&format!("at most 3, {} steps\n", row["step"])), "{row}: {told}");
    }
}

#[test]
fn a_batch_takes_no_more_memory_than_the_text_has_windows() {
    let place = Place::new();
    let (_, layers) = LAYERS[0];
    let layers = format!("model.layers={layers}");
    let run = |command: &str, batch: u32| {
        let batch = format!("train.batch_size={batch}");
        let settings = [&*layers, "data.context=16", &batch, "train.max_steps=1"];
        let more: &[&str] = if command == "train" { &["--run-dir", "run"] } else { &[] };
        let out = place.run(&[&[command, "--quiet", "--text", "text.txt"], more].concat(), &settings);
        assert!(out.status.success(), "{}", text(&out.stderr));
        text(&out.stdout).lines().find(|line| line.starts_with("memory: ")).map(str::to_owned)
    };
    let memory = run("check", 1000);
    assert!(memory.is_some());
    assert_eq!(run("check", 2_000_000_000), memory);
    // Nor does a model that was trained so.
    run("train", 2_000_000_000);
    let out = place.run(&["eval", "run", "text.txt"], &[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
}

#[test]
fn a_run_that_goes_on_may_begin_to_show_samples() {
    let place = Place::new();
    let (_, layers) = LAYERS[2];
    place.train("run", layers, &["train.schedule.type=constant"]);
    place.train("whole", layers, &["train.schedule.type=constant", "train.epochs=3"]);
    let sample = "train.sample={prompt=\"Die\",max_tokens=20}";
    let out = place.run(&["train", "--resume", "--run-dir", "run"], &["train.epochs=3", sample]);
    let told = text(&out.stderr);
    assert!(out.status.success() && told.contains("note: epoch 3 writes:\nDie"), "{told}");
    let model = |run: &str| fs::read(place.file(run).join("model.safetensors")).expect("a model");
    let weights = |run: &str| {
        let file = model(run);
        let header = 8 + u64::from_le_bytes(file[..8].try_into().expect("8 bytes")) as usize;
        file[header..].to_vec()
    };
    assert!(weights("run") == weights("whole"));
}

//! Every config of `configs/` trains, and better than the majority class or the mean.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn every_example_trains_and_its_written_config_gives_the_same_model() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut configs: Vec<_> =
        fs::read_dir(root.join("configs")).expect("configs").map(|e| e.expect("an entry").path()).collect();
    configs.sort();
    assert!(configs.len() >= 6, "{configs:?}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (i, config) in configs.iter().enumerate() {
        let (first, second) = (folder.path().join(format!("{i}-a")), folder.path().join(format!("{i}-b")));
        train(config, &first);
        let log = fs::read_to_string(first.join("metrics.jsonl")).expect("a log");
        let best = |name: &str| {
            let rows =
                log.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).expect("a JSON object"));
            rows.filter_map(|row| row[name].as_f64()).fold(f64::NEG_INFINITY, f64::max)
        };
        let good = best("accuracy").max(best("r2") + 0.45);
        assert!(good > 0.85, "{}: {good}", config.display());
        train(&first.join("config.toml"), &second);
        let model = |run: &Path| fs::read(run.join("model.safetensors")).expect("a model");
        assert!(
            model(&first) == model(&second),
            "{}: the written config trains another model",
            config.display()
        );
    }
}

fn train(config: &Path, run_dir: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_backprop"))
        .args([
            "train".as_ref(),
            config.as_os_str(),
            "--quiet".as_ref(),
            "--run-dir".as_ref(),
            run_dir.as_os_str(),
        ])
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}\n{}", config.display(), String::from_utf8_lossy(&output.stderr));
}

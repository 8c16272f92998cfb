//! Every command of the README, run in its order in one fresh folder.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The lines of all `sh` blocks.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_command_of_the_readme_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["data", "configs"] {
        let to = folder.path().join(name);
        fs::create_dir(&to).expect("a folder");
        for file in fs::read_dir(root.join(name)).expect("a folder of this repository") {
            let file = file.expect("an entry");
            if file.path().is_file() {
                fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
            }
        }
    }
    let program = Path::new(env!("CARGO_BIN_EXE_backprop"));
    let path = format!(
        "{}:{}",
        program.parent().expect("a folder").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    let commands = commands(&readme);
    assert!(commands.len() > 20, "{} commands", commands.len());
    for command in commands {
        // The test command runs this, and the benchmark is among the tests itself.
        if command == "cargo test" || command == "cargo bench --bench accuracy" {
            continue;
        }
        let run = command.replace("cargo run --release -- ", "backprop ");
        assert!(!run.contains("cargo "), "{command} is not known to this test");
        let output = Command::new("bash")
            .args(["-o", "pipefail", "-c", &run])
            .current_dir(folder.path())
            .env("PATH", &path)
            .output()
            .expect("bash runs");
        assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let predictions = fs::read_to_string(folder.path().join("predictions.csv")).expect("predictions");
    assert_eq!(predictions.lines().count(), 151);
    assert!(predictions.starts_with("prediction\nsetosa\n"), "{predictions}");
}

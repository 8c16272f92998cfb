//! A hundred steps of networks that hold every kind of layer, as PyTorch makes them.

use crate::fixture::Fixture;

#[test]
fn a_hundred_steps_of_every_network_are_those_of_pytorch() {
    let cases = Fixture::all("networks");
    assert!(cases.len() >= 10, "{} networks", cases.len());
    let misses: Vec<String> = cases.iter().flat_map(|c| c.misses(&c.run(c.train("optimizer")))).collect();
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

#[test]
fn another_learning_rate_or_optimizer_is_seen() {
    for case in Fixture::all("networks") {
        let mut other = case.train("optimizer").clone();
        other["learning_rate"] = (other["learning_rate"].as_f64().unwrap() * 1.0001).into();
        assert!(!case.misses(&case.run(&other)).is_empty(), "{}", case.name);
    }
}

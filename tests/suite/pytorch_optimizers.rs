//! A hundred steps of every optimizer and of both clippings, as PyTorch makes them.

use std::collections::BTreeSet;

use backprop::optim::OPTIMIZERS;
use backprop::spec::Family;
use serde_json::{Value as Json, json};

use crate::fixture::{Fixture, choice};

/// The optimizers that a case stands for: PyTorch's own name for it, and ours where we give a setting of sgd a name.
fn optimizers(case: &Fixture) -> Vec<Json> {
    let theirs = case.train("optimizer");
    let rate = &theirs["learning_rate"];
    let ours = match case.name.as_str() {
        "sgd_momentum" => Some(json!({ "type": "momentum", "learning_rate": rate, "momentum": 0.9 })),
        "sgd_nesterov" => Some(json!({ "type": "nesterov", "learning_rate": rate, "momentum": 0.9 })),
        "sgd_weight_decay" => {
            Some(json!({ "type": "sgd", "learning_rate": rate, "l2": theirs["weight_decay"] }))
        }
        "adam_weight_decay" => {
            Some(json!({ "type": "adam", "learning_rate": rate, "l2": theirs["weight_decay"] }))
        }
        "adamw" => Some(json!({
            "type": "adam",
            "learning_rate": rate,
            "weight_decay": theirs["weight_decay"],
            "decoupled_weight_decay": true,
        })),
        _ => None,
    };
    std::iter::once(theirs.clone()).chain(ours).collect()
}

#[test]
fn a_hundred_steps_of_every_optimizer_are_those_of_pytorch() {
    let mut tested = BTreeSet::new();
    let mut misses = Vec::new();
    for case in Fixture::all("optimizers") {
        for optimizer in optimizers(&case) {
            misses.extend(case.misses(&case.run(&optimizer)));
            tested.insert(optimizer["type"].as_str().unwrap().to_owned());
        }
    }
    assert!(misses.is_empty(), "{}", misses.join("\n"));
    let all: BTreeSet<String> = OPTIMIZERS.iter().map(|o| o.name.to_owned()).collect();
    assert_eq!(tested, all, "optimizers with a fixture, and all");
}

#[test]
fn every_key_of_a_case_counts() {
    for case in Fixture::all("optimizers") {
        let full = case.train("optimizer");
        for key in full.as_object().unwrap().keys().filter(|key| *key != "type") {
            let mut without = full.clone();
            without.as_object_mut().unwrap().remove(key);
            // nesterov needs its momentum.
            if key == "momentum" {
                without.as_object_mut().unwrap().remove("nesterov");
            }
            let is_default =
                choice(Family::Optimizer, full).values == choice(Family::Optimizer, &without).values;
            let same = case.misses(&case.run(&without)).is_empty();
            assert_eq!(same, is_default, "{}: {key} left out", case.name);
        }
    }
}

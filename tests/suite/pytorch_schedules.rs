//! Sixty learning rates of every schedule, as PyTorch gives them.

use std::collections::BTreeSet;

use backprop::schedule::{Progress, SCHEDULES, Scheduler};
use backprop::spec::{Family, Value};

use crate::fixture::{apart_each, choice, json, numbers, path};

#[test]
fn every_schedule_gives_the_rates_of_pytorch() {
    let file = json(&path("schedules.json"));
    let mut tested = BTreeSet::new();
    for case in file["cases"].as_array().unwrap() {
        let choice = choice(Family::Schedule, &case["options"]);
        let entry = &SCHEDULES[choice.index];
        let mut values = choice.values;
        // One tick is one call of PyTorch's scheduler.step(): a step here.
        if entry.keys.iter().any(|k| k.name == "unit") {
            values.set("unit", Value::Str("step".into()));
        }
        let mut scheduler = Scheduler::new(entry, &values, case["base"].as_f64().unwrap());
        let expected = numbers(&case["values"]);
        let total_steps = expected.len() as u64;
        let losses = case.get("losses").map(numbers);
        let rates: Vec<f64> = (0..total_steps)
            .map(|step| {
                if let Some(losses) = &losses {
                    scheduler.observe(losses[step as usize]);
                }
                scheduler.rate(Progress { step, epoch: 0, total_steps, total_epochs: 1 })
            })
            .collect();
        let off = apart_each(&rates, &expected);
        assert!(off <= 1e-12, "{}: off by {off:e}\n{rates:?}\n{expected:?}", case["schedule"]);
        tested.insert(entry.name);
    }
    assert_eq!(tested, SCHEDULES.iter().map(|s| s.name).collect(), "schedules with a fixture, and all");
}

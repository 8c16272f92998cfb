//! The memory that a network takes, told before any of it is taken.

use crate::error::{Error, Result, quote};
use crate::graph::{Graph, Mode, Plan, PlanOptions};
use crate::layers::amount;

/// Copies of the parameters while they are trained: weights, gradients and two moments.
const COPIES: usize = 4;

/// Bytes of parameters, gradients, moments and plans.
pub(super) fn bytes(graph: &Graph, plans: &[Plan]) -> usize {
    let copies = if plans.iter().any(|p| p.mode == Mode::Train) { COPIES } else { 1 };
    let arena = plans.iter().map(|p| p.bytes(4)).max().unwrap_or(0);
    4 * (copies * graph.param_len() + graph.buffer_len()) + arena
}

/// Refuses a graph of which one value of one batch alone does not fit into `limit` bytes.
///
/// # Errors
/// `Code::Usage`.
pub(super) fn check_values(graph: &Graph, plans: &[PlanOptions], limit: u64) -> Result<()> {
    let rows = plans.iter().map(|p| p.max_rows).max().unwrap_or(0);
    let values = graph.values.iter().filter(|v| v.has_rows());
    let size = |len: usize| len as f64 * rows as f64 * 4.0;
    match values.max_by_key(|v| v.shape.len()) {
        Some(value) if size(value.shape.len()) > limit as f64 => {
            let what = format!("{rows} rows of {} {}", quote(&value.name), value.shape);
            Err(too_large(&what, size(value.shape.len()), limit))
        }
        _ => Ok(()),
    }
}

/// Refuses a network that does not fit into `limit` bytes.
///
/// # Errors
/// `Code::Usage`.
pub(super) fn check(graph: &Graph, plans: &[Plan], limit: u64) -> Result<()> {
    let bytes = bytes(graph, plans);
    if bytes as u64 <= limit {
        return Ok(());
    }
    let what = format!("its {} parameters, their gradients and a batch", graph.param_count());
    Err(too_large(&what, bytes as f64, limit))
}

fn too_large(what: &str, bytes: f64, limit: u64) -> Error {
    Error::usage("model", "the network is too large for this machine")
        .expected(format!("at most {}: the memory that is free", amount(limit as f64)))
        .found(format!("{} for {what}", amount(bytes)))
        .help("make the layers smaller, or train.batch_size")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::Cpu;
    use crate::graph::{Init, Machine};
    use crate::ops::linear::Linear;

    /// A linear layer from 3 columns to 1000.
    fn graph() -> Graph {
        let mut graph = Graph::new();
        let x = graph.input("x", [3]);
        let w = graph.param("wide.weight", [1000, 3], Init::constant(0.0));
        let y = graph.node("wide", Box::new(Linear), &[x, w]).unwrap();
        graph.outputs = vec![y];
        graph
    }

    #[test]
    fn a_network_has_to_fit_the_memory() {
        let graph = graph();
        let plans = Machine::<Cpu<f32>>::plans(&graph, &[PlanOptions::new(Mode::Predict, 100)]);
        let need = bytes(&graph, &plans) as u64;
        assert!(need >= 4 * (3000 + 100 * 1000));
        assert_eq!(check(&graph, &plans, need), Ok(()));
        let error = check(&graph, &plans, need - 1).unwrap_err().to_string();
        assert!(error.starts_with("error[2]: model: the network is too large for this machine"), "{error}");
    }

    #[test]
    fn a_batch_of_one_value_has_to_fit_the_memory() {
        let options = [PlanOptions::new(Mode::Predict, 1 << 31)];
        let rows: u64 = 1 << 31;
        assert_eq!(check_values(&graph(), &options, rows * 4000), Ok(()));
        assert_eq!(
            check_values(&graph(), &options, rows * 4000 - 1).unwrap_err().to_string(),
            "error[2]: model: the network is too large for this machine\n  \
             expected: at most 8.6 TB: the memory that is free\n  \
             found: 8.6 TB for 2147483648 rows of \"wide\" [1000]\n  \
             help: make the layers smaller, or train.batch_size"
        );
    }
}

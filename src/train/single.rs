//! Batches in which a channel has one value: they have no variance, so no training step sees one.
//!
//! Batch norm takes its statistics over the rows of a batch and the places of an image or a series. Over columns of a table a batch
//! of one row is such a batch: a last one is left out of each epoch, and a run in which every batch is one is refused. An image
//! has a variance of its own.

use crate::config::Config;
use crate::error::{Code, Error, Problem, Result, quote};
use crate::graph::Graph;

/// The first layer whose statistics are over one value of each row.
fn over_rows(graph: &Graph) -> Option<&str> {
    let node = graph.nodes.iter().find(|node| {
        let places = || graph.shape(node.inputs[0]).outer();
        node.op.name() == "batch_norm" && places() == 1
    })?;
    Some(&graph.values[node.output.index()].name)
}

/// Rows that train in an epoch of batches of `batch` out of `rows`: a last batch of one row is left out where it has no variance.
pub(super) fn rows_per_epoch(graph: &Graph, rows: usize, batch: usize) -> usize {
    let alone = rows > 1 && batch > 1 && rows % batch == 1;
    if alone && over_rows(graph).is_some() { rows - 1 } else { rows }
}

/// Refuses a run of batches that have no variance, `rows` being those that train.
///
/// # Errors
/// `Code::Usage`.
pub(super) fn check(graph: &Graph, config: &Config, rows: usize) -> Result<()> {
    let size = config.train.batch_size.unwrap_or(rows);
    if size.min(rows) != 1 || config.train.epochs == Some(0) {
        return Ok(());
    }
    let Some(layer) = over_rows(graph) else { return Ok(()) };
    let what =
        format!("layer {} needs batches of more than one row: one value has no variance", quote(layer));
    let (place, expected, found, help) = if rows == 1 {
        (
            "data.train",
            "2 rows to train on, or more",
            "1 row",
            "give it more rows; or use layer_norm, which needs no batch",
        )
    } else {
        (
            "train.batch_size",
            "2 or more",
            "1",
            "set train.batch_size = 2 or more; or use layer_norm, which needs no batch",
        )
    };
    Err(Error::new(Code::Usage, Problem::new(place, what).expected(expected).found(found).help(help)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Init;
    use crate::ops::batch_norm::BatchNorm;
    use crate::tensor::Shape;

    fn graph(shape: &[usize]) -> Graph {
        let mut graph = Graph::new();
        let c = shape[shape.len() - 1];
        let x = graph.input("x", Shape::new(shape));
        let tensor = |graph: &mut Graph, name: &str| graph.param(name, [c], Init::constant(1.0));
        let inputs = ["w", "b", "m", "v"].map(|name| tensor(&mut graph, name));
        let op = Box::new(BatchNorm { eps: 1e-5, momentum: 0.1 });
        graph.node("norm", op, &[&[x], &inputs[..]].concat()).expect("it fits");
        graph
    }

    #[test]
    fn a_last_row_alone_is_left_out_where_it_has_no_variance() {
        let (table, image) = (graph(&[3]), graph(&[2, 2, 3]));
        for (rows, batch, kept) in
            [(9, 4, 8), (9, 3, 9), (8, 4, 8), (9, 9, 9), (1, 1, 1), (3, 1, 3), (33, 32, 32)]
        {
            assert_eq!(rows_per_epoch(&table, rows, batch), kept, "{rows} in batches of {batch}");
            assert_eq!(rows_per_epoch(&image, rows, batch), rows);
            assert_eq!(rows_per_epoch(&Graph::new(), rows, batch), rows);
        }
    }
}

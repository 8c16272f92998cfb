//! Which steps share a fork, and how a stage is cut into tasks.

use std::ops::Range;

use super::builder::{Draft, Target};
use super::{Piece, Stage, Step, Task};

/// Multiply-adds that are worth a task of their own; fixed, so that tasks never depend on the number of threads.
const TASK_COST: f64 = 64.0 * 1024.0;

/// Bytes that a lane's block of rows may take in all values of a stage: most of a core's second-level cache.
const BLOCK_BYTES: usize = 1536 * 1024;

/// Whether a piece is split over the rows of the batch.
pub(super) fn is_rows(piece: Piece) -> bool {
    matches!(piece, Piece::Forward | Piece::Backward)
}

/// Splits drafts into runs that may share a fork.
pub(super) fn group(drafts: &[Draft]) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (i, d) in drafts.iter().enumerate() {
        let by_rows = is_rows(d.piece);
        // Tasks of one stage run at once, so no two may write the same gradient, nor one read what another writes.
        let apart = |e: &Draft| by_rows || !conflict(d, e);
        match spans.last_mut() {
            Some(span)
                if is_rows(drafts[span.start].piece) == by_rows
                    && drafts[span.clone()].iter().all(apart)
                    && (!by_rows || suits(&drafts[span.clone()], d)) =>
            {
                span.end = i + 1;
            }
            _ => spans.push(i..i + 1),
        }
    }
    spans
}

/// Whether rows of a block may go on from `span` to `next`.
///
/// An image's rows are large and a linear layer wants many: where a block of as many rows as all want is beyond the cache,
/// the stage ends.
fn suits(span: &[Draft], next: &Draft) -> bool {
    let row: usize = span.iter().map(|d| d.row).sum();
    let wanted = span.iter().map(|d| d.rows_wanted).max().unwrap_or(1);
    let beyond = |row: usize, wanted: usize| wanted > 2 * fitting(row);
    let largest = span.iter().map(|d| d.row).max().unwrap_or(0);
    !beyond(row + next.row, wanted.max(next.rows_wanted)) || (beyond(row, wanted) && next.row <= largest)
}

/// How many rows of so many numbers fit a block.
fn fitting(row: usize) -> usize {
    BLOCK_BYTES / (4 * row.max(1))
}

/// Steps that work row by row as one stage.
pub(super) fn rows_stage(drafts: &[Draft], span: Range<usize>) -> Stage {
    let own = &drafts[span.clone()];
    let wanted = own.iter().map(|d| d.rows_wanted).max().unwrap_or(1);
    let block = fitting(own.iter().map(|d| d.row).sum()).min(512).max(wanted);
    // Sixteens keep vector loops full.
    let block = if block < 16 { block } else { block / 16 * 16 };
    Stage::Rows { steps: span, block, cost: own.iter().map(|d| d.cost).sum() }
}

fn conflict(a: &Draft, b: &Draft) -> bool {
    let writes = |x: &Draft, y: &Draft| x.writes.iter().any(|r| y.writes.contains(r) || y.reads.contains(r));
    let grads = |d: &Draft| -> Vec<usize> {
        d.d_inputs
            .iter()
            .flatten()
            .filter_map(|(t, _)| match t {
                Target::Grad(p) => Some(*p),
                Target::Arena(_) => None,
            })
            .collect()
    };
    let theirs = grads(b);
    writes(a, b) || writes(b, a) || grads(a).iter().any(|p| theirs.contains(p))
}

/// Steps that work unit by unit as one stage.
pub(super) fn units_stage(steps: &[Step], span: Range<usize>) -> Stage {
    let cost = steps[span.clone()].iter().map(|s| s.cost).sum();
    let mut tasks: Vec<(f64, Task)> = span
        .flat_map(|i| {
            let s = &steps[i];
            // The cost is a row's; weights are worth splitting for the batches that train them.
            let per_unit = (s.cost * 64.0 / s.units as f64).max(1.0);
            let chunk = ((TASK_COST / per_unit).ceil() as usize).max(s.together);
            (0..s.units).step_by(chunk).map(move |u| {
                let units = u..(u + chunk).min(s.units);
                (per_unit * units.len() as f64, Task { step: i, units })
            })
        })
        .collect();
    // The heavy ones first: threads that take tasks as they come then end at about the same time.
    tasks.sort_by(|a, b| b.0.total_cmp(&a.0));
    Stage::Units { tasks: tasks.into_iter().map(|(_, task)| task).collect(), cost }
}

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
                if is_rows(drafts[span.start].piece) == by_rows && drafts[span.clone()].iter().all(apart) =>
            {
                span.end = i + 1;
            }
            _ => spans.push(i..i + 1),
        }
    }
    spans
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

/// The steps of a span as one stage.
pub(super) fn stage_of(steps: &[Step], span: Range<usize>) -> Stage {
    let cost = steps[span.clone()].iter().map(|s| s.cost).sum();
    if is_rows(steps[span.start].piece) {
        let row: usize = steps[span.clone()]
            .iter()
            .map(|s| s.io.output.row_len + s.io.d_output.map_or(0, |v| v.row_len))
            .sum();
        let block = (BLOCK_BYTES / (4 * row.max(1))).clamp(64, 512) / 16 * 16;
        return Stage::Rows { steps: span, block, cost };
    }
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

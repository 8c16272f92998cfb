//! The widths of a network in a line.

use crate::graph::{Graph, Node};

/// The linear layers and their widths in a line: `4 -> 64 -> 64 -> 3`, several outputs as `4 -> 64 -> (3, 1)`, blocks that come
/// again as `64 -> (192 -> 64 -> 256 -> 64) x 4 -> 10`.
pub(super) fn chain(graph: &Graph) -> String {
    let mut widths: Vec<String> = Vec::new();
    let several = graph.outputs.len() > 1;
    let ends = |n: &Node| several && graph.outputs.contains(&n.output);
    for node in graph.nodes.iter().filter(|n| n.op.name() == "linear") {
        if widths.is_empty() {
            widths.push(graph.shape(node.inputs[0]).last().to_string());
        }
        if ends(node) {
            continue;
        }
        widths.push(graph.shape(node.output).last().to_string());
    }
    let mut widths = folded(&widths);
    if widths.len() > MOST_WIDTHS {
        let last = widths.len() - 1;
        widths.drain(MOST_WIDTHS - 1..last);
        widths.insert(MOST_WIDTHS - 1, "…".into());
    }
    if several {
        let columns = graph.outputs.iter().map(|&v| graph.shape(v).last().to_string());
        widths.push(format!("({})", columns.collect::<Vec<_>>().join(", ")));
    }
    widths.join(" -> ")
}

/// Widths that are shown at most.
const MOST_WIDTHS: usize = 12;

/// Neighbours behind the first width that come again are told once: runs of two widths or more.
fn folded(widths: &[String]) -> Vec<String> {
    let mut told: Vec<String> = widths.first().cloned().into_iter().collect();
    let mut at = told.len();
    while at < widths.len() {
        let rest = &widths[at..];
        let times = |size: usize| {
            let (block, behind) = rest.split_at(size);
            1 + behind.chunks_exact(size).take_while(|next| *next == block).count()
        };
        // The shortest block that covers most.
        let sizes = (2..=rest.len() / 2).filter(|&size| times(size) > 1);
        match sizes.max_by_key(|&size| (size * times(size), std::cmp::Reverse(size))) {
            Some(size) => {
                told.push(format!("({}) x {}", rest[..size].join(" -> "), times(size)));
                at += size * times(size);
            }
            None => {
                told.push(rest[0].clone());
                at += 1;
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_come_again_are_told_once() {
        let told = |widths: &str| {
            let widths: Vec<String> = widths.split(' ').map(str::to_owned).collect();
            folded(&widths).join(" -> ")
        };
        assert_eq!(told("4 64 64 3"), "4 -> 64 -> 64 -> 3");
        let block = " 192 64 256 64".repeat(4);
        assert_eq!(told(&format!("64{block} 10")), "64 -> (192 -> 64 -> 256 -> 64) x 4 -> 10");
        assert_eq!(told("9 8 7 8 7 8 7 5"), "9 -> (8 -> 7) x 3 -> 5");
    }
}

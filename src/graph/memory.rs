//! Where regions of the arena lie: those whose lives do not overlap share memory.

/// When a region is in use, and where it was placed.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    /// Elements.
    pub len: usize,
    /// Elements for each row of the batch, or 0.
    pub row_len: usize,
    /// First element in the arena.
    pub offset: usize,
    /// First and last step that touches it.
    pub steps: Option<(usize, usize)>,
    /// First and last stage that touches it.
    pub stages: (usize, usize),
    /// Whether only steps that work row by row touch it.
    pub by_rows: bool,
}

/// Regions start at multiples of this many elements: a cache line of f32.
const ALIGN: usize = 16;

impl Life {
    pub(crate) fn new(len: usize, row_len: usize) -> Self {
        Life { len, row_len, offset: 0, steps: None, stages: (0, 0), by_rows: true }
    }

    /// Notes that `step` of `stage` reads or writes the region.
    pub(crate) fn touch(&mut self, step: usize, stage: usize, by_rows: bool) {
        let (first, last) = self.steps.unwrap_or((step, step));
        let (from, to) = if self.steps.is_some() { self.stages } else { (stage, stage) };
        self.steps = Some((first.min(step), last.max(step)));
        self.stages = (from.min(stage), to.max(stage));
        self.by_rows &= by_rows;
    }

    /// Whether two regions must not share any memory at these places.
    ///
    /// Inside a stage of rows, threads are at different steps at one time, each with rows of its own. So two regions of one
    /// stage may share memory only row for row: same place, same row length, and one dead before the other is born.
    pub(crate) fn conflicts(&self, other: &Life, offset: usize) -> bool {
        let (Some((a0, a1)), Some((b0, b1))) = (self.steps, other.steps) else { return false };
        let meet = offset < other.offset + other.len.next_multiple_of(ALIGN)
            && other.offset < offset + self.len.next_multiple_of(ALIGN);
        if !meet {
            return false;
        }
        let stages_apart = self.stages.1 < other.stages.0 || other.stages.1 < self.stages.0;
        let steps_apart = a1 < b0 || b1 < a0;
        let row_for_row = self.by_rows
            && other.by_rows
            && self.row_len > 0
            && self.row_len == other.row_len
            && offset == other.offset;
        !(stages_apart || (steps_apart && row_for_row))
    }
}

/// Gives every region an offset, larger ones first, each at the lowest place that is free; returns the arena's length.
pub(crate) fn place(lives: &mut [Life]) -> usize {
    let mut order: Vec<usize> = (0..lives.len()).filter(|&i| lives[i].steps.is_some()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(lives[i].len), i));
    let mut placed: Vec<usize> = Vec::new();
    let mut total = 0;
    for i in order {
        // The lowest free place starts at 0, at a placed region, or right behind one.
        let mut candidates: Vec<usize> = placed
            .iter()
            .flat_map(|&p| [lives[p].offset, lives[p].offset + lives[p].len.next_multiple_of(ALIGN)])
            .chain([0])
            .collect();
        candidates.sort_unstable();
        candidates.dedup();
        let free = |&at: &usize| placed.iter().all(|&p| !lives[i].conflicts(&lives[p], at));
        let at = candidates.into_iter().find(free).expect("the place behind all others is free");
        lives[i].offset = at;
        total = total.max(at + lives[i].len.next_multiple_of(ALIGN));
        placed.push(i);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(len: usize, row_len: usize, touches: &[(usize, usize)]) -> Life {
        let mut life = Life::new(len, row_len);
        touches.iter().for_each(|&(step, stage)| life.touch(step, stage, true));
        life
    }

    #[test]
    fn lives_in_different_stages_share_memory() {
        let mut lives = [life(64, 4, &[(0, 0), (1, 0)]), life(32, 2, &[(2, 1)])];
        assert_eq!(place(&mut lives), 64);
        assert_eq!(lives[1].offset, 0);
    }

    #[test]
    fn lives_in_one_stage_share_memory_only_row_for_row() {
        let mut other_width = [life(64, 4, &[(0, 0)]), life(32, 2, &[(1, 0)])];
        assert_eq!(place(&mut other_width), 96);
        let mut same_width = [life(64, 4, &[(0, 0)]), life(64, 4, &[(1, 0)])];
        assert_eq!(place(&mut same_width), 64);
        let mut both_alive = [life(64, 4, &[(0, 0), (1, 0)]), life(64, 4, &[(1, 0)])];
        assert_eq!(place(&mut both_alive), 128);
    }
}

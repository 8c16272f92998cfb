//! Which rows train and which validate.

use std::collections::{BTreeMap, BTreeSet};

use crate::tensor::Key;

/// Rows of the training part and of the validation part, each in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Never empty.
    pub train: Vec<u32>,
    /// Empty if the fraction is 0.
    pub validation: Vec<u32>,
}

/// The class of each row.
#[derive(Clone, Copy, Debug)]
pub struct Classes<'a> {
    /// Positions of classes, one for each row.
    pub of: &'a [f32],
    /// Number of classes.
    pub count: usize,
}

impl Split {
    /// All rows train.
    pub fn all(rows: usize) -> Self {
        Split { train: (0..rows as u32).collect(), validation: Vec::new() }
    }

    /// Puts `fraction` of the rows (rounded to the nearest whole number, at least one row stays for training) into the
    /// validation part, at random as `seed` decides. With classes, each gives its share: whole rows first, what is left
    /// goes to the classes with the largest remainders, and every class keeps a row for training.
    ///
    /// # Errors
    /// A sentence, if the fraction is above 0 and the validation part would be empty.
    pub fn by_fraction(
        rows: usize,
        fraction: f64,
        seed: u64,
        classes: Option<Classes<'_>>,
    ) -> Result<Self, String> {
        if fraction == 0.0 {
            return Ok(Split::all(rows));
        }
        let wanted = ((rows as f64 * fraction).round() as usize).min(rows.saturating_sub(1));
        let mut groups: Vec<Vec<u32>> = vec![Vec::new(); classes.map_or(1, |c| c.count)];
        for row in 0..rows as u32 {
            groups[classes.map_or(0, |c| c.of[row as usize] as usize)].push(row);
        }
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        let shares = shares(&sizes, wanted, fraction);
        let key = Key::new(seed).named("split");
        let mut split = Split { train: Vec::new(), validation: Vec::new() };
        for (i, mut group) in groups.into_iter().enumerate() {
            key.part(i as u64).stream().shuffle(&mut group);
            let (validation, train) = group.split_at(shares[i]);
            split.validation.extend_from_slice(validation);
            split.train.extend_from_slice(train);
        }
        if split.validation.is_empty() {
            let plural = if rows == 1 { "" } else { "s" };
            return Err(format!("the validation part would be empty: {fraction} of {rows} row{plural}"));
        }
        split.train.sort_unstable();
        split.validation.sort_unstable();
        Ok(split)
    }

    /// Puts whole groups of rows into the validation part until it has about `fraction` of the rows, in an order that `seed` decides; at
    /// least one group stays for training. `groups` has the code of each row's group.
    ///
    /// # Errors
    /// A sentence, if the fraction is above 0 and there is one group alone.
    pub fn by_group(groups: &[u32], fraction: f64, seed: u64) -> Result<Self, String> {
        if fraction == 0.0 {
            return Ok(Split::all(groups.len()));
        }
        let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
        groups.iter().for_each(|&group| *sizes.entry(group).or_default() += 1);
        let mut order: Vec<u32> = sizes.keys().copied().collect();
        if order.len() < 2 {
            return Err("the validation part would be empty: all rows are of one group".into());
        }
        Key::new(seed).named("group").stream().shuffle(&mut order);
        let wanted = groups.len() as f64 * fraction;
        let (mut held, mut rows) = (BTreeSet::new(), 0);
        for group in &order[1..] {
            // A group that brings the part further from its size than it was waits for a smaller one.
            let size = sizes[group];
            if held.is_empty() || (rows + size) as f64 - wanted < wanted - rows as f64 {
                held.insert(*group);
                rows += size;
            }
        }
        let (validation, train) =
            (0..groups.len() as u32).partition(|&row| held.contains(&groups[row as usize]));
        Ok(Split { train, validation })
    }

    /// Puts the last `fraction` of the rows, which are in the order of time, into the validation part. Of the rows before,
    /// the last `apart` - 1 are in neither part: they look into it.
    ///
    /// # Errors
    /// A sentence, if the fraction is above 0 and one of the parts would be empty.
    pub fn by_time(rows: usize, fraction: f64, apart: usize) -> Result<Self, String> {
        if fraction == 0.0 {
            return Ok(Split::all(rows));
        }
        let wanted = ((rows as f64 * fraction).round() as usize).min(rows);
        let first = rows - wanted;
        let train = (first + 1).saturating_sub(apart);
        if wanted == 0 || train == 0 {
            let part = if wanted == 0 { "validation" } else { "training" };
            let plural = if rows == 1 { "" } else { "s" };
            return Err(format!(
                "the {part} part would be empty: {rows} window{plural}, {fraction} of them held out"
            ));
        }
        Ok(Split { train: (0..train as u32).collect(), validation: (first as u32..rows as u32).collect() })
    }
}

/// How many of each group's rows validate: the largest remainders (Hamilton's method), each group keeping one row.
fn shares(sizes: &[usize], wanted: usize, fraction: f64) -> Vec<usize> {
    let room = |i: usize| sizes[i].saturating_sub(1);
    let exact = |i: usize| sizes[i] as f64 * fraction;
    let mut shares: Vec<usize> = (0..sizes.len()).map(|i| (exact(i) as usize).min(room(i))).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|&a, &b| exact(b).fract().total_cmp(&exact(a).fract()).then(a.cmp(&b)));
    let mut left = wanted.saturating_sub(shares.iter().sum());
    while left > 0 {
        let before = left;
        for &i in &order {
            if left > 0 && shares[i] < room(i) {
                shares[i] += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_cover_all_rows_once() -> Result<(), String> {
        let split = Split::by_fraction(103, 0.2, 7, None)?;
        assert_eq!((split.train.len(), split.validation.len()), (82, 21));
        let mut all = [split.train.clone(), split.validation.clone()].concat();
        all.sort_unstable();
        assert!(all.iter().enumerate().all(|(i, &r)| i as u32 == r));
        assert_eq!(split, Split::by_fraction(103, 0.2, 7, None)?);
        assert_ne!(split, Split::by_fraction(103, 0.2, 8, None)?);
        Ok(())
    }

    #[test]
    fn classes_keep_their_shares_and_a_row_for_training() -> Result<(), String> {
        let of: Vec<f32> = (0..150).map(|i| if i == 0 { 2.0 } else { (i % 2) as f32 }).collect();
        let split = Split::by_fraction(150, 0.2, 1, Some(Classes { of: &of, count: 3 }))?;
        let count = |rows: &[u32], class: f32| rows.iter().filter(|&&r| of[r as usize] == class).count();
        assert_eq!([0.0, 1.0, 2.0].map(|c| count(&split.validation, c)), [15, 15, 0]);
        assert_eq!(count(&split.train, 2.0), 1);

        let tiny = Split::by_fraction(4, 0.9, 1, Some(Classes { of: &[0.0, 0.0, 1.0, 1.0], count: 2 }))?;
        assert_eq!(tiny.validation.len(), 2);
        Ok(())
    }

    #[test]
    fn groups_stay_whole() -> Result<(), String> {
        let groups: Vec<u32> = (0..100).map(|i| i * i % 23).collect();
        for (fraction, seed) in [(0.2, 0), (0.2, 1), (0.5, 0), (0.01, 3), (0.99, 3)] {
            let split = Split::by_group(&groups, fraction, seed)?;
            let of = |rows: &[u32]| rows.iter().map(|&r| groups[r as usize]).collect::<BTreeSet<_>>();
            let (train, validation) = (of(&split.train), of(&split.validation));
            assert!(train.is_disjoint(&validation) && !train.is_empty() && !validation.is_empty());
            assert_eq!(split.train.len() + split.validation.len(), 100);
            if fraction == 0.2 {
                assert!((15..=25).contains(&split.validation.len()), "{}", split.validation.len());
            }
            assert_eq!(split, Split::by_group(&groups, fraction, seed)?);
        }
        assert_ne!(Split::by_group(&groups, 0.2, 0)?, Split::by_group(&groups, 0.2, 1)?);
        assert_eq!(Split::by_group(&groups, 0.0, 0)?, Split::all(100));
        assert!(Split::by_group(&[7, 7, 7], 0.2, 0).is_err());
        Ok(())
    }

    #[test]
    fn an_empty_validation_part_is_an_error() {
        let error = Err("the validation part would be empty: 0.2 of 2 rows".into());
        assert_eq!(Split::by_fraction(2, 0.2, 0, None), error);
        assert!(Split::by_fraction(1, 0.9, 0, None).is_err());
        assert_eq!(Split::by_fraction(2, 0.0, 0, None), Ok(Split::all(2)));
    }

    #[test]
    fn rows_in_the_order_of_time_are_held_out_at_the_end() {
        let split = Split::by_time(10, 0.3, 1).expect("two parts");
        assert_eq!((split.train, split.validation), ((0..7).collect(), (7..10).collect()));
        let split = Split::by_time(10, 0.3, 3).expect("two parts");
        assert_eq!((split.train, split.validation), ((0..5).collect(), (7..10).collect()));
        assert_eq!(Split::by_time(10, 0.0, 3), Ok(Split::all(10)));
        let empty = |part| Err(format!("the {part} part would be empty: 10 windows, 0.3 of them held out"));
        assert_eq!(Split::by_time(10, 0.3, 8), empty("training"));
        assert_eq!(
            Split::by_time(1, 0.3, 1).unwrap_err(),
            "the validation part would be empty: 1 window, 0.3 of them held out"
        );
    }
}

use super::*;

/// What an augmentation makes of `numbers`, channels last, black being -1.
fn changed(
    name: &str,
    values: &[(&'static str, crate::spec::Value)],
    numbers: &[f32],
    shape: &[usize],
    seed: u64,
) -> Vec<f32> {
    let entry = AUGMENTATIONS.iter().find(|entry| entry.name == name).expect("an augmentation");
    let defaults = Values::defaults(entry.keys);
    let values = values.iter().fold(defaults, |all, (key, value)| all.with(key, value.clone()));
    let grid = Grid::channels_last(shape).expect("an image");
    let chain = Chain::new(vec![(entry.build)(&values)], grid, vec![-1.0; numbers.len()]);
    let (mut batch, mut room) = (numbers.to_vec(), vec![7.0; numbers.len()]);
    chain.apply(Key::new(seed), &mut batch, None, &mut room);
    batch
}

fn float(x: f64) -> crate::spec::Value {
    crate::spec::Value::Float(x)
}

fn int(n: i64) -> crate::spec::Value {
    crate::spec::Value::Int(n)
}

/// The pixels 1 to 12, three lines of four.
fn grey() -> Vec<f32> {
    (1..=12u8).map(f32::from).collect()
}

#[test]
fn a_flip_turns_lines_and_keeps_pixels() {
    let flipped =
        changed("horizontal_flip", &[("p", float(1.0))], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[1, 3, 2], 0);
    assert_eq!(flipped, [5.0, 6.0, 3.0, 4.0, 1.0, 2.0]);
    assert_eq!(changed("horizontal_flip", &[("p", float(0.0))], &grey(), &[3, 4, 1], 0), grey());
    let half = |seed| changed("horizontal_flip", &[], &[1.0, 2.0], &[1, 2, 1], seed) == [2.0, 1.0];
    let turned = (0..1000).filter(|&seed| half(seed)).count();
    assert!((430..570).contains(&turned), "{turned}");
}

#[test]
fn a_shift_moves_whole_pixels_and_brings_black() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..400 {
        let moved = changed("shift", &[("max_x", int(1)), ("max_y", int(2))], &grey(), &[3, 4, 1], seed);
        let find = |value: f32| moved.iter().position(|&x| x == value).map(|at| (at % 4, at / 4));
        // The pixel in the middle of the second line, 6, stays inside but where it moves two lines.
        let place = find(6.0)
            .or_else(|| find(2.0).map(|(x, y)| (x, y + 1)))
            .or_else(|| find(10.0).map(|(x, y)| (x, y.wrapping_sub(1))));
        let (x, y) = place.expect("a pixel of the column");
        let (across, down) = (x as isize - 1, y as isize - 1);
        for (at, &value) in moved.iter().enumerate() {
            let (from_x, from_y) = ((at % 4) as isize - across, (at / 4) as isize - down);
            let inside = (0..4).contains(&from_x) && (0..3).contains(&from_y);
            let expected = if inside { grey()[(from_y * 4 + from_x) as usize] } else { -1.0 };
            assert_eq!(value, expected, "{across} {down} {moved:?}");
        }
        seen.insert((across, down));
    }
    assert_eq!(seen.len(), 3 * 5, "{seen:?}");
}

#[test]
fn a_crop_of_more_than_the_image_is_black() {
    let crops: Vec<_> = (0..50)
        .map(|seed| changed("random_crop", &[("padding", int(9))], &grey(), &[3, 4, 1], seed))
        .collect();
    assert!(crops.iter().any(|crop| crop.iter().all(|&x| x == -1.0)));
    assert!(crops.iter().any(|crop| crop.iter().any(|&x| x > 0.0)));
    assert_eq!(changed("random_crop", &[("padding", int(0))], &grey(), &[3, 4, 1], 3), grey());
}

#[test]
fn a_turn_keeps_the_middle_and_blackens_corners() {
    assert_eq!(changed("rotation", &[("degrees", float(0.0))], &grey(), &[3, 4, 1], 0), grey());
    let one = [4.0; 49];
    for seed in 0..20 {
        let turned = changed("rotation", &[("degrees", float(45.0))], &one, &[7, 7, 1], seed);
        assert!((turned[24] - 4.0).abs() < 1e-5, "the middle");
        assert!(turned.iter().all(|&x| (-1.0 - 1e-5..=4.0 + 1e-5).contains(&x)));
    }
    // A quarter turn moves the pixels of a square to each other's places: here clockwise.
    let (mut numbers, mut spare) = (vec![1.0, 2.0, 3.0, 4.0], vec![0.0; 4]);
    let grid = Grid { planes: 1, height: 2, width: 2, pixel: 1 };
    let mut sample =
        Sample { numbers: &mut numbers, spare: &mut spare, zeros: &[0.0; 4], grid, steps: grid.width };
    rotation::turn(&mut sample, 1.0, 0.0);
    assert_eq!(numbers, [3.0, 1.0, 4.0, 2.0]);
}

#[test]
fn brightness_keeps_black() {
    let bright = changed("brightness", &[("factor", float(0.5))], &[-1.0, 0.0, 1.0], &[1, 3, 1], 1);
    let factor = bright[1] + 1.0;
    assert_eq!(bright[0], -1.0);
    assert!((0.5..=1.5).contains(&factor) && (bright[2] + 1.0 - 2.0 * factor).abs() < 1e-6, "{bright:?}");
}

#[test]
fn cutout_hides_a_square() {
    let mut most = 0;
    for seed in 0..200 {
        let cut = changed("cutout", &[("size", int(2))], &grey(), &[3, 4, 1], seed);
        let hidden = cut.iter().filter(|&&x| x == 0.0).count();
        assert!([1, 2, 4].contains(&hidden), "{cut:?}");
        most = most.max(hidden);
        assert!(cut.iter().zip(grey()).all(|(&x, before)| x == 0.0 || x == before));
    }
    assert_eq!(most, 4);
}

/// All augmentations of images, one after the other.
fn all(grid: Grid, zeros: Vec<f32>) -> Chain {
    let images = AUGMENTATIONS.iter().filter(|entry| entry.changes == Changes::Images);
    Chain::new(images.map(|entry| (entry.build)(&Values::defaults(entry.keys))).collect(), grid, zeros)
}

#[test]
fn both_layouts_and_any_threads_give_the_same_rows() {
    let (rows, h, w, c) = (40, 12, 10, 3);
    let size = h * w * c;
    let last: Vec<f32> = (0..rows * size).map(|i| Key::new(1).uniform(i as u64) as f32).collect();
    let transpose = |last: &[f32]| -> Vec<f32> {
        let one =
            |row: &[f32]| -> Vec<f32> { (0..size).map(|i| row[i % (h * w) * c + i / (h * w)]).collect() };
        last.chunks(size).flat_map(one).collect()
    };
    let chain = all(Grid::channels_last(&[h, w, c]).expect("an image"), vec![0.25; size]);
    let (mut one, mut many, mut room) = (last.clone(), last.clone(), vec![0.0; size]);
    chain.apply(Key::new(5), &mut one, None, &mut room);
    room.resize(chain.room(4), 0.0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().expect("threads");
    pool.install(|| chain.apply(Key::new(5), &mut many, None, &mut room));
    assert!(one == many && one != last);
    let mut first = transpose(&last);
    all(Grid::channels_first(&[c, h, w]).expect("an image"), vec![0.25; size]).apply(
        Key::new(5),
        &mut first,
        None,
        &mut room,
    );
    assert_eq!(first, transpose(&one));
    let mut other = last.clone();
    chain.apply(Key::new(6), &mut other, None, &mut room);
    assert_ne!(one, other);
    assert_ne!(one[..size], one[size..2 * size], "rows differ");
}

/// Two channels of six steps: 0 to 5, and ten times that.
fn series() -> Vec<f32> {
    (0..6).flat_map(|t| [t as f32, 10.0 * t as f32]).collect()
}

#[test]
fn jitter_has_its_deviation() {
    let still = vec![0.0; 20_000];
    let noise = changed("jitter", &[("std", float(0.5))], &still, &[10_000, 2], 3);
    let square = noise.iter().map(|x| f64::from(x * x)).sum::<f64>() / 20_000.0;
    assert!((square.sqrt() - 0.5).abs() < 0.01, "{square}");
    assert_eq!(changed("jitter", &[("std", float(0.0))], &series(), &[6, 2], 3), series());
}

#[test]
fn scaling_keeps_the_form_of_each_channel() {
    let scaled = changed("scaling", &[("std", float(0.5))], &series(), &[6, 2], 3);
    let factor = |c: usize| scaled[2 + c] / series()[2 + c];
    assert!(factor(0) != 1.0 && factor(0) != factor(1));
    for (i, (new, old)) in scaled.iter().zip(series()).enumerate() {
        assert!((new - factor(i % 2) * old).abs() < 1e-4, "{scaled:?}");
    }
}

#[test]
fn a_crop_is_a_part_that_was_stretched() {
    let mut firsts = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let crop = changed("crop", &[("size", float(0.5))], &series(), &[6, 2], seed);
        // Three of six steps: places 0, 0.4 and so on up to 2.
        let first = crop[0];
        for (t, pair) in crop.chunks(2).enumerate() {
            let place = first + 0.4 * t as f32;
            assert!((pair[0] - place).abs() < 1e-5 && (pair[1] - 10.0 * place).abs() < 1e-4, "{crop:?}");
        }
        firsts.insert(first as usize);
    }
    assert_eq!(firsts.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(changed("crop", &[("size", float(1.0))], &series(), &[6, 2], 3), series());
    assert_eq!(changed("crop", &[("size", float(0.0))], &series()[..2], &[1, 2], 3), series()[..2]);
}

#[test]
fn nothing_comes_behind_the_end_of_a_series() {
    let grid = Grid::channels_last(&[6, 2]).expect("a series");
    let make = |entry: &AugmentEntry| (entry.build)(&Values::defaults(entry.keys));
    let steps = AUGMENTATIONS.iter().filter(|entry| entry.changes == Changes::Series).map(make).collect();
    let chain = Chain::new(steps, grid, vec![0.0; 12]);
    let (mut batch, mut room) = ([series(), series()].concat(), vec![7.0; 12]);
    batch[8..12].fill(0.0);
    chain.apply(Key::new(1), &mut batch, Some(&[4.0, 6.0]), &mut room);
    assert_eq!(batch[8..12], [0.0; 4]);
    assert!(batch[..8].iter().zip(series()).skip(2).all(|(new, old)| *new != old), "{batch:?}");
    assert!(batch[22..].iter().all(|&x| x != 0.0), "{batch:?}");
}

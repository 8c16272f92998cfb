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
    chain.apply(Key::new(seed), &mut batch, &mut room);
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
    let mut sample = Sample { numbers: &mut numbers, spare: &mut spare, zeros: &[0.0; 4], grid };
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
    chain.apply(Key::new(5), &mut one, &mut room);
    room.resize(chain.room(4), 0.0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().expect("threads");
    pool.install(|| chain.apply(Key::new(5), &mut many, &mut room));
    assert!(one == many && one != last);
    let mut first = transpose(&last);
    all(Grid::channels_first(&[c, h, w]).expect("an image"), vec![0.25; size]).apply(
        Key::new(5),
        &mut first,
        &mut room,
    );
    assert_eq!(first, transpose(&one));
    let mut other = last.clone();
    chain.apply(Key::new(6), &mut other, &mut room);
    assert_ne!(one, other);
    assert_ne!(one[..size], one[size..2 * size], "rows differ");
}

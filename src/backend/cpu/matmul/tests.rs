use super::*;

/// Numbers in -1..1 that differ from place to place.
fn numbers(len: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

fn numbers_f32(len: usize, seed: u64) -> Vec<f32> {
    numbers(len, seed).iter().map(|&x| x as f32).collect()
}

/// Every instruction set of this CPU.
fn sets() -> impl Iterator<Item = Isa> {
    [Isa::Baseline, Isa::Avx2, Isa::Avx512].into_iter().filter(|&isa| isa <= Isa::detect())
}

/// The sets whose f32 products are chains of fused multiply-adds.
fn fused_sets() -> impl Iterator<Item = Isa> {
    sets().filter(|&isa| isa != Isa::Baseline)
}

/// How an operand `[rows, cols]` lies in memory.
#[derive(Clone, Copy, Debug)]
enum Layout {
    RowMajor,
    Padded,
    Transposed,
    TransposedPadded,
    Scattered,
}

const LAYOUTS: [Layout; 5] =
    [Layout::RowMajor, Layout::Padded, Layout::Transposed, Layout::TransposedPadded, Layout::Scattered];

impl Layout {
    fn strides(self, rows: usize, cols: usize) -> (usize, usize) {
        match self {
            Layout::RowMajor => (cols, 1),
            Layout::Padded => (cols + 3, 1),
            Layout::Transposed => (1, rows),
            Layout::TransposedPadded => (1, rows + 5),
            Layout::Scattered => (2 * cols + 1, 2),
        }
    }

    /// A matrix in memory of just the length it needs, so that a read past its end is out of bounds.
    fn lay<T: Copy + Default>(self, rows: usize, cols: usize, from: &[T]) -> Vec<T> {
        let (row_stride, col_stride) = self.strides(rows, cols);
        let len = if from.is_empty() { 0 } else { (rows - 1) * row_stride + (cols - 1) * col_stride + 1 };
        let mut data = vec![T::default(); len];
        for i in 0..rows {
            for j in 0..cols {
                data[i * row_stride + j * col_stride] = from[i * cols + j];
            }
        }
        data
    }

    fn view<T>(self, rows: usize, cols: usize, data: &[T]) -> Strided<'_, T> {
        let (row_stride, col_stride) = self.strides(rows, cols);
        Strided::new(data, rows, cols, row_stride, col_stride)
    }
}

/// Operands of one product, row-major.
struct Case {
    m: usize,
    n: usize,
    k: usize,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    bias: Vec<f32>,
}

impl Case {
    fn new(m: usize, n: usize, k: usize) -> Case {
        let seed = (m * 1_000_003 + n * 1009 + k) as u64;
        Case {
            m,
            n,
            k,
            a: numbers_f32(m * k, seed),
            b: numbers_f32(k * n, seed + 1),
            c: numbers_f32(m * n, seed + 2),
            bias: numbers_f32(n, seed + 3),
        }
    }

    fn starts(&self) -> [Start<'_, f32>; 3] {
        [Start::Zero, Start::Keep, Start::Bias(&self.bias)]
    }

    /// The chain of [`f32::mul_add`] that [`matmul`] promises.
    fn chains(&self, start: Start<'_, f32>) -> Vec<f32> {
        let mut out = Vec::with_capacity(self.m * self.n);
        for i in 0..self.m {
            for j in 0..self.n {
                let first = match start {
                    Start::Zero => 0.0,
                    Start::Keep => self.c[i * self.n + j],
                    Start::Bias(bias) => bias[j],
                };
                out.push(
                    (0..self.k)
                        .fold(first, |sum, p| self.a[i * self.k + p].mul_add(self.b[p * self.n + j], sum)),
                );
            }
        }
        out
    }

    fn packed(&self, isa: Isa) -> Vec<f32> {
        let mut out = vec![f32::NAN; packed_len(self.n, self.k)];
        pack_on(isa, Strided::row_major(&self.b, self.k, self.n), 0..panels(self.n), &mut out);
        out
    }
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// Shapes `(m, n, k)` around the edges of tiles, panels and blocks.
const SHAPES: [(usize, usize, usize); 24] = [
    (1, 1, 1),
    (1, 2, 0),
    (2, 1, 3),
    (1, 7, 54),
    (3, 10, 31),
    (5, 15, 2),
    (6, 16, 17),
    (7, 17, 16),
    (13, 31, 15),
    (14, 32, 32),
    (15, 33, 33),
    (16, 47, 1),
    (29, 48, 7),
    (32, 2, 32),
    (31, 49, 64),
    (17, 63, 13),
    (32, 64, 100),
    (43, 65, 255),
    (3, 97, 257),
    (257, 5, 256),
    (259, 35, 3),
    (12, 37, 513),
    (300, 33, 300),
    (2, 131, 769),
];

#[test]
fn every_element_is_one_chain_of_fused_multiply_adds() {
    let mut scratch = Scratch::new();
    for (m, n, k) in SHAPES {
        let case = Case::new(m, n, k);
        for start in case.starts() {
            let expected = bits(&case.chains(start));
            for isa in fused_sets() {
                for (la, lb) in LAYOUTS.iter().flat_map(|a| LAYOUTS.iter().map(move |b| (a, b))) {
                    let (a, b) = (la.lay(m, k, &case.a), lb.lay(k, n, &case.b));
                    let mut c = case.c.clone();
                    let window = Window::row_major(&mut c, m, n);
                    matmul_on(isa, la.view(m, k, &a), lb.view(k, n, &b).into(), window, start, &mut scratch);
                    assert_eq!(bits(&c), expected, "{isa:?} {la:?} {lb:?} [{m}, {k}] x [{k}, {n}] {start:?}");
                }
                for la in LAYOUTS {
                    let (a, b) = (la.lay(m, k, &case.a), case.packed(isa));
                    let mut c = case.c.clone();
                    let window = Window::row_major(&mut c, m, n);
                    let b = Packed::new(&b, n, k);
                    matmul_on(isa, la.view(m, k, &a), b.into(), window, start, &mut scratch);
                    assert_eq!(bits(&c), expected, "{isa:?} {la:?} packed [{m}, {k}] x [{k}, {n}] {start:?}");
                }
            }
        }
    }
}

#[test]
fn large_operands_that_are_copied_or_read_ahead_give_the_same_chains() {
    // More than one block in each dimension.
    let (m, n, k) = (530, 400, 600);
    let case = Case::new(m, n, k);
    let expected = bits(&case.chains(Start::Keep));
    let mut scratch = Scratch::new();
    for isa in fused_sets() {
        for la in LAYOUTS {
            let a = la.lay(m, k, &case.a);
            let mut check = |b: Rhs<'_, f32>, name: &str| {
                let mut c = case.c.clone();
                let window = Window::row_major(&mut c, m, n);
                matmul_on(isa, la.view(m, k, &a), b, window, Start::Keep, &mut scratch);
                assert!(bits(&c) == expected, "{isa:?} {la:?} {name}");
            };
            for lb in LAYOUTS {
                let b = lb.lay(k, n, &case.b);
                check(lb.view(k, n, &b).into(), &format!("{lb:?}"));
            }
            check(Packed::new(&case.packed(isa), n, k).into(), "packed");
        }
    }
}

#[test]
fn f32_products_agree_with_sums_in_f64() {
    let mut scratch = Scratch::new();
    for (m, n, k) in SHAPES {
        let case = Case::new(m, n, k);
        let (a, b) = (Strided::row_major(&case.a, m, k), Strided::row_major(&case.b, k, n));
        for (isa, start) in sets().flat_map(|isa| case.starts().map(|start| (isa, start))) {
            let packed = case.packed(isa);
            for b in [b.into(), Packed::new(&packed, n, k).into()] {
                let mut c = case.c.clone();
                matmul_on(isa, a, b, Window::row_major(&mut c, m, n), start, &mut scratch);
                for (at, &got) in c.iter().enumerate() {
                    let (i, j) = (at / n, at % n);
                    let sum: f64 =
                        (0..k).map(|p| f64::from(case.a[i * k + p]) * f64::from(case.b[p * n + j])).sum();
                    let expected = sum
                        + match start {
                            Start::Zero => 0.0,
                            Start::Keep => f64::from(case.c[at]),
                            Start::Bias(bias) => f64::from(bias[j]),
                        };
                    let close = 1e-6 * (k as f64 + 2.0);
                    assert!(
                        (f64::from(got) - expected).abs() < close,
                        "{isa:?} {m} {n} {k} {start:?} {i} {j}"
                    );
                }
            }
        }
    }
}

#[test]
fn f64_products_agree_with_a_triple_loop() {
    let mut scratch = Scratch::new();
    for (m, n, k) in SHAPES {
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let (old, bias) = (numbers(m * n, 3), numbers(n, 4));
        for start in [Start::Zero, Start::Keep, Start::Bias(&bias)] {
            for (la, lb) in LAYOUTS.iter().flat_map(|a| LAYOUTS.iter().map(move |b| (a, b))) {
                let (a_data, b_data) = (la.lay(m, k, &a), lb.lay(k, n, &b));
                let mut packed = vec![f64::NAN; packed_len(n, k)];
                let b_view = lb.view(k, n, &b_data);
                pack_on(Isa::detect(), b_view, 0..panels(n), &mut packed);
                for rhs in [b_view.into(), Packed::new(&packed, n, k).into()] {
                    let mut c = old.clone();
                    matmul(la.view(m, k, &a_data), rhs, Window::row_major(&mut c, m, n), start, &mut scratch);
                    for (at, &got) in c.iter().enumerate() {
                        let (i, j) = (at / n, at % n);
                        let sum: f64 = (0..k).map(|p| a[i * k + p] * b[p * n + j]).sum();
                        let expected = sum
                            + match start {
                                Start::Zero => 0.0,
                                Start::Keep => old[at],
                                Start::Bias(bias) => bias[j],
                            };
                        assert!(
                            (got - expected).abs() < 1e-12,
                            "{la:?} {lb:?} {m} {n} {k} {start:?} {i} {j}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_how_rows_and_columns_are_split() {
    let (m, n, k) = (61, 141, 300);
    let case = Case::new(m, n, k);
    let expected = bits(&case.chains(Start::Keep));
    let mut scratch = Scratch::new();
    let a = Strided::row_major(&case.a, m, k);
    let b = Strided::row_major(&case.b, k, n);
    for isa in fused_sets() {
        for row in [0, 1, 2, 13, 14, 15, 30, 47, 60, 61] {
            for col in [0, 1, 16, 31, 32, 33, 70, 140, 141] {
                let mut c = case.c.clone();
                let (top, bottom) = Window::row_major(&mut c, m, n).split_rows(row);
                for (window, rows) in [(top, 0..row), (bottom, row..m)] {
                    let (left, right) = window.split_cols(col);
                    for (window, cols) in [(left, 0..col), (right, col..n)] {
                        let (a, b) = (a.rows_in(rows.clone()), b.cols_in(cols));
                        matmul_on(isa, a, b.into(), window, Start::Keep, &mut scratch);
                    }
                }
                assert_eq!(bits(&c), expected, "{isa:?} split at row {row} and column {col}");
            }
        }
        let packed = case.packed(isa);
        for panel in 0..=panels(n) {
            let mut c = case.c.clone();
            let (left, right) = Window::row_major(&mut c, m, n).split_cols((panel * NR).min(n));
            for (window, which) in [(left, 0..panel), (right, panel..panels(n))] {
                let b = Packed::new(&packed, n, k).panels_in(which);
                matmul_on(isa, a, b.into(), window, Start::Keep, &mut scratch);
            }
            assert_eq!(bits(&c), expected, "{isa:?} split at panel {panel}");
        }
    }
}

#[test]
fn a_packed_weight_is_its_transpose_in_panels_with_zeros_past_the_end() {
    for (n, k) in [(1, 1), (2, 32), (7, 256), (10, 5), (32, 32), (33, 1), (64, 100), (100, 17), (129, 31)] {
        let w = numbers_f32(n * k, 5);
        let expected = |isa| {
            let width = if isa == Isa::Avx2 { NR / 2 } else { NR };
            let mut panels = vec![0.0; packed_len(n, k)];
            for (o, row) in w.chunks(k).enumerate() {
                for (i, &x) in row.iter().enumerate() {
                    panels[o / width * width * k + i * width + o % width] = x;
                }
            }
            panels
        };
        for isa in sets() {
            let mut whole = vec![f32::NAN; packed_len(n, k)];
            pack_on(isa, Strided::row_major(&w, n, k).transposed(), 0..panels(n), &mut whole);
            assert_eq!(whole, expected(isa), "{isa:?} [{n}, {k}]");
        }
        let expected = expected(Isa::detect());
        for cut in 0..=panels(n) {
            let mut parts = vec![f32::NAN; packed_len(n, k)];
            let (first, second) = parts.split_at_mut(cut * NR * k);
            pack_transposed(&w, n, k, 0..cut, first);
            pack_transposed(&w, n, k, cut..panels(n), second);
            assert_eq!(parts, expected, "[{n}, {k}] in two parts");
        }
    }
}

#[test]
fn elements_between_the_rows_of_a_window_are_left_alone() {
    let (m, n, k, stride) = (17, 21, 9, 30);
    let case = Case::new(m, n, k);
    for isa in sets() {
        let mut c = vec![7.0; m * stride];
        let window = Window::new(&mut c, m, n, stride);
        let (a, b) = (Strided::row_major(&case.a, m, k), Strided::row_major(&case.b, k, n));
        matmul_on(isa, a, b.into(), window, Start::Zero, &mut Scratch::new());
        for row in c.chunks(stride) {
            assert!(row[..n].iter().all(|&x| x != 7.0), "{isa:?}");
            assert!(row[n..].iter().all(|&x| x == 7.0), "{isa:?}");
        }
    }
}

#[test]
#[should_panic(expected = "[2, 3] times [4, 5] is not [2, 5]")]
fn shapes_that_do_not_agree_are_refused() {
    let (a, b, mut c) = ([0f32; 6], [0f32; 20], [0f32; 10]);
    let b = Strided::row_major(&b, 4, 5);
    let c = Window::row_major(&mut c, 2, 5);
    matmul(Strided::row_major(&a, 2, 3), b.into(), c, Start::Zero, &mut Scratch::new());
}

#[test]
#[should_panic(expected = "does not fit 5 elements")]
fn a_view_that_does_not_fit_is_refused() {
    Strided::new(&[0f32; 5], 2, 3, 3, 1);
}

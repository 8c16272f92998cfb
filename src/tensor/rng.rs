//! Counter-based random numbers: a number is a function of its key and index, never of who asked before.
//!
//! The mixing function is the finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
//! generators", OOPSLA 2014). A [`Key`] is built from the seed and whatever names the use (step, node, epoch);
//! element `i` under a key is `mix(key + (i + 1)·γ)`, which is SplitMix64 started at the key, read at any place.

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline(always)]
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Names one independent sequence of random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// The key of a seed.
    pub const fn new(seed: u64) -> Self {
        Key(mix(seed ^ 0x6a09_e667_f3bc_c909))
    }

    /// The key of a part of this one: a step, a node, an epoch. The order of parts matters.
    pub const fn part(self, part: u64) -> Self {
        Key(mix(self.0 ^ mix(part.wrapping_add(GOLDEN))))
    }

    /// The key of a named part.
    pub fn named(self, name: &str) -> Self {
        name.bytes().fold(self.part(name.len() as u64), |k, b| k.part(u64::from(b)))
    }

    /// The 64 random bits at `index`.
    #[inline(always)]
    pub const fn bits(self, index: u64) -> u64 {
        mix(self.0.wrapping_add(index.wrapping_add(1).wrapping_mul(GOLDEN)))
    }

    /// A number in `[0, 1)` at `index`, on a grid of 2⁻⁵³.
    #[inline(always)]
    pub fn uniform(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A standard normal number at `index` (Box & Muller 1958; the pair 2i, 2i+1 is used for index i).
    pub fn normal(self, index: u64) -> f64 {
        let u = 1.0 - self.uniform(2 * index);
        let v = self.uniform(2 * index + 1);
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// The numbers of this key in order.
    pub fn stream(self) -> Stream {
        Stream { key: self, next: 0 }
    }
}

/// Reads a key's numbers one after the other.
#[derive(Clone, Debug)]
pub struct Stream {
    key: Key,
    next: u64,
}

impl Stream {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        let bits = self.key.bits(self.next);
        self.next += 1;
        bits
    }

    /// The next number in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A whole number in `0..n` without bias (Lemire 2019). `n` must not be 0.
    pub fn below(&mut self, n: u64) -> u64 {
        loop {
            let wide = u128::from(self.bits()) * u128::from(n);
            if (wide as u64) >= n.wrapping_neg() % n {
                return (wide >> 64) as u64;
            }
        }
    }

    /// Puts `items` in a random order (Fisher & Yates; Durstenfeld 1964).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_distribution() {
        let key = Key::new(1).part(2).named("moments");
        let n = 100_000;
        let mean = (0..n).map(|i| key.uniform(i)).sum::<f64>() / n as f64;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        let (m, v) = (0..n).map(|i| key.normal(i)).fold((0.0, 0.0), |(m, v), x| (m + x, v + x * x));
        assert!((m / n as f64).abs() < 0.01 && (v / n as f64 - 1.0).abs() < 0.02);
    }

    #[test]
    fn parts_do_not_commute_and_streams_read_the_same_numbers() {
        let key = Key::new(7);
        assert_ne!(key.part(1).part(2), key.part(2).part(1));
        let mut stream = key.stream();
        assert_eq!([stream.bits(), stream.bits()], [key.bits(0), key.bits(1)]);
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..1000).collect();
        Key::new(3).stream().shuffle(&mut items);
        assert_ne!(items[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        items.sort_unstable();
        assert!(items.iter().enumerate().all(|(i, &x)| i as u32 == x));
    }
}

//! How much memory this machine can give.

use std::fs;

/// What is assumed where the system does not tell: 2⁴² bytes.
const UNKNOWN: u64 = 1 << 42;

/// Bytes that a program can still take: Linux' own estimate, and no more than the limit of its control group.
///
/// Other systems do not tell it in a file; there it is four terabytes.
pub fn available_memory() -> u64 {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    least(&read("/proc/meminfo"), &read("/sys/fs/cgroup/memory.max"))
}

fn least(meminfo: &str, group: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let free = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let group = group.trim().parse().ok();
    free.map(|n| n.saturating_mul(1024)).into_iter().chain(group).min().unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_what_is_told() {
        let meminfo = "MemTotal:  16 kB\nMemAvailable:       8 kB\n";
        assert_eq!(least(meminfo, "max\n"), 8192);
        assert_eq!(least(meminfo, "4096\n"), 4096);
        assert_eq!(least("", "4096"), 4096);
        assert_eq!(least("", ""), UNKNOWN);
    }

    #[test]
    fn this_machine_has_some() {
        assert!(available_memory() > 1 << 20);
    }
}

//! How much memory there is.

/// Half of the machine's memory: what an expression may use when no limit is given, so that
/// an endless recursion ends with an error instead of taking the machine with it.
///
/// `None` where the system does not tell through `/proc/meminfo`.
pub(crate) fn default_limit() -> Option<u64> {
    let table = std::fs::read_to_string("/proc/meminfo").ok()?;
    Some(total_bytes(&table)? / 2)
}

fn total_bytes(table: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read() {
        let table = "MemFree:   1 kB\nMemTotal:       24631744 kB\n";
        assert_eq!(total_bytes(table), Some(24_631_744 * 1024));
        assert_eq!(total_bytes("MemTotal: lots\n"), None);
        assert_eq!(total_bytes(""), None);
    }
}

//! What the system tells about a process, where it tells.

use std::fs;
use std::path::Path;

/// Largest resident memory of this process so far, in bytes; `None` where the system does not tell.
pub fn peak_rss_bytes() -> Option<u64> {
    bytes(&status("self", "VmHWM")?)
}

/// Resident memory of the process of this number, in bytes; `None` where the system does not tell.
pub fn resident_bytes(process: u32) -> Option<u64> {
    bytes(&status(&process.to_string(), "VmRSS")?)
}

/// Bytes that the system can still give this process without swapping: its own, and its control group's; `None` where
/// it does not tell.
pub fn available_bytes() -> Option<u64> {
    let system = fs::read_to_string("/proc/meminfo").ok()?;
    let mut lines = system.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| *key == "MemAvailable")?;
    let system = bytes(value)?;
    Some(group_bytes().map_or(system, |group| group.min(system)))
}

/// What is left of the limits of this process's control groups, of version 2; `None` without any.
fn group_bytes() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let group = Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/'));
    let number =
        |file: &Path| -> Option<u64> { fs::read_to_string(file).ok()?.trim().parse().ok() };
    // A limit binds all groups below it, this one among them.
    let left = group.ancestors().filter_map(|group| {
        let limit = number(&group.join("memory.max"))?;
        Some(limit.saturating_sub(number(&group.join("memory.current"))?))
    });
    left.min()
}

/// Seconds of processor time that this process has taken so far, all threads together, in hundredths; `None`
/// where the system does not tell.
pub fn processor_seconds() -> Option<f64> {
    // The name of the program, in parentheses, may hold spaces; times are the 12th and 13th behind it.
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_whitespace().skip(11).take(2);
    let ticks = times
        .map(|ticks| ticks.parse::<u64>().ok())
        .sum::<Option<u64>>()?;
    // Linux gives every program a hundred ticks a second, whatever its own clock.
    Some(ticks as f64 / 100.0)
}

/// The signals that this process was started to ignore: bit i is signal i + 1.
pub fn ignored_signals() -> u64 {
    let mask = status("self", "SigIgn");
    mask.and_then(|mask| u64::from_str_radix(&mask, 16).ok())
        .unwrap_or(0)
}

/// A size as a line of a status has it.
fn bytes(value: &str) -> Option<u64> {
    let kib: u64 = value.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// A line of a process's status.
fn status(process: &str, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let mut lines = status.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| *key == name)?;
    Some(value.trim().to_owned())
}

//! This process, as every program that Prometheus watches tells it; nothing where the system does not say.

use std::fmt::Write as _;
use std::fs;

/// Linux counts processor time in hundredths of a second for everybody who reads `/proc`.
const TICKS_PER_SECOND: f64 = 100.0;

/// What `/proc` says about us.
struct Process {
    cpu_seconds: f64,
    started_at: f64,
    virtual_bytes: u64,
    resident_bytes: u64,
    open_files: u64,
    most_files: u64,
    threads: u64,
}

/// Writes what is known.
pub(super) fn write(text: &mut String) {
    let Some(process) = read() else { return };
    let mut write = |name: &str, kind: &str, suffix: &str, help: &str, value: &dyn std::fmt::Display| {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}{suffix} {value}");
    };
    write("process_cpu_seconds", "counter", "_total", "Processor time used.", &process.cpu_seconds);
    write("process_start_time_seconds", "gauge", "", "When the process started.", &process.started_at);
    write("process_virtual_memory_bytes", "gauge", "", "Memory asked for.", &process.virtual_bytes);
    write("process_resident_memory_bytes", "gauge", "", "Memory in use.", &process.resident_bytes);
    write("process_open_fds", "gauge", "", "Open files.", &process.open_files);
    write("process_max_fds", "gauge", "", "How many files may be open.", &process.most_files);
    write("process_threads", "gauge", "", "Threads.", &process.threads);
}

fn read() -> Option<Process> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in brackets and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Numbered as in proc(5), where the field behind the name is the third.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    #[expect(clippy::cast_precision_loss, reason = "ticks stay far under 2^52")]
    let in_seconds = |ticks: u64| ticks as f64 / TICKS_PER_SECOND;
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let boot = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse::<f64>().ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
    };
    let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    Some(Process {
        cpu_seconds: in_seconds(field(14)? + field(15)?),
        started_at: boot + in_seconds(field(22)?),
        virtual_bytes: kilobytes("VmSize:")?.saturating_mul(1_024),
        resident_bytes: kilobytes("VmRSS:")?.saturating_mul(1_024),
        open_files: u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?,
        most_files: limits.current.unwrap_or(u64::MAX),
        threads: field(20)?,
    })
}

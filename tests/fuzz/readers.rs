//! A fuzzer of the readers of traces that runs everywhere: inputs are made by changing good ones, read in this process,
//! and checked. `cargo run --release --example fuzz -- SECONDS [TARGET…]`; each target runs so long, all at once.
//!
//! Checked of every input: no panic, no hang, the ledger adds up, the same bytes give the same result, and the result
//! of a small memory budget is that of a large one. What fails is kept in the folder for temporary files.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program of its own: what it found is its output")]

mod seeds;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use unbraid::files::Source;
use unbraid::ingest::traces::{self, Options};

/// Reading one input must not take longer: inputs are below a megabyte.
const LONGEST: Duration = Duration::from_secs(20);

/// Reads bytes as what they look like, and checks what must always hold.
fn check(bytes: &[u8]) {
    let begin = Instant::now();
    let source = Source::in_memory("input", bytes);
    let read = |memory: u64| traces::read(&[&source], Options { memory: Some(memory), ..Options::default() });
    let outcome = read(64 << 20);
    if let Some(traffic) = &outcome.traffic {
        let parts: u64 = traffic.ledger.iter().filter(|(reason, _)| *reason != "spans").map(|(_, n)| n).sum();
        assert_eq!(traffic.ledger.get("spans"), Some(&parts), "the ledger does not add up");
        for row in &traffic.rows {
            let operations: u64 = row.operations.iter().map(|o| o.calls).sum();
            assert_eq!(row.calls, operations, "operations do not add up");
            assert!(row.errors <= row.calls && row.requests <= row.calls, "more errors or requests than calls");
        }
        // Names may take an eighth of the budget, so a small one only has less room for spans.
        let again = read(1 << 20).traffic.unwrap_or_default();
        let enough = !again.ledger.contains_key("rejected_too_many_names");
        assert!(!enough || again == *traffic, "another budget, another result");
    }
    assert!(begin.elapsed() < LONGEST, "reading took {:?}", begin.elapsed());
}

/// Numbers that only look random: the same run finds the same inputs.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Bytes and texts that have led parsers astray.
const TOKENS: &[&[u8]] = &[
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x00\x00\x00\x00",
    b"\x7f\xff\xff\xff",
    b"\x80",
    b"\"\\u0000\"",
    b"\"\\ud800\"",
    b"[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
    b"-1",
    b"1e309",
    b"18446744073709551616",
    b"null",
    b"\n",
    b"\"",
    b",",
    b"\x28\xb5\x2f\xfd",
    b"\x1f\x8b\x08\x00",
    b"\xf0\x28\x8c\x28",
];

/// Changes an input here and there.
fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(6) {
        let n = input.len();
        let at = random.below(n + 1).min(n.saturating_sub(1));
        match random.below(11) {
            0 if n > 0 => input[at] ^= 1 << random.below(8),
            1 if n > 0 => input[at] = random.next() as u8,
            2 => input.truncate(random.below(n + 1)),
            3 if n > 0 => {
                let end = (at + random.below(64)).min(n);
                input.drain(at..end);
            }
            4 if n > 0 && n < 1 << 18 => {
                let end = (at + random.below(400)).min(n);
                let part = input[at..end].to_vec();
                input.splice(at..at, part);
            }
            5 | 6 => {
                let token = TOKENS[random.below(TOKENS.len())];
                let end = if random.below(2) == 0 { (at + token.len()).min(n) } else { at };
                input.splice(at..end, token.iter().copied());
            }
            7 if !other.is_empty() => {
                let from = random.below(other.len());
                let to = (from + random.below(300)).min(other.len());
                input.splice(at..at, other[from..to].iter().copied());
            }
            8 if n > 0 => {
                // A number in text: another one.
                if let Some(digit) = input[at..].iter().position(u8::is_ascii_digit) {
                    input[at + digit] = b"0123456789-e."[random.below(13)];
                }
            }
            9 if n > 8 => {
                let from = random.below(n - 8);
                input.copy_within(from..from + 8, at.min(n - 8));
            }
            10 if n > 0 && n < 1 << 14 => *input = input.repeat(1 + random.below(8)),
            _ => {}
        }
    }
}

/// Runs one target; gives the number of inputs, or what failed.
fn run(name: &str, seeds: &[Vec<u8>], time: Duration) -> Result<u64, String> {
    let mut random = Random(name.bytes().fold(0x9E37_79B9_7F4A_7C15, |n, b| n.rotate_left(5) ^ u64::from(b)));
    let begin = Instant::now();
    let mut inputs = 0;
    for seed in seeds {
        check(seed);
    }
    while begin.elapsed() < time {
        let mut input = seeds[random.below(seeds.len())].clone();
        let other = &seeds[random.below(seeds.len())];
        mutate(&mut input, other, &mut random);
        // Packed inputs break early: some are changed before they are packed.
        match random.below(12) {
            0 => input = zstd::encode_all(&input[..], 1).unwrap_or_default(),
            1 => input = seeds::gzip(&input),
            _ => {}
        }
        inputs += 1;
        if catch_unwind(AssertUnwindSafe(|| check(&input))).is_err() {
            let path = std::env::temp_dir().join(format!("unbraid-fuzz-{name}-{inputs}.bin"));
            let kept = std::fs::write(&path, &input).map_or_else(|e| e.to_string(), |()| path.display().to_string());
            return Err(format!("{name}: input {inputs} failed; it is kept in {kept}"));
        }
    }
    Ok(inputs)
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|s| s.parse().ok()).unwrap_or(10);
    let wanted: Vec<String> = arguments.collect();
    let targets = seeds::targets();
    let chosen = targets.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name));
    let results: Vec<Result<u64, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = chosen
            .map(|(name, seeds)| (name, scope.spawn(move || run(name, seeds, Duration::from_secs(seconds)))))
            .collect();
        threads
            .into_iter()
            .map(|(name, thread)| {
                let result = thread.join().unwrap_or_else(|_| Err(format!("{name}: a good input failed")));
                if let Ok(n) = &result {
                    println!("{name}: {n} inputs in {seconds} s, none failed");
                }
                result
            })
            .collect()
    });
    let failures: Vec<&String> = results.iter().filter_map(|r| r.as_ref().err()).collect();
    for failure in &failures {
        eprintln!("{failure}");
    }
    if failures.is_empty() && !results.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

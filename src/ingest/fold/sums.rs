//! What calls add up to: counts, nanoseconds, a latency sketch, first and last, examples. Adding is associative and
//! commutative; nothing is rounded before the end.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::model::Histogram;
use crate::model::traffic::EXEMPLARS;

use super::store::Span;

/// Buckets of a latency sketch, dense from the first that is used. Counts are short, for a graph has many of them: what
/// does not fit stands apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    first: u16,
    counts: Vec<u32>,
    /// By bucket, how often 2³² was counted beside.
    more: BTreeMap<u16, u64>,
}

/// The least number of microseconds of each bucket, and the bucket where to start: below 16 that of each number, then by
/// the highest bit and the four bits below. Two steps at most lead to `floor(20·ln µs)` without a logarithm.
struct Bounds {
    least: Vec<u64>,
    start: Vec<u16>,
}

static BOUNDS: LazyLock<Bounds> = LazyLock::new(|| {
    let most = Histogram::bucket(u64::MAX);
    let mut least: Vec<u64> = (0..=most)
        .map(|bucket| {
            // Bisection with the very function that defines the bucket, so that no rounding can differ.
            let (mut low, mut high) = (1u64, u64::MAX);
            while low < high {
                let middle = low + (high - low) / 2;
                if Histogram::bucket(middle) >= bucket { high = middle } else { low = middle + 1 }
            }
            low
        })
        .collect();
    // Beyond the last.
    least.extend([u64::MAX; 2]);
    let start = (0..64 * 16u64)
        .map(|cell| {
            let (bit, part) = (cell / 16, cell % 16);
            Histogram::bucket(if cell < 16 { cell.max(1) } else { 1u64 << bit | part << bit >> 4 })
        })
        .collect();
    Bounds { least, start }
});

/// The bucket of a duration in nanoseconds.
#[must_use]
#[inline]
pub fn bucket(nanos: u64) -> u16 {
    let micros = (nanos / 1_000).max(1);
    let bit = 63 - u64::from(micros.leading_zeros());
    let cell = if micros < 16 { micros } else { bit * 16 + (micros >> (bit - 4) & 15) };
    let bounds = &*BOUNDS;
    let start = bounds.start[cell as usize];
    // Counted, not searched: how far to go depends on the duration alone, which no processor can foresee.
    let [one, two] = [1, 2].map(|step| bounds.least[usize::from(start) + step]);
    start + u16::from(micros >= one) + u16::from(micros >= two)
}

impl Sketch {
    /// Counts a bucket.
    #[inline]
    pub fn add(&mut self, bucket: u16, n: u64) {
        if self.counts.is_empty() {
            self.first = bucket;
        }
        if bucket < self.first {
            let missing = usize::from(self.first - bucket);
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = bucket;
        }
        let at = usize::from(bucket - self.first);
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        let sum = u64::from(self.counts[at]) + n;
        self.counts[at] = sum as u32;
        if sum >> 32 > 0 {
            *self.more.entry(bucket).or_default() += sum >> 32;
        }
    }

    /// Adds another one's counts.
    pub fn merge(&mut self, other: &Self) {
        other.used().for_each(|(bucket, n)| self.add(bucket, n));
    }

    /// As it stands in a result.
    #[must_use]
    pub fn histogram(&self) -> Histogram {
        Histogram(self.used().collect())
    }

    /// The buckets that were counted.
    fn used(&self) -> impl Iterator<Item = (u16, u64)> {
        let more = |bucket| self.more.get(&bucket).map_or(0, |n| n << 32);
        let all = (self.first..).zip(&self.counts).map(move |(bucket, n)| (bucket, u64::from(*n) + more(bucket)));
        all.filter(|(_, n)| *n > 0)
    }
}

/// An example: a span and the file that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exemplar {
    /// Trace id.
    pub trace: u128,
    /// Span id.
    pub id: u64,
    /// File.
    pub file: u32,
}

impl Exemplar {
    /// None yet: greater than all.
    pub const NONE: Self = Self { trace: u128::MAX, id: u64::MAX, file: u32::MAX };

    /// Of a span.
    #[must_use]
    #[inline]
    pub fn of(span: &Span) -> Self {
        Self { trace: span.trace, id: span.id, file: span.file }
    }

    /// `trace id/span id`.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:032x}/{:016x}", self.trace, self.id)
    }
}

/// What is known about a call beside its span.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// The span ended in an error.
    pub error: bool,
    /// An attempt after the first.
    pub resent: bool,
    /// Ran at the same time as a sibling.
    pub concurrent: bool,
    /// Ended after its caller.
    pub outlived: bool,
    /// Calls it stands for, in millionths; 0 if not told.
    pub weight: u64,
}

/// Sums of calls. What every call adds to stands first: a graph has more of these than a cache holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(C)]
pub struct Sums {
    /// Nanoseconds.
    pub duration: u128,
    /// Calls.
    pub calls: u64,
    /// First start.
    pub first: u64,
    /// Last start.
    pub last: u64,
    /// Latency.
    pub sketch: Sketch,
    /// Errors on the side that the relation counts.
    pub errors: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Calls that ran at the same time as a sibling.
    pub concurrent: u64,
    /// Calls that ended after their caller.
    pub outlived: u64,
    /// Errors of the server of a pair.
    pub server_errors: u64,
    /// Nanoseconds of the server of a pair.
    pub server_duration: u128,
    /// Calls that say how they were sampled, and what they stand for in millionths.
    pub weighted: (u64, u128),
    /// Examples, smallest first.
    pub exemplars: [Exemplar; EXEMPLARS],
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            calls: 0,
            errors: 0,
            server_errors: 0,
            retries: 0,
            duration: 0,
            server_duration: 0,
            concurrent: 0,
            outlived: 0,
            weighted: (0, 0),
            first: u64::MAX,
            last: 0,
            sketch: Sketch::default(),
            exemplars: [Exemplar::NONE; EXEMPLARS],
        }
    }
}

impl Sums {
    /// Adds a call; of a pair, with its server.
    #[inline]
    pub fn add(&mut self, span: &Span, seen: Seen, server: Option<(&Span, bool)>) {
        self.calls += 1;
        self.errors += u64::from(seen.error);
        self.retries += u64::from(seen.resent);
        self.duration += u128::from(span.duration);
        self.concurrent += u64::from(seen.concurrent);
        self.outlived += u64::from(seen.outlived);
        if let Some((server, error)) = server {
            self.server_duration += u128::from(server.duration);
            self.server_errors += u64::from(error);
        }
        if seen.weight != 0 {
            self.weighted.0 += 1;
            self.weighted.1 += u128::from(seen.weight);
        }
        if span.start != 0 {
            self.first = self.first.min(span.start);
            self.last = self.last.max(span.start);
        }
        self.sketch.add(bucket(span.duration), 1);
        self.exemplar(Exemplar::of(span));
    }

    #[inline]
    fn exemplar(&mut self, new: Exemplar) {
        let last = EXEMPLARS - 1;
        if new >= self.exemplars[last] || self.exemplars[..last].contains(&new) {
            return;
        }
        self.exemplars[last] = new;
        self.exemplars.sort_unstable();
    }

    /// Adds another one.
    pub fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.server_errors += other.server_errors;
        self.retries += other.retries;
        self.duration += other.duration;
        self.server_duration += other.server_duration;
        self.concurrent += other.concurrent;
        self.outlived += other.outlived;
        self.weighted.0 += other.weighted.0;
        self.weighted.1 += other.weighted.1;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.sketch.merge(&other.sketch);
        for exemplar in other.exemplars {
            self.exemplar(exemplar);
        }
    }
}

/// Nanoseconds as microseconds, rounded once.
#[must_use]
pub fn micros(nanos: u128) -> u64 {
    u64::try_from((nanos + 500) / 1_000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_bucket_is_the_defined_one() {
        let mut micros = 0u64;
        while micros < u64::MAX / 1_000 / 2 {
            for near in [micros.saturating_sub(1), micros, micros + 1] {
                assert_eq!(bucket(near * 1_000), Histogram::bucket(near), "{near}");
            }
            micros = micros + 1 + micros / 37;
        }
        assert_eq!(bucket(u64::MAX), Histogram::bucket(u64::MAX / 1_000));
    }

    #[test]
    fn sketches_grow_both_ways_and_merge() {
        let (mut one, mut all) = (Sketch::default(), Sketch::default());
        for bucket in [100, 90, 110, 90] {
            one.add(bucket, 1);
        }
        all.add(95, 2);
        all.merge(&one);
        assert_eq!(all.histogram().0.into_iter().collect::<Vec<_>>(), [(90, 2), (95, 2), (100, 1), (110, 1)]);
    }

    #[test]
    fn counts_beyond_a_word_are_counted_on() {
        let mut sketch = Sketch::default();
        for n in [u64::from(u32::MAX), 1, 5 << 32, 7] {
            sketch.add(3, n);
        }
        let mut twice = sketch.clone();
        twice.merge(&sketch);
        assert_eq!(twice.histogram().0.into_iter().collect::<Vec<_>>(), [(3, 2 * ((6 << 32) + 7))]);
    }
}

//! Sets of traces: a filter that may say yes too often (a trace is carried on for nothing), and the traces that were
//! closed lately, which have to be exact (a span that comes late is counted and left out).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

/// A trace's number for sets: spread over all bits, for ids may be counters.
#[inline]
pub fn mark(trace: u128) -> u64 {
    let mixed = (trace as u64 ^ ((trace >> 64) as u64).rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // The finish of splitmix64: one to one, so 64-bit ids never meet.
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Words of a block: one line of a cache.
const BLOCK: usize = 8;

/// A Bloom filter in blocks (Putze, Sanders, Singler 2007): one cache line for each look. At 16 bits a trace it says
/// yes too often once in some hundred looks.
#[derive(Debug)]
pub struct Filter {
    words: Vec<AtomicU64>,
}

impl Filter {
    /// For about so many traces, in so many bytes at most.
    pub fn new(traces: u64, most: u64) -> Self {
        let bytes = (traces * 2).clamp(64, most.max(64)).next_power_of_two();
        let words = usize::try_from(bytes / 8).unwrap_or(BLOCK);
        Self { words: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    fn block(&self, mark: u64) -> &[AtomicU64] {
        let blocks = self.words.len() / BLOCK;
        let at = (mark >> 32) as usize & (blocks - 1);
        &self.words[at * BLOCK..(at + 1) * BLOCK]
    }

    /// Six bits of a block, nine bits of the mark each: three for the word, six for the bit. Lower bits than the block's.
    fn bits(mark: u64) -> impl Iterator<Item = (usize, u64)> {
        let spread = mark.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        (0..6).map(move |n| {
            let part = spread >> (n * 9);
            ((part >> 6) as usize & (BLOCK - 1), 1 << (part & 63))
        })
    }

    /// Puts a trace in.
    pub fn insert(&self, mark: u64) {
        let block = self.block(mark);
        for (word, bit) in Self::bits(mark) {
            if block[word].load(Ordering::Relaxed) & bit == 0 {
                block[word].fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// Was it put in? May say yes for one that was not.
    pub fn contains(&self, mark: u64) -> bool {
        let block = self.block(mark);
        Self::bits(mark).all(|(word, bit)| block[word].load(Ordering::Relaxed) & bit != 0)
    }
}

/// Rounds whose traces are remembered: with the shortest rounds still a good while.
const ROUNDS: usize = 64;

/// Traces that were closed lately.
#[derive(Debug)]
pub struct Closed {
    /// By round, oldest first: the name of its file and its traces, sorted.
    rounds: VecDeque<(String, Vec<u64>)>,
    /// Says no at once for nearly all.
    filter: Filter,
    /// Most traces.
    most: usize,
    most_filter: u64,
}

impl Closed {
    /// None yet; `most` bytes at most.
    pub fn new(most: u64) -> Self {
        let (filter, most_filter) = (Filter::new(0, 64), most / 4);
        let most = usize::try_from(most / 4 * 3 / 8).unwrap_or(usize::MAX);
        Self { rounds: VecDeque::new(), filter, most, most_filter }
    }

    /// Was it closed?
    pub fn contains(&self, mark: u64) -> bool {
        self.filter.contains(mark) && self.rounds.iter().any(|(_, all)| all.binary_search(&mark).is_ok())
    }

    /// Adds a round, whose traces are sorted; the oldest ones are forgotten.
    pub fn add(&mut self, name: String, traces: Vec<u64>) {
        self.rounds.push_back((name, traces));
        while self.rounds.len() > 1 && (self.len() > self.most || self.rounds.len() > ROUNDS) {
            self.rounds.pop_front();
        }
        self.filter = Filter::new(self.len() as u64, self.most_filter);
        self.rounds.iter().flat_map(|(_, all)| all).for_each(|mark| self.filter.insert(*mark));
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.rounds.iter().map(|(_, all)| all.len()).sum()
    }

    /// The names of the files, oldest first.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.rounds.iter().map(|(name, _)| name)
    }
}

/// Traces in any order, some of them more than once; takes little more room than they do.
#[derive(Debug, Default)]
pub struct Marks {
    all: Vec<u64>,
    sorted: usize,
}

impl Marks {
    /// Adds one.
    pub fn push(&mut self, mark: u64) {
        self.all.push(mark);
        if self.all.len() > 2 * self.sorted + (1 << 16) {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.all.sort_unstable();
        self.all.dedup();
        self.sorted = self.all.len();
    }

    /// Adds all of another.
    pub fn append(&mut self, mut other: Self) {
        other.settle();
        self.all.append(&mut other.all);
        self.settle();
    }

    /// All of them, sorted.
    pub fn sorted(mut self) -> Vec<u64> {
        self.settle();
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_forgets_nothing_and_seldom_errs() {
        let filter = Filter::new(10_000, 1 << 20);
        (0..10_000u128).for_each(|t| filter.insert(mark(t)));
        assert!((0..10_000u128).all(|t| filter.contains(mark(t))));
        let wrong = (10_000..110_000u128).filter(|t| filter.contains(mark(*t))).count();
        assert!(wrong < 1_500, "{wrong} of 100000");
    }

    #[test]
    fn closed_traces_are_exact_and_the_oldest_are_forgotten() {
        let mut closed = Closed::new(4 * 100 * 8 * 4 / 3);
        let round = |n: u128| {
            let mut marks = Marks::default();
            (n * 100..(n + 1) * 100).for_each(|t| marks.push(mark(t)));
            marks.sorted()
        };
        for n in 0..6 {
            closed.add(format!("ids-{n}"), round(n));
        }
        assert!(closed.len() <= 400 && closed.names().all(|n| n != "ids-0"));
        assert!((500..600).all(|t| closed.contains(mark(t))));
        assert!((600..10_000).all(|t| !closed.contains(mark(t))));
        assert!(!closed.contains(mark(5)));
    }
}

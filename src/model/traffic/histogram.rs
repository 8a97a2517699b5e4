//! The latency sketch: counts by bucket `floor(20·ln µs)`, 2.5 % relative error, the same on every engine, mergeable.

use std::collections::BTreeMap;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Latency;

/// Buckets per unit of the natural logarithm.
const FINENESS: f64 = 20.0;

/// Bucket → count. Written as text, `bucket:count` separated by spaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Histogram(pub BTreeMap<u16, u64>);

impl Histogram {
    /// The bucket of a duration in microseconds; what is shorter than one counts as one.
    #[must_use]
    pub fn bucket(micros: u64) -> u16 {
        (FINENESS * (micros.max(1) as f64).ln()).floor() as u16
    }

    /// Nothing in it?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds another one's counts.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, n) in &other.0 {
            *self.0.entry(*bucket).or_default() += n;
        }
    }

    /// The duration below which a share `q` (0..1) lies, in microseconds; the middle of its bucket.
    #[must_use]
    pub fn quantile_us(&self, q: f64) -> Option<u64> {
        let total: u64 = self.0.values().sum();
        if total == 0 {
            return None;
        }
        let rank = (q * (total - 1) as f64).round() as u64;
        let mut seen = 0;
        for (bucket, count) in &self.0 {
            seen += count;
            if seen > rank {
                return Some(((f64::from(*bucket) + 0.5) / FINENESS).exp().round() as u64);
            }
        }
        None
    }

    /// Median, 95 and 99 of 100.
    #[must_use]
    pub fn latency_us(&self) -> Option<Latency> {
        Some(Latency { p50: self.quantile_us(0.5)?, p95: self.quantile_us(0.95)?, p99: self.quantile_us(0.99)? })
    }
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::new();
        for (bucket, n) in &self.0 {
            let space = if text.is_empty() { "" } else { " " };
            write!(text, "{space}{bucket}:{n}").map_err(serde::ser::Error::custom)?;
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut all = Self::default();
        for part in text.split_whitespace() {
            let pair = part.split_once(':').and_then(|(b, n)| Some((b.parse().ok()?, n.parse().ok()?)));
            let (bucket, n): (u16, u64) =
                pair.ok_or_else(|| serde::de::Error::custom(format!("`{part}` is no bucket:count of a histogram")))?;
            *all.0.entry(bucket).or_default() += n;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_the_error_of_a_bucket() {
        let mut all = Histogram::default();
        for micros in 1..=10_000u64 {
            *all.0.entry(Histogram::bucket(micros)).or_default() += 1;
        }
        for (q, exact) in [(0.5, 5_000.0), (0.95, 9_500.0), (0.99, 9_900.0)] {
            let seen = all.quantile_us(q).expect("not empty") as f64;
            assert!((seen / exact - 1.0).abs() < 0.03, "{q}: {seen}");
        }
        assert_eq!(Histogram::default().quantile_us(0.5), None);
        assert_eq!(Histogram::bucket(0), 0);
    }

    #[test]
    fn it_is_written_and_read_back() {
        let all = Histogram(BTreeMap::from([(3, 7), (182, 1)]));
        let text = serde_json::to_string(&all).expect("JSON");
        assert_eq!(text, "\"3:7 182:1\"");
        assert_eq!(serde_json::from_str::<Histogram>(&text).expect("read"), all);
        assert!(serde_json::from_str::<Histogram>("\"x\"").is_err());
    }
}

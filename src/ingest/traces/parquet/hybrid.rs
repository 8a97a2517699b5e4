//! Small numbers as Parquet packs them: runs of one value, and groups of eight packed bit by bit (RLE / bit-packing
//! hybrid of parquet-format). Levels and indices into a dictionary are written so.

use bytes::Bytes;

/// A reader of packed numbers.
#[derive(Debug, Default)]
pub struct Hybrid {
    bytes: Bytes,
    at: usize,
    width: u32,
    /// Values left in the run.
    left: usize,
    /// The value of a run of one; none in a packed run.
    value: Option<u32>,
    /// The next bit of a packed run.
    bit: usize,
}

impl Hybrid {
    /// Numbers of so many bits, at most 32.
    #[must_use]
    pub fn new(bytes: Bytes, width: u32) -> Self {
        Self { bytes, width: width.min(32), ..Self::default() }
    }

    /// Bits of a number.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The next run; none at the end or a break.
    fn next_run(&mut self) -> Option<()> {
        let mut head = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            head |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let n = usize::try_from(head >> 1).ok()?;
        if head & 1 == 1 {
            let left = self.bytes.len() - self.at;
            let bytes = n.saturating_mul(self.width as usize).min(left);
            (self.value, self.bit) = (None, 8 * self.at);
            // The last group may be cut short.
            self.left = if self.width == 0 {
                n.saturating_mul(8)
            } else {
                (8 * bytes / self.width as usize).min(n.saturating_mul(8))
            };
            self.at += bytes;
        } else {
            let width = self.width.div_ceil(8) as usize;
            let value = self.bytes.get(self.at..self.at + width)?;
            self.value = Some(value.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b)));
            self.left = n;
            self.at += width;
        }
        Some(())
    }

    /// Appends the next `n` numbers; fewer where there are no more.
    pub fn read<T>(&mut self, mut n: usize, out: &mut Vec<T>, as_number: impl Fn(u32) -> T)
    where
        T: Copy,
    {
        while n > 0 {
            if self.left == 0 {
                if self.next_run().is_none() {
                    return;
                }
                continue;
            }
            let take = self.left.min(n);
            match self.value {
                Some(value) => out.resize(out.len() + take, as_number(value)),
                None => self.unpack(take, out, &as_number),
            }
            self.left -= take;
            n -= take;
        }
    }

    fn unpack<T: Copy>(&mut self, n: usize, out: &mut Vec<T>, as_number: impl Fn(u32) -> T) {
        let (width, mask) = (self.width as usize, (1u64 << self.width) - 1);
        let (bytes, mut bit, mut n) = (&self.bytes[..], self.bit, n);
        // Eight small numbers stand in one word.
        if width <= 8 && bit % 8 == 0 {
            out.reserve(n);
            while n >= 8
                && let Some((word, _)) = bytes.get(bit / 8..).and_then(|rest| rest.split_first_chunk::<8>())
            {
                let word = u64::from_le_bytes(*word);
                let eight: [T; 8] = std::array::from_fn(|at| as_number((word >> (at * width) & mask) as u32));
                out.extend_from_slice(&eight);
                bit += 8 * width;
                n -= 8;
            }
        }
        out.extend((0..n).map(|_| {
            let word = match bytes.get(bit / 8..).and_then(|rest| rest.split_first_chunk::<8>()) {
                Some((word, _)) => u64::from_le_bytes(*word),
                None => bytes.get(bit / 8..).unwrap_or_default().iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)),
            };
            let value = word >> (bit % 8) & mask;
            bit += width;
            as_number(value as u32)
        }));
        self.bit = bit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], width: u32, n: usize) -> Vec<u32> {
        let mut out = Vec::new();
        let mut hybrid = Hybrid::new(Bytes::copy_from_slice(bytes), width);
        // In steps, as batches ask for them.
        for step in [1, 2, n.saturating_sub(3)] {
            hybrid.read(step, &mut out, |n| n);
        }
        out
    }

    #[test]
    fn runs_and_packed_groups_follow_each_other() {
        // Three times 5, then eight packed numbers of three bits (the example of parquet-format).
        let bytes = [0x06, 0x05, 0x03, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        assert_eq!(all(&bytes, 3, 11), [5, 5, 5, 0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn groups_of_every_width_are_unpacked() {
        for width in 1..=20u32 {
            let numbers: Vec<u32> = (0..64u32).map(|n| n.wrapping_mul(2_654_435_761) >> (32 - width)).collect();
            let mut bytes = vec![(8 << 1 | 1) as u8];
            bytes.resize(1 + 8 * width as usize, 0);
            for (at, number) in numbers.iter().enumerate() {
                for bit in (0..width as usize).filter(|bit| number >> bit & 1 == 1) {
                    let place = at * width as usize + bit;
                    bytes[1 + place / 8] |= 1 << (place % 8);
                }
            }
            assert_eq!(all(&bytes, width, 64), numbers, "{width}");
        }
    }

    #[test]
    fn what_is_cut_ends_early_and_runs_that_lie_cost_nothing() {
        assert_eq!(all(&[0x03, 0xff], 8, 8), [0xff]);
        assert_eq!(all(&[0xff, 0xff, 0xff, 0xff, 0xff], 1, 8), Vec::<u32>::new());
        assert_eq!(all(&[], 1, 8), Vec::<u32>::new());
        assert_eq!(all(&[0xfe, 0xff, 0xff, 0xff, 0x07, 7], 3, 5), [7; 5]);
    }
}

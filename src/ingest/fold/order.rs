//! Positions in the order of a number, of one word each: calls by their start.

/// Sorts positions, keeping its buffers.
#[derive(Debug, Default)]
pub struct Order {
    keys: Vec<u64>,
    bits: u32,
}

impl Order {
    /// Orders the positions `0..n` by what `number` says of them; of equal ones the first comes first.
    ///
    /// Number and position share a word: where the numbers reach further than what is left beside a position, their
    /// highest bits decide first and the whole numbers settle what these leave open.
    pub fn sort(&mut self, n: usize, number: impl Fn(usize) -> u64) {
        self.keys.clear();
        let (mut least, mut most) = (u64::MAX, 0);
        for at in 0..n {
            let number = number(at);
            least = least.min(number);
            most = most.max(number);
        }
        self.bits = usize::BITS - n.saturating_sub(1).leading_zeros();
        let reach = u64::BITS - most.saturating_sub(least).leading_zeros();
        let shift = (reach + self.bits).saturating_sub(u64::BITS);
        // Nothing is left of the numbers beside no position.
        let head = |at: usize| (number(at).wrapping_sub(least)) >> shift;
        let bits = self.bits;
        self.keys.extend((0..n).map(|at| head(at).checked_shl(bits).unwrap_or(0) | at as u64));
        self.keys.sort_unstable();
        let open = |pair: &[u64]| pair[0] >> bits == pair[1] >> bits;
        if shift > 0 && self.keys.windows(2).any(open) {
            let mask = self.mask();
            self.keys.sort_unstable_by_key(|key| (number((key & mask) as usize), *key));
        }
    }

    fn mask(&self) -> u64 {
        (1u64 << self.bits) - 1
    }

    /// The positions in order.
    pub fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        let mask = self.mask();
        self.keys.iter().map(move |key| (key & mask) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_in_the_order_of_their_numbers() {
        let sets: [&[u64]; 8] = [
            &[],
            &[7],
            &[3, 1, 2, 1],
            &[u64::MAX, 0, u64::MAX, 1],
            &[u64::MAX - 1, u64::MAX, u64::MAX - 2],
            &[1 << 63, (1 << 63) + 1, 0, (1 << 63) - 1],
            &[0, 0, 0],
            &[5, u64::MAX / 2, 4, u64::MAX / 2 + 1, u64::MAX / 2],
        ];
        let mut order = Order::default();
        for numbers in sets {
            order.sort(numbers.len(), |at| numbers[at]);
            let mut wanted: Vec<usize> = (0..numbers.len()).collect();
            wanted.sort_by_key(|at| (numbers[*at], *at));
            assert_eq!(order.positions().collect::<Vec<_>>(), wanted, "{numbers:?}");
        }
    }
}

//! A cursor over the wire format of protobuf. Knows no message.

/// A place in wire bytes.
#[derive(Debug, Clone, Copy)]
pub struct Wire<'b> {
    bytes: &'b [u8],
    at: usize,
}

/// The value of a field.
#[derive(Debug, Clone, Copy)]
pub enum Field<'b> {
    /// Varint.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Bytes, text or a message.
    Bytes(&'b [u8]),
    /// The beginning of bytes whose end is missing.
    Cut(&'b [u8]),
    /// Anything else.
    Other,
}

impl<'b> Wire<'b> {
    /// The beginning.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// What is left.
    #[must_use]
    #[inline]
    pub fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// How much has been read.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// One byte.
    #[inline]
    pub fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// So many bytes, which are there, are passed.
    #[inline]
    pub fn skip(&mut self, n: usize) {
        self.at = (self.at + n).min(self.bytes.len());
    }

    /// One byte back.
    #[inline]
    pub fn back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    /// A number of up to ten bytes.
    #[inline]
    pub fn varint(&mut self) -> Option<u64> {
        let first = *self.bytes.get(self.at)?;
        if first < 0x80 {
            self.at += 1;
            return Some(u64::from(first));
        }
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// So many bytes.
    #[inline]
    pub fn take(&mut self, n: u64) -> Option<&'b [u8]> {
        let end = self.at.checked_add(usize::try_from(n).ok()?)?;
        let part = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(part)
    }

    /// Bytes behind their length.
    #[inline]
    pub fn bytes(&mut self) -> Option<&'b [u8]> {
        let n = self.varint()?;
        self.take(n)
    }

    /// Eight bytes.
    #[inline]
    pub fn fixed64(&mut self) -> Option<u64> {
        let (part, _) = self.bytes.get(self.at..)?.split_first_chunk::<8>()?;
        self.at += 8;
        Some(u64::from_le_bytes(*part))
    }

    /// The next field; `Some(None)` at the end, `None` at a break.
    #[inline]
    pub fn next(&mut self) -> Option<Option<(u64, Field<'b>)>> {
        if self.at >= self.bytes.len() {
            return Some(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(self.fixed64()?),
            2 => Field::Bytes(self.bytes()?),
            5 => {
                self.take(4)?;
                Field::Other
            }
            _ => return None,
        };
        Some(Some((tag >> 3, value)))
    }
}

/// Reads a message field by field; a part that is cut off at the end is still given, and the break reported.
#[inline]
pub fn walk<'b>(bytes: &'b [u8], mut see: impl FnMut(u64, Field<'b>) -> Option<()>) -> Option<()> {
    let mut wire = Wire::new(bytes);
    loop {
        let start = wire.at;
        match wire.next() {
            Some(Some((number, field))) => see(number, field)?,
            Some(None) => return Some(()),
            None => {
                // A length that reaches beyond the end: its content, as far as it is there.
                let mut cut = Wire { bytes, at: start };
                if let Some(tag) = cut.varint()
                    && tag & 7 == 2
                    && cut.varint().is_some()
                {
                    see(tag >> 3, Field::Cut(cut.rest()));
                }
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_message_is_given_as_far_as_it_is_there() {
        let mut seen = Vec::new();
        let whole = walk(&[0x08, 0x07, 0x12, 0x05, b'a', b'b'], |number, field| {
            match field {
                Field::Varint(n) => seen.push((number, n as usize)),
                Field::Bytes(bytes) | Field::Cut(bytes) => seen.push((number, bytes.len())),
                _ => {}
            }
            Some(())
        });
        assert_eq!((whole, seen), (None, vec![(1, 7), (2, 2)]));
    }

    #[test]
    fn endless_varints_are_no_numbers() {
        assert_eq!(Wire::new(&[0xff; 11]).varint(), None);
        assert_eq!(Wire::new(&[0x96, 0x01]).varint(), Some(150));
    }
}

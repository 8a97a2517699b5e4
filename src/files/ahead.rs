//! What will be read soon of a file's bytes is asked of the memory before it is needed: hops over a file wait for it otherwise, for which
//! byte is read next depends on the last one.

/// Bytes of a cache line.
const LINE: usize = 64;

/// What a first-level cache holds beside other things.
const MOST: usize = 8 << 10;

/// Says that bytes are read soon: so many behind the beginning of others, as many as these are, a few pages at most.
#[inline]
#[expect(unsafe_code, reason = "a hint to the processor has no safe form in the standard library yet")]
pub fn soon(bytes: &[u8], behind: usize) {
    for at in (0..bytes.len().min(MOST)).step_by(LINE) {
        let place = bytes.as_ptr().wrapping_add(behind + at);
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction reads nothing and does not fault, whatever the address.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(place.cast());
        };
        #[cfg(not(target_arch = "x86_64"))]
        let _ = place;
    }
}

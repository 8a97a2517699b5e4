//! A leaf of texts, decoded to places in its pages: nothing is copied, and what a text of a dictionary says is found
//! out once.
//!
//! Read are plain texts and those of a dictionary, as nearly all writers have them; a column with another encoding
//! goes through the library.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::errors::{ParquetError, Result};

use super::hybrid::Hybrid;
use super::pages::Pages;

/// Entries of a batch: more are a break (a batch has some thousand rows; real ones have some dozens of entries each).
const MOST: usize = 16 << 20;

/// Marks a place in the dictionary.
const DICTIONARY: u64 = 1 << 63;

/// The texts of a column.
pub struct Texts {
    pages: Pages,
    max_def: i16,
    max_rep: i16,
    dictionary: Bytes,
    /// Where the texts of the dictionary begin.
    starts: Vec<u32>,
    page: Levels,
    values: Values,
    /// Pages of the batch that plain texts stand in.
    held: Vec<Bytes>,
    /// The texts of the batch: index in the dictionary, or page and byte.
    places: Vec<u64>,
}

/// Levels of the page that is being read.
#[derive(Default)]
struct Levels {
    /// Entries that are not decoded yet.
    left: usize,
    rep: Hybrid,
    def: Hybrid,
    /// Decoded, but not taken.
    reps: Vec<i16>,
    defs: Vec<i16>,
    taken: usize,
    /// Does every one of the decoded have a value?
    full: bool,
}

enum Values {
    None,
    /// Where the next text begins.
    Plain(usize),
    Indices(Hybrid),
}

fn broken(text: &str) -> ParquetError {
    ParquetError::General(text.to_owned())
}

/// Bits of a level.
fn width(most: i16) -> u32 {
    u32::from(most.unsigned_abs()).checked_ilog2().map_or(0, |n| n + 1)
}

/// The text behind its length of four bytes.
#[inline]
fn text_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let (n, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
    rest.get(..u32::from_le_bytes(*n) as usize)
}

impl Texts {
    /// The texts of the pages of a column.
    #[must_use]
    pub fn new(pages: Pages, max_def: i16, max_rep: i16) -> Self {
        Self {
            pages,
            max_def,
            max_rep,
            dictionary: Bytes::new(),
            starts: Vec::new(),
            page: Levels::default(),
            values: Values::None,
            held: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Are these encodings read here?
    #[must_use]
    pub fn knows(encodings: impl Iterator<Item = Encoding>) -> bool {
        let known = [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY, Encoding::PLAIN_DICTIONARY];
        encodings.into_iter().all(|e| known.contains(&e))
    }

    /// The text of a position in the batch.
    #[must_use]
    #[inline]
    pub fn get(&self, at: usize) -> Option<&[u8]> {
        let place = *self.places.get(at)?;
        if place & DICTIONARY != 0 {
            let start = *self.starts.get((place ^ DICTIONARY) as usize)?;
            return text_at(&self.dictionary, start as usize);
        }
        text_at(self.held.get((place >> 32) as usize)?, place as u32 as usize)
    }

    /// How many texts the batch has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// The numbers in the dictionary of some texts of the batch, of each that stands there.
    #[inline]
    pub fn indices(&self, range: Range<usize>) -> impl Iterator<Item = Option<usize>> {
        let places = self.places.get(range).unwrap_or_default();
        places.iter().map(|place| (place & DICTIONARY != 0).then_some((place ^ DICTIONARY) as usize))
    }

    /// Texts of the dictionary.
    pub fn dictionary(&self) -> impl Iterator<Item = &[u8]> {
        self.starts.iter().map(|at| text_at(&self.dictionary, *at as usize).unwrap_or_default())
    }

    /// Reads the entries of the next rows; gives how many rows there are.
    pub fn fill(&mut self, rows: usize, def: &mut Vec<i16>, rep: &mut Vec<i16>) -> Result<usize> {
        self.places.clear();
        // Of the pages only the one that is being read is still needed.
        let last = self.held.pop();
        self.held.clear();
        self.held.extend(last);
        let mut seen = 0;
        loop {
            if self.page.taken == self.page.defs.len() && self.page.left == 0 && !self.next_page()? {
                return Ok(seen);
            }
            self.page.decode(self.max_rep, self.max_def);
            let (n, more) = self.page.rows(rows - seen, self.max_rep);
            seen += more;
            if n == 0 {
                return Ok(seen);
            }
            let range = self.page.taken..self.page.taken + n;
            let defs = &self.page.defs[range.clone()];
            let present = if self.page.full { n } else { defs.iter().filter(|d| **d == self.max_def).count() };
            if self.places.len() + n > MOST {
                return Err(broken("more entries than a batch of rows may have"));
            }
            def.extend_from_slice(defs);
            if self.max_rep > 0 {
                rep.extend_from_slice(&self.page.reps[range]);
            }
            self.page.taken += n;
            self.read_values(present)?;
        }
    }

    fn read_values(&mut self, n: usize) -> Result<()> {
        let before = self.places.len();
        match &mut self.values {
            Values::None => {}
            Values::Indices(indices) => {
                let most = self.starts.len() as u32;
                indices.read(n, &mut self.places, |at| DICTIONARY | u64::from(at));
                // All are looked at, without a way out: that goes many at a time.
                if self.places[before..].iter().fold(false, |wrong, place| wrong | (*place as u32 >= most)) {
                    return Err(broken("an index outside of the dictionary"));
                }
            }
            Values::Plain(at) => {
                let page = self.held.len() as u64 - 1;
                let bytes = &self.held[page as usize];
                for _ in 0..n {
                    let text = text_at(bytes, *at).ok_or_else(|| broken("a text is longer than its page"))?;
                    self.places.push(page << 32 | *at as u64);
                    *at += 4 + text.len();
                }
            }
        }
        if self.places.len() - before < n { Err(broken("fewer values than entries")) } else { Ok(()) }
    }

    /// Opens the next page of data.
    fn next_page(&mut self) -> Result<bool> {
        loop {
            let Some(page) = self.pages.next_page()? else { return Ok(false) };
            let (buf, n, encoding, levels) = match page {
                Page::DictionaryPage { buf, num_values, .. } => {
                    self.set_dictionary(buf, num_values as usize)?;
                    continue;
                }
                Page::DataPage { buf, num_values, encoding, .. } => (buf, num_values, encoding, None),
                Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                    (buf, num_values, encoding, Some((rep_levels_byte_len as usize, def_levels_byte_len as usize)))
                }
            };
            let mut at = 0;
            let mut level = |most: i16, length: Option<usize>| -> Result<Hybrid> {
                if most == 0 {
                    return Ok(Hybrid::default());
                }
                let bytes = match length {
                    Some(n) => buf.get(at..at + n).map(|_| buf.slice(at..at + n)),
                    None => text_at(&buf, at).map(|t| buf.slice_ref(t)),
                };
                let bytes = bytes.ok_or_else(|| broken("levels are longer than their page"))?;
                at += bytes.len() + if length.is_none() { 4 } else { 0 };
                Ok(Hybrid::new(bytes, width(most)))
            };
            let rep = level(self.max_rep, levels.map(|l| l.0))?;
            let def = level(self.max_def, levels.map(|l| l.1))?;
            self.page = Levels { left: n as usize, rep, def, ..Levels::default() };
            self.values = match encoding {
                Encoding::PLAIN => {
                    self.held.push(buf);
                    Values::Plain(at)
                }
                Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                    let width = buf.get(at).copied().unwrap_or(0);
                    Values::Indices(Hybrid::new(buf.slice((at + 1).min(buf.len())..), u32::from(width)))
                }
                other => return Err(broken(&format!("{other:?} was not announced"))),
            };
            return Ok(true);
        }
    }

    fn set_dictionary(&mut self, buf: Bytes, n: usize) -> Result<()> {
        self.starts.clear();
        let mut at = 0;
        for _ in 0..n {
            let text = text_at(&buf, at).ok_or_else(|| broken("a dictionary is longer than its page"))?;
            self.starts.push(at as u32);
            at += 4 + text.len();
        }
        self.dictionary = buf;
        Ok(())
    }
}

impl Levels {
    /// Decodes some more entries where none are left.
    fn decode(&mut self, max_rep: i16, max_def: i16) {
        if self.taken < self.defs.len() {
            return;
        }
        self.taken = 0;
        self.defs.clear();
        self.reps.clear();
        let n = self.left.min(1 << 14);
        self.left -= n;
        let level = |n: u32| n as i16;
        if self.def.width() == 0 {
            self.defs.resize(n, 0);
        } else {
            self.def.read(n, &mut self.defs, level);
        }
        self.full = self.defs.iter().fold(true, |full, def| full & (*def == max_def));
        if max_rep > 0 {
            self.rep.read(n, &mut self.reps, level);
            self.reps.resize(self.defs.len(), 0);
        }
        if self.defs.len() < n {
            // A break: what is there is the end.
            self.left = 0;
        }
    }

    /// How many of the decoded entries belong to the next `rows` rows, and how many rows begin among them.
    fn rows(&self, rows: usize, max_rep: i16) -> (usize, usize) {
        let n = self.defs.len() - self.taken;
        if max_rep == 0 {
            return (n.min(rows), n.min(rows));
        }
        let mut begun = 0;
        for (at, rep) in self.reps[self.taken..].iter().enumerate() {
            if *rep == 0 {
                if begun == rows {
                    return (at, begun);
                }
                begun += 1;
            }
        }
        (n, begun)
    }
}

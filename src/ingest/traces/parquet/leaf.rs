//! One leaf of the schema, read batch by batch, entry by entry.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::LogicalType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type,
};
use parquet::errors::Result;
use parquet::file::metadata::RowGroupMetaData;
use parquet::schema::types::ColumnDescriptor;

use crate::ingest::fold::{Meaning, Value, meaning};

use super::pages::Pages;
use super::text::Texts;

/// A row group of a file.
#[derive(Clone, Copy)]
pub struct Group<'f> {
    /// The file.
    pub file: &'f Bytes,
    /// What the file says of the group.
    pub metadata: &'f RowGroupMetaData,
}

/// A leaf with the entries of a batch.
pub struct Leaf {
    reader: Reader,
    text: bool,
    max_def: i16,
    def: Vec<i16>,
    rep: Vec<i16>,
    levels: usize,
    /// Does every entry of the batch have a value?
    dense: bool,
    /// What the keys of the dictionary mean, where this is a leaf of keys.
    meanings: Vec<Option<Meaning>>,
}

enum Reader {
    Texts(Box<Texts>),
    Bytes(ColumnReaderImpl<ByteArrayType>, Vec<ByteArray>),
    Fixed(ColumnReaderImpl<FixedLenByteArrayType>, Vec<FixedLenByteArray>),
    Long(ColumnReaderImpl<Int64Type>, Vec<i64>),
    Int(ColumnReaderImpl<Int32Type>, Vec<i32>),
    Double(ColumnReaderImpl<DoubleType>, Vec<f64>),
    Float(ColumnReaderImpl<FloatType>, Vec<f32>),
    Bool(ColumnReaderImpl<BoolType>, Vec<bool>),
}

impl Leaf {
    /// The leaf at a position; none if its type is not one that spans use.
    pub fn open(group: Group<'_>, at: usize) -> Result<Option<Self>> {
        let chunk = group.metadata.column(at);
        let column = chunk.column_descr_ptr();
        let pages = Pages::open(group.file, chunk)?;
        if column.physical_type() == parquet::basic::Type::BYTE_ARRAY && Texts::knows(chunk.encodings()) {
            let texts = Texts::new(pages, column.max_def_level(), column.max_rep_level());
            return Ok(Some(Self::of(Reader::Texts(Box::new(texts)), &column)));
        }
        let reader = match get_column_reader(chunk.column_descr_ptr(), Box::new(pages)) {
            ColumnReader::ByteArrayColumnReader(r) => Reader::Bytes(r, Vec::new()),
            ColumnReader::FixedLenByteArrayColumnReader(r) => Reader::Fixed(r, Vec::new()),
            ColumnReader::Int64ColumnReader(r) => Reader::Long(r, Vec::new()),
            ColumnReader::Int32ColumnReader(r) => Reader::Int(r, Vec::new()),
            ColumnReader::DoubleColumnReader(r) => Reader::Double(r, Vec::new()),
            ColumnReader::FloatColumnReader(r) => Reader::Float(r, Vec::new()),
            ColumnReader::BoolColumnReader(r) => Reader::Bool(r, Vec::new()),
            ColumnReader::Int96ColumnReader(_) => return Ok(None),
        };
        Ok(Some(Self::of(reader, &column)))
    }

    fn of(reader: Reader, column: &ColumnDescriptor) -> Self {
        let string =
            matches!(column.logical_type_ref(), Some(LogicalType::String | LogicalType::Enum | LogicalType::Json));
        let converted = matches!(
            column.converted_type(),
            parquet::basic::ConvertedType::UTF8
                | parquet::basic::ConvertedType::ENUM
                | parquet::basic::ConvertedType::JSON
        );
        Self {
            reader,
            text: string || converted,
            max_def: column.max_def_level(),
            def: Vec::new(),
            rep: Vec::new(),
            levels: 0,
            dense: false,
            meanings: Vec::new(),
        }
    }

    /// Finds out what the keys of the dictionary mean.
    pub fn learn(&mut self) {
        if let Reader::Texts(texts) = &self.reader
            && texts.dictionary().count() != self.meanings.len()
        {
            self.meanings = texts.dictionary().map(meaning).collect();
        }
    }

    /// What the key at a position means.
    #[inline]
    fn meaning_at(&self, at: usize) -> Option<Meaning> {
        let mut found = None;
        self.meanings(at..at + 1, |_, what| found = Some(what));
        found
    }

    /// Tells what the keys at some positions mean, each that matters.
    #[inline]
    fn meanings(&self, range: Range<usize>, mut see: impl FnMut(usize, Meaning)) {
        let read = |at: usize| self.at(at).text(meaning);
        let Reader::Texts(texts) = &self.reader else {
            return range.for_each(|at| read(at).into_iter().for_each(|what| see(at, what)));
        };
        for (at, index) in range.clone().zip(texts.indices(range)) {
            let what = match index {
                Some(index) => self.meanings.get(index).copied().flatten(),
                None => read(at),
            };
            if let Some(what) = what {
                see(at, what);
            }
        }
    }

    /// Reads the entries of the next `n` rows; gives how many rows there are.
    pub fn fill(&mut self, n: usize) -> Result<usize> {
        self.def.clear();
        self.rep.clear();
        let (def, rep) = (&mut self.def, &mut self.rep);
        let (rows, levels) = match &mut self.reader {
            Reader::Texts(texts) => {
                let rows = texts.fill(n, def, rep)?;
                (rows, def.len())
            }
            Reader::Bytes(r, v) => fill(r, n, v, def, rep)?,
            Reader::Fixed(r, v) => fill(r, n, v, def, rep)?,
            Reader::Long(r, v) => fill(r, n, v, def, rep)?,
            Reader::Int(r, v) => fill(r, n, v, def, rep)?,
            Reader::Double(r, v) => fill(r, n, v, def, rep)?,
            Reader::Float(r, v) => fill(r, n, v, def, rep)?,
            Reader::Bool(r, v) => fill(r, n, v, def, rep)?,
        };
        self.levels = levels;
        self.dense = self.values() == levels;
        Ok(rows)
    }

    /// How many values the entries have.
    fn values(&self) -> usize {
        match &self.reader {
            Reader::Texts(texts) => texts.count(),
            Reader::Bytes(_, v) => v.len(),
            Reader::Fixed(_, v) => v.len(),
            Reader::Long(_, v) => v.len(),
            Reader::Int(_, v) => v.len(),
            Reader::Double(_, v) => v.len(),
            Reader::Float(_, v) => v.len(),
            Reader::Bool(_, v) => v.len(),
        }
    }

    /// The entries of the batch one after the other: a value, or nothing where there is none.
    #[inline]
    pub fn each<'l>(&'l self, see: impl FnMut(Value<'l>)) {
        let text = self.text;
        let bytes = |b| if text { Value::Text(b) } else { Value::Bytes(b) };
        // What type the values of the usual columns have is asked once, not of each (measured: three hundredths of all).
        match &self.reader {
            Reader::Texts(texts) => self.entries(|at| texts.get(at).map_or(Value::None, bytes), see),
            Reader::Long(_, v) => self.entries(|at| v.get(at).map_or(Value::None, |n| Value::Int(*n)), see),
            _ => self.entries(|at| self.at(at), see),
        }
    }

    #[inline]
    fn entries<'l>(&self, value: impl Fn(usize) -> Value<'l>, see: impl FnMut(Value<'l>)) {
        if self.dense {
            return (0..self.levels).map(value).for_each(see);
        }
        let mut next = 0..;
        let present = self.def.iter().map(|def| (*def == self.max_def).then(|| next.next()).flatten());
        present.map(|at| at.map_or(Value::None, &value)).for_each(see);
    }

    /// The value of a position, if there is an entry.
    #[inline]
    fn at(&self, at: usize) -> Value<'_> {
        let text = self.text;
        let bytes = |b| if text { Value::Text(b) } else { Value::Bytes(b) };
        match &self.reader {
            Reader::Texts(texts) => texts.get(at).map_or(Value::None, bytes),
            Reader::Bytes(_, v) => v.get(at).map_or(Value::None, |b| bytes(b.data())),
            Reader::Fixed(_, v) => v.get(at).map_or(Value::None, |b| bytes(b.data())),
            Reader::Long(_, v) => v.get(at).map_or(Value::None, |n| Value::Int(*n)),
            Reader::Int(_, v) => v.get(at).map_or(Value::None, |n| Value::Int(i64::from(*n))),
            Reader::Double(_, v) => v.get(at).map_or(Value::None, |n| Value::Double(*n)),
            Reader::Float(_, v) => v.get(at).map_or(Value::None, |n| Value::Double(f64::from(*n))),
            Reader::Bool(_, v) => v.get(at).map_or(Value::None, |b| Value::Bool(*b)),
        }
    }
}

fn fill<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    n: usize,
    values: &mut Vec<T::T>,
    def: &mut Vec<i16>,
    rep: &mut Vec<i16>,
) -> Result<(usize, usize)> {
    values.clear();
    let (rows, _, levels) = reader.read_records(n, Some(def), Some(rep), values)?;
    Ok((rows, levels))
}

/// Where reading a leaf is; apart from the leaf, so that values live as long as the batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    level: usize,
    value: usize,
}

impl Place {
    /// How deep the next entry goes on with what came before; 0 begins a row. None at the end.
    #[inline]
    pub fn repeats(&self, leaf: &Leaf) -> Option<i16> {
        (self.level < leaf.levels).then(|| leaf.rep.get(self.level).copied().unwrap_or(0))
    }

    /// Goes on by one entry: the position of its value if it has one; nothing at the end.
    #[inline]
    fn step(&mut self, leaf: &Leaf) -> Option<Option<usize>> {
        if self.level >= leaf.levels {
            return None;
        }
        let present = leaf.def.get(self.level).copied().unwrap_or(leaf.max_def) == leaf.max_def;
        self.level += 1;
        self.value += usize::from(present);
        Some(present.then(|| self.value - 1))
    }

    /// The next entry: a value, or nothing where there is none.
    #[inline]
    pub fn next<'l>(&mut self, leaf: &'l Leaf) -> Option<Value<'l>> {
        Some(self.step(leaf)?.map_or(Value::None, |at| leaf.at(at)))
    }

    /// The attributes that matter of one row, by the leaf of their keys and, beside this place, that of their values.
    #[inline]
    pub fn attributes<'l>(
        &mut self,
        (keys, values): &'l (Leaf, Leaf),
        other: &mut Self,
        mut see: impl FnMut(Meaning, Value<'l>),
    ) {
        // Where every entry has a value, entries and values stand at the same places.
        let same = keys.levels == values.levels && keys.levels == keys.rep.len();
        if keys.dense && values.dense && same && self.level == other.level {
            let from = self.level;
            let Some(further) = keys.rep.get(from + 1..) else { return };
            let to = from + 1 + further.iter().take_while(|r| **r > 0).count();
            keys.meanings(from..to, |at, what| see(what, values.at(at)));
            (*self, *other) = (Self { level: to, value: to }, Self { level: to, value: to });
            return;
        }
        let mut first = true;
        while first || self.repeats(keys).is_some_and(|r| r > 0) {
            first = false;
            let Some(key) = self.step(keys) else { return };
            let value = other.step(values).flatten();
            if let Some(what) = key.and_then(|at| keys.meaning_at(at)) {
                see(what, value.map_or(Value::None, |at| values.at(at)));
            }
        }
    }

    /// Entries until one that goes on no deeper than `depth`, one after the other.
    pub fn each<'l>(&mut self, leaf: &'l Leaf, depth: i16, mut see: impl FnMut(Value<'l>)) {
        let mut first = true;
        while first || self.repeats(leaf).is_some_and(|r| r > depth) {
            first = false;
            match self.next(leaf) {
                Some(value) => see(value),
                None => return,
            }
        }
    }
}

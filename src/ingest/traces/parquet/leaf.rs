//! One leaf of the schema, read batch by batch, entry by entry.

use parquet::basic::LogicalType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type,
};
use parquet::errors::Result;
use parquet::file::reader::RowGroupReader;

use crate::ingest::fold::Value;

/// Rows of a batch.
pub const BATCH: usize = 4_096;

/// A leaf with the entries of a batch.
pub struct Leaf {
    reader: Reader,
    text: bool,
    max_def: i16,
    def: Vec<i16>,
    rep: Vec<i16>,
    level: usize,
    value: usize,
    levels: usize,
}

enum Reader {
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
    pub fn open(group: &dyn RowGroupReader, at: usize) -> Result<Option<Self>> {
        let column = group.metadata().column(at).column_descr_ptr();
        let reader = match group.get_column_reader(at)? {
            ColumnReader::ByteArrayColumnReader(r) => Reader::Bytes(r, Vec::new()),
            ColumnReader::FixedLenByteArrayColumnReader(r) => Reader::Fixed(r, Vec::new()),
            ColumnReader::Int64ColumnReader(r) => Reader::Long(r, Vec::new()),
            ColumnReader::Int32ColumnReader(r) => Reader::Int(r, Vec::new()),
            ColumnReader::DoubleColumnReader(r) => Reader::Double(r, Vec::new()),
            ColumnReader::FloatColumnReader(r) => Reader::Float(r, Vec::new()),
            ColumnReader::BoolColumnReader(r) => Reader::Bool(r, Vec::new()),
            ColumnReader::Int96ColumnReader(_) => return Ok(None),
        };
        let string =
            matches!(column.logical_type_ref(), Some(LogicalType::String | LogicalType::Enum | LogicalType::Json));
        let converted = matches!(
            column.converted_type(),
            parquet::basic::ConvertedType::UTF8
                | parquet::basic::ConvertedType::ENUM
                | parquet::basic::ConvertedType::JSON
        );
        Ok(Some(Self {
            reader,
            text: string || converted,
            max_def: column.max_def_level(),
            def: Vec::new(),
            rep: Vec::new(),
            level: 0,
            value: 0,
            levels: 0,
        }))
    }

    /// Reads the entries of the next rows; gives how many rows there are.
    pub fn fill(&mut self) -> Result<usize> {
        (self.level, self.value) = (0, 0);
        self.def.clear();
        self.rep.clear();
        let (def, rep) = (&mut self.def, &mut self.rep);
        let (rows, levels) = match &mut self.reader {
            Reader::Bytes(r, v) => fill(r, v, def, rep)?,
            Reader::Fixed(r, v) => fill(r, v, def, rep)?,
            Reader::Long(r, v) => fill(r, v, def, rep)?,
            Reader::Int(r, v) => fill(r, v, def, rep)?,
            Reader::Double(r, v) => fill(r, v, def, rep)?,
            Reader::Float(r, v) => fill(r, v, def, rep)?,
            Reader::Bool(r, v) => fill(r, v, def, rep)?,
        };
        self.levels = levels;
        Ok(rows)
    }

    /// The value of a position, if there is an entry.
    fn at(&self, at: usize) -> Value<'_> {
        let text = self.text;
        let bytes = |b| if text { Value::Text(b) } else { Value::Bytes(b) };
        match &self.reader {
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
    values: &mut Vec<T::T>,
    def: &mut Vec<i16>,
    rep: &mut Vec<i16>,
) -> Result<(usize, usize)> {
    values.clear();
    let (rows, _, levels) = reader.read_records(BATCH, Some(def), Some(rep), values)?;
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
    pub fn repeats(&self, leaf: &Leaf) -> Option<i16> {
        (self.level < leaf.levels).then(|| leaf.rep.get(self.level).copied().unwrap_or(0))
    }

    /// The next entry: a value, or nothing where there is none.
    pub fn next<'l>(&mut self, leaf: &'l Leaf) -> Option<Value<'l>> {
        if self.level >= leaf.levels {
            return None;
        }
        let present = leaf.def.get(self.level).copied().unwrap_or(leaf.max_def) == leaf.max_def;
        self.level += 1;
        if !present {
            return Some(Value::None);
        }
        self.value += 1;
        Some(leaf.at(self.value - 1))
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

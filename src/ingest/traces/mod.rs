//! Spans of any format -> one fold -> `Traffic`.

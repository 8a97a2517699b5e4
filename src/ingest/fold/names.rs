//! Names of operations and tables: identifiers taken out, so that there is an end of them.

/// Longest name that is kept; more is cut.
pub const LONGEST: usize = 512;

/// Appends a name with every identifier in it (number, UUID, long hex) as `{}`.
pub fn collapse_into(name: &[u8], out: &mut Vec<u8>) {
    let name = &name[..name.len().min(LONGEST)];
    if !name.iter().any(u8::is_ascii_digit) {
        out.extend_from_slice(name);
        return;
    }
    let is_mark = |b: u8| matches!(b, b'/' | b' ' | b'?' | b'&' | b'=' | b':' | b',' | b';' | b'(' | b')' | b'#');
    let mut rest = name;
    loop {
        let end = rest.iter().position(|b| is_mark(*b)).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(end);
        out.extend_from_slice(if is_identifier(part) { b"{}" } else { part });
        match tail.split_first() {
            Some((mark, tail)) => {
                out.push(*mark);
                rest = tail;
            }
            None => return,
        }
    }
}

/// All digits; or hex (dashes allowed) with a digit in it, as long as the short ids in use (8 letters).
fn is_identifier(part: &[u8]) -> bool {
    if !part.iter().any(u8::is_ascii_digit) {
        return false;
    }
    let digits = part.iter().all(u8::is_ascii_digit);
    let hex = part.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    digits || (part.len() >= 8 && hex)
}

/// The table that a statement is about, and its verb: `SELECT … FROM t`, `INSERT INTO t`, `UPDATE t`,
/// `DELETE FROM t`. Of several tables the first; of anything else nothing.
#[must_use]
pub fn table_of(statement: &[u8]) -> Option<(&'static str, &[u8])> {
    let mut words = statement
        .split(|b| b.is_ascii_whitespace() || matches!(b, b'(' | b')' | b',' | b';'))
        .filter(|w| !w.is_empty())
        .take(400);
    let first = words.next()?;
    let (verb, before): (&'static str, &[&[u8]]) = match first {
        w if w.eq_ignore_ascii_case(b"select") || w.eq_ignore_ascii_case(b"with") => ("SELECT", &[b"from"]),
        w if w.eq_ignore_ascii_case(b"insert") => ("INSERT", &[b"into"]),
        w if w.eq_ignore_ascii_case(b"replace") => ("REPLACE", &[b"into"]),
        w if w.eq_ignore_ascii_case(b"merge") => ("MERGE", &[b"into"]),
        w if w.eq_ignore_ascii_case(b"delete") => ("DELETE", &[b"from"]),
        w if w.eq_ignore_ascii_case(b"update") => return named(words.next()?).map(|t| ("UPDATE", t)),
        _ => return None,
    };
    while let Some(word) = words.next() {
        if before.iter().any(|b| word.eq_ignore_ascii_case(b)) {
            return named(words.next()?).map(|t| (verb, t));
        }
    }
    None
}

/// What a database call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It reads.
    Reads,
    /// It changes data.
    Writes,
    /// It may change data.
    Unclear,
}

/// Verbs that change data: SQL, CQL, MongoDB, DynamoDB, Elasticsearch, Cosmos DB (their documentation).
const WRITING: [&[u8]; 28] = [
    b"insert",
    b"update",
    b"delete",
    b"replace",
    b"merge",
    b"upsert",
    b"insertone",
    b"insertmany",
    b"updateone",
    b"updatemany",
    b"replaceone",
    b"deleteone",
    b"deletemany",
    b"bulkwrite",
    b"findandmodify",
    b"findoneandupdate",
    b"findoneandreplace",
    b"findoneanddelete",
    b"putitem",
    b"updateitem",
    b"deleteitem",
    b"batchwriteitem",
    b"transactwriteitems",
    b"index",
    b"bulk",
    b"upsertitem",
    b"createitem",
    b"put",
];

/// Verbs that read, of the same and of Redis and Memcached.
const READING: [&[u8]; 26] = [
    b"select",
    b"find",
    b"findone",
    b"aggregate",
    b"count",
    b"countdocuments",
    b"distinct",
    b"getmore",
    b"get",
    b"query",
    b"scan",
    b"getitem",
    b"batchgetitem",
    b"transactgetitems",
    b"search",
    b"msearch",
    b"mget",
    b"readitem",
    b"hget",
    b"hmget",
    b"hgetall",
    b"exists",
    b"lrange",
    b"smembers",
    b"zrange",
    b"gets",
];

/// What a verb, a statement or the name of a database span says that it does: its first word that is a verb.
#[must_use]
pub fn effect_of(text: &[u8]) -> Option<Effect> {
    let is_mark = |b: &u8| !b.is_ascii_alphanumeric() && *b != b'_';
    let words = text[..text.len().min(LONGEST)].split(is_mark).filter(|w| !w.is_empty()).take(3);
    for word in words {
        let among = |verbs: &[&[u8]]| verbs.iter().any(|v| word.eq_ignore_ascii_case(v));
        // Most statements read.
        if among(&READING) {
            return Some(Effect::Reads);
        }
        if among(&WRITING) {
            return Some(Effect::Writes);
        }
    }
    None
}

/// A word as the name of a table, without its quotes; no parameter and no keyword.
fn named(word: &[u8]) -> Option<&[u8]> {
    let quotes = |b: &u8| matches!(b, b'"' | b'`' | b'\'' | b'[' | b']');
    let start = word.iter().position(|b| !quotes(b))?;
    let end = word.iter().rposition(|b| !quotes(b))?;
    let name = &word[start..=end];
    let good = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$' | b'"' | b'`' | b'-');
    let keyword = [&b"select"[..], b"only", b"lateral", b"unnest"].iter().any(|k| name.eq_ignore_ascii_case(k));
    (name.iter().all(good) && !keyword && name.len() <= 128).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collapse(name: &str) -> String {
        let mut out = Vec::new();
        collapse_into(name.as_bytes(), &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn identifiers_go_versions_stay() {
        assert_eq!(collapse("GET /api/v1/orders/42?x=7"), "GET /api/v1/orders/{}?x={}");
        assert_eq!(collapse("GET /u/0b1c2d3e-aaaa-bbbb-cccc-1234567890ab/x"), "GET /u/{}/x");
        assert_eq!(collapse("s3.GetObject"), "s3.GetObject");
        assert_eq!(collapse("decade"), "decade");
    }

    #[test]
    fn verbs_tell_what_they_do() {
        let effect = |s: &str| effect_of(s.as_bytes());
        for writes in
            ["INSERT INTO t VALUES (1)", "UPDATE orders", "mongodb.findAndModify", "DynamoDB.PutItem", "delete"]
        {
            assert_eq!(effect(writes), Some(Effect::Writes), "{writes}");
        }
        for reads in ["SELECT a FROM updates", "orders.find", "get cart", "/* c */ select 1"] {
            assert_eq!(effect(reads), Some(Effect::Reads), "{reads}");
        }
        for neither in ["BEGIN", "", "COMMIT", "CREATE TABLE t", "connect"] {
            assert_eq!(effect(neither), None, "{neither}");
        }
    }

    #[test]
    fn statements_tell_their_table() {
        let table = |s: &str| table_of(s.as_bytes()).map(|(v, t)| format!("{v} {}", String::from_utf8_lossy(t)));
        assert_eq!(table("select a from `orders` o where id = ?"), Some("SELECT orders".into()));
        assert_eq!(table("INSERT INTO shop.items(id) VALUES (?)"), Some("INSERT shop.items".into()));
        assert_eq!(table("UPDATE \"user\" SET x=1"), Some("UPDATE user".into()));
        assert_eq!(table("SELECT 1"), None);
        assert_eq!(table("select * from (select 1) t"), None);
        assert_eq!(table("BEGIN"), None);
    }
}

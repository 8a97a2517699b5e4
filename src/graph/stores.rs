//! Databases and caches of a service, and the tables it reads and writes.
//!
//! Takes recognised sites, properties and migrations; gives connections and table uses. SQL is read for its verb
//! and its tables only, never kept.

use std::collections::BTreeMap;

use crate::model::code::CallSite;
use crate::model::{Confidence, Evidence, Expr, Mode, Place, Site, SiteKind, SourceKind, TableAccess, TableUse};
use crate::rules::{Meaning, Reader, Readers, Rule, Rules};

use super::address::Address;
use super::scope::plain_type;
use super::settings::{Configured, Environment, flat};
use super::sites::{Outbound, SiteReader, plain_path};
use super::texts::Text;
use super::values::Step;

/// What a site does to the store, if it does.
#[must_use]
pub fn access(reader: &SiteReader<'_, '_>, unit: u32, site: &CallSite) -> Option<TableAccess> {
    let by_kind = match site.kind {
        SiteKind::StoreRead => TableAccess::Reads,
        SiteKind::StoreWrite => TableAccess::Writes,
        _ => return None,
    };
    let query = site.query.as_ref().and_then(|q| leading_text(reader, unit, q));
    if let Some(access) = query.and_then(|q| verb(&q)) {
        return Some(access);
    }
    // A statement that is not at hand may read or write: only the method's own name could tell.
    let vague =
        site.query.is_some() && ["execute", "exec", "run", "raw", "query"].iter().any(|w| site.rule.ends_with(w));
    (!vague).then_some(by_kind)
}

/// Does a statement sum or group? (A count alone is a page of a list.)
#[must_use]
pub fn aggregates(reader: &SiteReader<'_, '_>, unit: u32, site: &CallSite) -> bool {
    let query = site.query.as_ref().and_then(|q| leading_text(reader, unit, q)).unwrap_or_default().to_uppercase();
    ["SUM(", "AVG(", "GROUP BY"].iter().any(|word| query.contains(word))
}

/// The literal text of a query, as far as the file has it at hand.
fn leading_text(reader: &SiteReader<'_, '_>, unit: u32, expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(text) => Some(text.clone()),
        Expr::Concat(parts) => {
            let texts: Vec<String> =
                parts.iter().map(|p| leading_text(reader, unit, p).unwrap_or_else(|| "{}".to_owned())).collect();
            Some(texts.concat())
        }
        Expr::Call(_, _, arguments) => arguments.first().and_then(|a| leading_text(reader, unit, &a.value)),
        Expr::Ref(name) | Expr::Field(_, name) => {
            let (_, binding) = reader
                .scope
                .bindings(name)
                .find(|(u, b)| *u == unit && matches!(b.value, Expr::Literal(_) | Expr::Concat(_)))?;
            leading_text(reader, unit, &binding.value)
        }
        _ => None,
    }
}

/// What the first word of a statement does.
fn verb(sql: &str) -> Option<TableAccess> {
    let first = sql.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    let word: String = first.chars().take_while(char::is_ascii_alphabetic).flat_map(char::to_uppercase).collect();
    match word.as_str() {
        "SELECT" | "SHOW" | "FROM" | "MATCH" | "EXISTS" => Some(TableAccess::Reads),
        "WITH" => {
            Some(if sql.to_uppercase().contains("INSERT INTO") { TableAccess::Writes } else { TableAccess::Reads })
        }
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "REPLACE" | "UPSERT" | "TRUNCATE" => Some(TableAccess::Writes),
        "CREATE" | "ALTER" | "DROP" => Some(TableAccess::Defines),
        _ => None,
    }
}

/// Tables of a statement, lower case, without schema and quotes, with how each is used.
#[must_use]
pub fn tables_of(sql: &str) -> Vec<(String, TableAccess)> {
    let clean: String =
        sql.chars().map(|c| if matches!(c, '(' | ')' | ',' | ';' | '\n' | '\t' | '\r') { ' ' } else { c }).collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    let mut found: Vec<(String, TableAccess)> = Vec::new();
    let mut deleting = false;
    for (at, word) in words.iter().enumerate() {
        let upper = word.to_uppercase();
        let next = |n: usize| words.get(at + n).copied().unwrap_or_default();
        let skip = |mut n: usize| {
            while matches!(
                next(n).to_uppercase().as_str(),
                "IF" | "NOT" | "EXISTS" | "ONLY" | "IGNORE" | "INTO" | "TABLE"
            ) {
                n += 1;
            }
            next(n)
        };
        let (name, use_) = match upper.as_str() {
            "DELETE" => {
                deleting = true;
                continue;
            }
            "FROM" => (skip(1), if std::mem::take(&mut deleting) { TableAccess::Writes } else { TableAccess::Reads }),
            "JOIN" => (skip(1), TableAccess::Reads),
            "INTO" => (skip(1), TableAccess::Writes),
            "UPDATE"
                if !matches!(next(1).to_uppercase().as_str(), "SET" | "SKIP" | "NOWAIT" | "")
                    && (at == 0
                        || !words[at - 1].eq_ignore_ascii_case("FOR") && !words[at - 1].eq_ignore_ascii_case("DO")) =>
            {
                (skip(1), TableAccess::Writes)
            }
            "TABLE" => (skip(1), TableAccess::Defines),
            _ => continue,
        };
        let plain = name.trim_matches(['"', '`', '[', ']', '\'']).rsplit('.').next().unwrap_or_default();
        let plain = plain.trim_matches(['"', '`', '[', ']', '\'']).to_lowercase();
        let fits = !plain.is_empty()
            && plain.chars().all(|c| c.is_alphanumeric() || c == '_')
            && plain.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if fits
            && !matches!(
                plain.as_str(),
                "select" | "set" | "dual" | "values" | "where" | "unnest" | "generate_series" | "lateral"
            )
            && !found.contains(&(plain.clone(), use_))
        {
            found.push((plain, use_));
        }
    }
    found
}

/// The tables that the code of a service uses.
#[must_use]
pub fn tables(reader: &SiteReader<'_, '_>) -> Vec<TableUse> {
    let mapped = mapped_types(reader);
    let mut all: Vec<TableUse> = Vec::new();
    let service = &reader.nodes.all[reader.at].name;
    let mut push = |table: String, access: TableAccess, place: Place, says: &str| {
        let evidence = Evidence::new(SourceKind::Code, place, says, Confidence::Confirmed);
        all.push(TableUse { service: service.clone(), table, database: None, access, evidence });
    };
    for (unit, site) in reader.live() {
        let u = reader.scope.unit(unit);
        let place = || Place::new(&u.place.root, &u.place.path, site.line);
        if site.kind == SiteKind::Table {
            if let Some(table) = mapped.get(site.owner.as_deref().unwrap_or_default()) {
                push(table.clone(), TableAccess::Defines, place(), "a type is mapped to the table");
            } else if let Some(Expr::Literal(name)) = &site.topic {
                push(table_name(name), TableAccess::Defines, place(), "a type is mapped to the table");
            }
            continue;
        }
        let Some(by_site) = access(reader, unit, site) else { continue };
        if let Some(sql) = site.query.as_ref().and_then(|q| leading_text(reader, unit, q)) {
            for (table, access) in tables_of(&sql) {
                push(table, access, place(), "a statement in the code");
            }
            continue;
        }
        let receiver_type = site.receiver.as_ref().and_then(|r| receiver_type(reader, unit, site, r));
        if let Some(table) = receiver_type.and_then(|t| entity_of(reader, &t, &mapped)) {
            push(table, by_site, place(), "a repository call");
        }
    }
    all
}

/// The static type of a receiver, as the file's calls say it.
fn receiver_type(reader: &SiteReader<'_, '_>, unit: u32, site: &CallSite, receiver: &Expr) -> Option<String> {
    let calls = &reader.scope.unit(unit).calls;
    calls
        .iter()
        .find(|c| c.line == site.line && c.function == site.function && c.receiver.as_ref() == Some(receiver))
        .and_then(|c| c.receiver_type.clone())
}

/// `OrderRepository extends JpaRepository<Order, UUID>` stores `Order`.
fn entity_of(reader: &SiteReader<'_, '_>, repository: &str, mapped: &BTreeMap<&str, String>) -> Option<String> {
    let plain = plain_type(repository);
    if let Some(table) = mapped.get(plain) {
        return Some(table.clone());
    }
    let (_, decl) = reader.scope.types(plain).next()?;
    decl.supertypes.iter().find_map(|s| {
        let first = s.split_once('<')?.1.split([',', '>']).next()?.trim();
        mapped.get(plain_type(first)).cloned()
    })
}

/// Types with their tables: as declared, else by the convention of mappers (snake case of the type's name).
fn mapped_types<'a>(reader: &SiteReader<'_, 'a>) -> BTreeMap<&'a str, String> {
    let mut mapped = BTreeMap::new();
    for unit in &reader.scope.units {
        for site in unit.sites.iter().filter(|s| s.kind == SiteKind::Table) {
            let Some(owner) = site.owner.as_deref() else { continue };
            let table = match &site.topic {
                Some(Expr::Literal(name)) if name == owner => snake(owner),
                Some(Expr::Literal(name)) => table_name(name),
                _ => snake(owner),
            };
            mapped.insert(owner, table);
        }
    }
    mapped
}

pub(super) fn table_name(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).trim_matches(['"', '`', '[', ']']).to_lowercase()
}

pub(super) fn snake(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// Connections to databases, caches and infrastructure that code opens.
#[must_use]
pub fn connection(
    reader: &SiteReader<'_, '_>,
    unit: u32,
    site: &CallSite,
    mode: Mode,
    texts: &[Text],
) -> Vec<Outbound> {
    texts
        .iter()
        .filter_map(|text| {
            let mut made = reader.site(unit, site, site.line);
            made.confidence = made.confidence.min(text.sure);
            made.chain = reader.chain(text);
            let mut out = settle(reader, site, mode, text, made)?;
            out.held_by = (unit, site.function);
            Some(out)
        })
        .collect()
}

/// A connection to what a text says; `None` for stores inside the process.
#[must_use]
pub fn settle(reader: &SiteReader<'_, '_>, site: &CallSite, mode: Mode, text: &Text, made: Site) -> Option<Outbound> {
    (!is_embedded(&text.text)).then(|| settled(reader, site, mode, text, made))
}

/// An outbound call or connection to what a text says.
#[must_use]
pub fn settled(reader: &SiteReader<'_, '_>, site: &CallSite, mode: Mode, text: &Text, mut made: Site) -> Outbound {
    let address = Address::parse(&text.text);
    let settled = reader.settle(&address, text);
    let database = address.database().map(str::to_owned);
    let path = plain_path(&address.path);
    let protocol = if mode == Mode::Data {
        system_of(&site.protocol, &text.text, &address)
    } else if site.protocol.is_empty() {
        "http".to_owned()
    } else {
        site.protocol.clone()
    };
    made.operation = match mode {
        Mode::Data => database.clone().unwrap_or_default(),
        Mode::Sync => format!("* {path}"),
        _ => String::new(),
    };
    Outbound {
        mode,
        protocol,
        site: made,
        settled,
        method: "*".to_owned(),
        path,
        value: crate::model::mask_secrets(&text.text),
        database,
        held_by: (0, None),
        variant: text.variant.clone(),
    }
}

/// In-process stores are no dependency.
fn is_embedded(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["jdbc:h2:", "sqlite:", "jdbc:sqlite", "jdbc:hsqldb", "jdbc:derby", ":memory:", "file:"]
        .iter()
        .any(|p| lower.starts_with(p))
        || lower.ends_with(".db")
        || lower.ends_with(".sqlite3")
        || lower.contains("data source=") && !lower.contains(';') && lower.ends_with(".db")
}

/// The product: as the rule says, else by the scheme.
fn system_of(protocol: &str, text: &str, address: &Address) -> String {
    let scheme = address.scheme.split(['+', ':']).next().unwrap_or_default();
    let by_scheme = match scheme {
        "postgres" | "postgresql" => "postgresql",
        "mysql" | "mysql2" => "mysql",
        "mariadb" => "mariadb",
        "mongodb" => "mongodb",
        "redis" | "rediss" => "redis",
        "sqlserver" | "mssql" => "mssql",
        "neo4j" | "bolt" => "neo4j",
        "amqp" | "amqps" => "rabbitmq",
        _ if text.contains("oracle:") => "oracle",
        _ if text.to_lowercase().contains("initial catalog") => "mssql",
        _ => "",
    };
    if by_scheme.is_empty() { protocol.to_owned() } else { by_scheme.to_owned() }
}

/// A configured value that a rule on keys recognises.
#[derive(Debug, Clone)]
pub struct ConfiguredSite {
    /// The site, its address or topic filled in as text.
    pub site: CallSite,
    /// Where it stands.
    pub place: Place,
    /// The texts of the value.
    pub texts: Vec<Text>,
}

/// Applies the rules on configuration keys to the environment of a service.
#[must_use]
pub fn configured(reader: &SiteReader<'_, '_>, environment: &Environment, rules: &Rules) -> Vec<ConfiguredSite> {
    let mut all: Vec<ConfiguredSite> = Vec::new();
    for value in environment.all() {
        for rule in rules.on_properties() {
            let Some(capture) = matched(rule, &value.key) else { continue };
            if !imports(reader, &rule.requires) {
                continue;
            }
            let Some(kind) = rule.is.site() else { continue };
            let mut site = CallSite::new(&rule.full_id, kind, value.place.line);
            site.protocol.clone_from(&rule.protocol);
            site.confidence = rule.confidence;
            let readers = if matches!(rule.is, Meaning::Publish | Meaning::Consume | Meaning::Bind) {
                &rule.topic
            } else {
                &rule.address
            };
            let readers = if readers.0.is_empty() { &rule.name } else { readers };
            let Some(text) = read(readers, value, capture) else { continue };
            let text = with_database(environment, &value.key, text);
            let step = [Step::Configured(value.evidence())];
            let texts = reader.texts.of_text(&text);
            let texts =
                texts.into_iter().map(|t| Text { chain: step.iter().cloned().chain(t.chain).collect(), ..t }).collect();
            all.push(ConfiguredSite { site, place: value.place.clone(), texts });
            break;
        }
    }
    all.sort_by(|a, b| (&a.place, &a.site.rule).cmp(&(&b.place, &b.site.rule)));
    all.dedup_by(|a, b| a.place == b.place && a.site.rule == b.site.rule);
    all
}

/// A host of MongoDB alone: the database stands under a key beside it.
fn with_database(environment: &Environment, key: &str, text: String) -> String {
    let flat = flat(key);
    let Some(prefix) = flat.strip_suffix("host").filter(|p| p.ends_with("mongodb")) else { return text };
    match environment.property(&format!("{prefix}database")).first() {
        Some(database) if !text.contains(['/', ':', '$']) && !database.value.contains('$') => {
            format!("mongodb://{text}/{}", database.value)
        }
        _ => text,
    }
}

/// Does the code import what a rule on keys needs?
fn imports(reader: &SiteReader<'_, '_>, required: &[String]) -> bool {
    let has = |path: &str| required.iter().any(|r| path.contains(r.as_str()));
    required.is_empty() || reader.scope.units.iter().any(|u| u.imports.iter().any(|i| has(&i.path)))
}

fn read(readers: &Readers, value: &Configured, capture: &str) -> Option<String> {
    readers.0.iter().find_map(|reader| match reader {
        Reader::Value => Some(value.value.clone()),
        Reader::Capture => Some(capture.to_owned()),
        Reader::Text(text) => Some(text.clone()),
        _ => None,
    })
}

/// Keys match as written, or by relaxed binding (`SPRING_DATASOURCE_URL` for `spring.datasource.url`).
fn matched<'k>(rule: &Rule, key: &'k str) -> Option<&'k str> {
    rule.property.iter().find_map(|pattern| {
        if let Some(capture) = pattern.capture(key) {
            return Some(capture);
        }
        (pattern.exact().is_some() && flat(pattern.as_str()) == flat(key)).then_some("")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_tell_their_tables() {
        let is = |sql: &str, expected: &[(&str, TableAccess)]| {
            let found = tables_of(sql);
            let found: Vec<(&str, TableAccess)> = found.iter().map(|(t, a)| (t.as_str(), *a)).collect();
            assert_eq!(found, expected, "{sql}");
        };
        is(
            "SELECT * FROM shop.orders o JOIN customers c ON c.id = o.id",
            &[("orders", TableAccess::Reads), ("customers", TableAccess::Reads)],
        );
        is("INSERT INTO \"Orders\" (id) VALUES (?)", &[("orders", TableAccess::Writes)]);
        is("DELETE FROM carts WHERE id = $1", &[("carts", TableAccess::Writes)]);
        is("UPDATE stock SET n = n - 1", &[("stock", TableAccess::Writes)]);
        is("SELECT id FROM jobs FOR UPDATE SKIP LOCKED", &[("jobs", TableAccess::Reads)]);
        is("CREATE TABLE IF NOT EXISTS users (id int)", &[("users", TableAccess::Defines)]);
        is("SELECT 1", &[]);
    }
}

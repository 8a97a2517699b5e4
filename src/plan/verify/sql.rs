//! SQL for PostgreSQL, MySQL and SQL Server, by a parser of their dialects. Publications, row images, rights and what
//! else the parser does not know are left to the databases themselves.

use sqlparser::dialect::{Dialect, MsSqlDialect, MySqlDialect, PostgreSqlDialect};
use sqlparser::parser::Parser;

use super::Check;

/// SQL.
pub const CHECK: Check = Check {
    id: "sql",
    by: "sqlparser 0.64 (publications, row images, users and rights are left to the database itself)",
    fits: |p| dialect(p).is_some(),
    check,
};

/// The dialect that the end of a name says.
fn dialect(path: &str) -> Option<&'static dyn Dialect> {
    let all: [(&str, &'static dyn Dialect); 3] = [
        (".postgresql.sql", &PostgreSqlDialect {}),
        (".mysql.sql", &MySqlDialect {}),
        (".sqlserver.sql", &MsSqlDialect {}),
    ];
    all.into_iter().find(|(end, _)| path.ends_with(end)).map(|(_, dialect)| dialect)
}

/// Statements that the parser does not know, by their first words or their tail.
fn is_left(statement: &str) -> bool {
    let upper = statement.to_uppercase();
    upper.starts_with("CREATE PUBLICATION")
        || upper.starts_with("DROP PUBLICATION")
        || upper.starts_with("DROP OWNED")
        || upper.starts_with("ALTER TABLE") && upper.contains("REPLICA IDENTITY")
        || upper.starts_with("GRANT")
        || upper.starts_with("CREATE USER")
        || upper.starts_with("DROP USER")
        || upper.starts_with("SET TIME ZONE")
}

fn check(path: &str, text: &str) -> Vec<String> {
    let Some(dialect) = dialect(path) else { return Vec::new() };
    let plain: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with("--")).collect();
    let plain = plain.join("\n");
    if !plain.trim_end().is_empty() && !plain.trim_end().ends_with(';') {
        return vec!["its last statement has no end".to_owned()];
    }
    let statements = plain.split(";\n").map(str::trim).filter(|s| !s.is_empty() && *s != ";");
    let mut problems = Vec::new();
    for statement in statements.filter(|s| !is_left(s)) {
        if let Err(e) = Parser::parse_sql(dialect, statement.trim_end_matches(';')) {
            let first: String = statement.lines().next().unwrap_or_default().chars().take(80).collect();
            problems.push(format!("{first}: {e}"));
        }
    }
    problems
}

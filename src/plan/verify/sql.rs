//! SQL for PostgreSQL and MySQL, by a parser of their dialects. Publications, row images and what else the parser
//! does not know are proved by PostgreSQL itself.

use sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect};
use sqlparser::parser::Parser;

use super::Check;

/// SQL.
pub const CHECK: Check = Check {
    id: "sql",
    by: "sqlparser 0.64 (publications and row images are left to PostgreSQL itself)",
    fits: |p| p.ends_with(".postgresql.sql") || p.ends_with(".mysql.sql"),
    check,
};

/// Statements that the parser does not know, by their first words or their tail.
fn is_left(statement: &str) -> bool {
    let upper = statement.to_uppercase();
    upper.starts_with("CREATE PUBLICATION")
        || upper.starts_with("DROP PUBLICATION")
        || upper.starts_with("DROP OWNED")
        || upper.starts_with("ALTER TABLE") && upper.contains("REPLICA IDENTITY")
        || upper.starts_with("GRANT")
        || upper.starts_with("SET TIME ZONE")
}

fn check(text: &str) -> Vec<String> {
    // Back-ticks quote names in MySQL and mean nothing in PostgreSQL.
    let mysql = text.contains('`') || text.contains("ON DUPLICATE KEY");
    let dialect: &dyn Dialect = if mysql { &MySqlDialect {} } else { &PostgreSqlDialect {} };
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

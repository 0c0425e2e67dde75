//! Every statement that a database is asked. Each carries a mark, by which `plan` and the list of calls know it.

use crate::target::Target;

/// An identifier, quoted.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text literal, quoted; `standard_conforming_strings` is on since PostgreSQL 9.1.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Names of the tables in a schema, from the catalogue, which shows them whatever one may read.
pub(super) fn tables(schema: &str) -> String {
    format!(
        "/* mzv:tables */ SELECT n.nspname, c.relname FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND n.nspname = {} ORDER BY c.relname",
        literal(schema)
    )
}

/// The bookkeeping row of golang-migrate.
pub(super) fn migration(schema: &str, table: &str) -> String {
    format!(
        "/* mzv:migration */ SELECT version, dirty FROM {}.{} LIMIT 2",
        identifier(schema),
        identifier(table)
    )
}

/// Columns of a table, from the catalogue.
pub(super) fn columns(schema: &str, table: &str) -> String {
    format!(
        "/* mzv:columns */ SELECT a.attname FROM pg_catalog.pg_attribute a \
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = {} AND c.relname = {} AND a.attnum > 0 AND NOT a.attisdropped",
        literal(schema),
        literal(table)
    )
}

/// Gateway records with the server's own time, without those that a column marks as removed.
pub(super) fn gateways(schema: &str, table: &str, columns: &[&str], removed: Option<&str>) -> String {
    let only = removed.map(|column| format!(" WHERE {} IS NULL", identifier(column))).unwrap_or_default();
    format!(
        "/* mzv:gateways */ SELECT {}, now() FROM {}.{}{only} ORDER BY 1 LIMIT 1000",
        columns.iter().map(|column| identifier(column)).collect::<Vec<_>>().join(", "),
        identifier(schema),
        identifier(table)
    )
}

/// Every statement with these settings.
pub(super) fn statements(target: &Target, columns_of_gateways: &[&str]) -> Vec<String> {
    let schema = target.text("database.schema");
    let records = target.text("database.gateways_table");
    vec![
        tables(&schema),
        migration(&schema, &target.text("database.migrations_table")),
        columns(&schema, &records),
        gateways(&schema, &records, columns_of_gateways, None),
    ]
}

#[cfg(test)]
mod tests {
    use super::{identifier, literal};

    #[test]
    fn names_cannot_leave_their_quotes() {
        assert_eq!(identifier(r#"a"; DROP TABLE x; --"#), r#""a""; DROP TABLE x; --""#);
        assert_eq!(literal("it's"), "'it''s'");
    }
}

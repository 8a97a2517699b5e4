//! Avro schemas, by the reference rules of the Avro library.

use super::Check;

/// Avro.
pub const CHECK: Check = Check { id: "avro", by: "apache-avro 0.22", fits: |p| p.ends_with(".avsc"), check };

fn check(_: &str, text: &str) -> Vec<String> {
    match apache_avro::Schema::parse_str(text) {
        Ok(_) => Vec::new(),
        Err(e) => vec![e.to_string()],
    }
}

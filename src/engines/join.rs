//! Groups of pairs that an engine joined by itself -> a partial graph: for engines that may not run the fold.
//!
//! Names come from the fold of one pair of each group, so a row is called as the fold calls it. What two spans
//! cannot tell is not seen: [`NOT_SEEN`].

use crate::ingest::fold::{Counted, PartialGraph};
use crate::ingest::rows::{self, Options};

/// What the output says about it.
pub const NOT_SEEN: &str = "pairs of client and server were joined in SQL: clients and servers without the other half, \
    databases, external services, messages and links, depth, fan-out, repeated calls and requests by row are not seen, \
    and copies of a span count twice";

/// One side of a pair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Side {
    /// Service, name, kind, status and attributes as JSON.
    pub texts: [String; 5],
}

/// Equal pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Who calls.
    pub client: Side,
    /// Who answers.
    pub server: Side,
    /// Pairs.
    pub pairs: u64,
    /// Nanoseconds of all clients.
    pub duration: u128,
    /// Nanoseconds of all servers.
    pub server_duration: u128,
    /// First start in nanoseconds since 1970.
    pub first: u64,
    /// Last start.
    pub last: u64,
}

const HEAD: &str =
    "trace_id\tspan_id\tparent_span_id\tservice\tname\tkind\tstatus\tattributes\tstart_ns\tduration_ns\n";

/// Memory for the fold of two spans.
const MEMORY: u64 = 64 << 20;

/// The graph of all groups among `spans` spans.
///
/// # Errors
/// Groups that have more spans than there are.
pub fn graph(groups: &[Group], spans: u64) -> Result<PartialGraph, String> {
    let mut whole = PartialGraph::default();
    let mut seen = 0;
    for group in groups {
        let options = Options { memory: MEMORY, most_spans: 2 };
        let one = rows::fold(text(group).as_bytes(), options).map_err(|e| e.to_string())?;
        let counted = Counted {
            calls: group.pairs,
            duration: group.duration,
            server_duration: group.server_duration,
            last: group.last,
        };
        if let Some(graph) = one.counted(counted) {
            seen += 2 * group.pairs;
            whole = whole.merge(graph);
        }
    }
    let rest = spans.checked_sub(seen).ok_or_else(|| {
        format!("{seen} spans are in pairs, but the table has {spans} rows: ids are not unique in a trace, or rows came while it was read")
    })?;
    if rest > 0 {
        whole.count("not_joined", rest);
    }
    Ok(whole)
}

/// A pair of the group as rows.
fn text(group: &Group) -> String {
    let mean = |sum: u128| u64::try_from(sum / u128::from(group.pairs.max(1))).unwrap_or(u64::MAX);
    let row = |id: u8, parent: &str, side: &Side, duration: u64| {
        let texts = side.texts.each_ref().map(|t| escape(t)).join("\t");
        format!("{:032x}\t{id:016x}\t{parent}\t{texts}\t{}\t{duration}\n", 1, group.first)
    };
    let client = row(1, "", &group.client, mean(group.duration));
    let server = row(2, "0000000000000001", &group.server, mean(group.server_duration));
    format!("{HEAD}{client}{server}")
}

/// A field of a row.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(service: &str, name: &str, kind: &str, status: &str, attributes: &str) -> Side {
        Side { texts: [service, name, kind, status, attributes].map(str::to_owned) }
    }

    fn group(status: &str) -> Group {
        Group {
            client: side("web", "GET", "Client", status, "{\"rpc.system\":\"grpc\"}"),
            server: side("orders", "orders.Orders/Get", "Server", "Ok", "{}"),
            pairs: 10,
            duration: 10_005_000,
            server_duration: 5_000_000,
            first: 1_000,
            last: 9_000,
        }
    }

    #[test]
    fn a_group_is_as_many_calls_as_were_counted() {
        let graph = graph(&[group("Ok"), group("Error")], 50).expect("a graph");
        let traffic = graph.finish(&[]);
        let [row] = traffic.rows.as_slice() else { panic!("one row: {:?}", traffic.rows) };
        assert_eq!((row.source.as_str(), row.target.as_str(), row.protocol.as_str()), ("web", "orders", "grpc"));
        assert_eq!((row.calls, row.errors, row.duration_us, row.server_duration_us), (20, 10, 20_010, Some(10_000)));
        assert_eq!((traffic.ledger["spans"], traffic.ledger["used"], traffic.ledger["not_joined"]), (50, 40, 10));
    }

    #[test]
    fn more_spans_than_rows_are_an_error() {
        assert!(graph(&[group("Ok")], 19).expect_err("too few").contains("19 rows"));
    }
}

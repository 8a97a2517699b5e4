//! What requests did together, as spans show it: what they wrote, told and read, and in which order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that a request did. Stores are databases other than caches; calls are those that the request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// It wrote the store of its own service.
    Wrote,
    /// It read stores and wrote and published nothing, nor did what it called; all of that can be seen.
    OnlyRead,
    /// It wrote the store of its own service and published to `other`, a destination.
    WroteAndPublished,
    /// A message that it led to came back to its service from another one.
    Answered,
    /// That message came back before it ended.
    Awaited,
    /// It read the service `other`.
    Read,
    /// After it had read the service `other`, it wrote the store of its own service.
    ReadThenWrote,
    /// After it had read the service `other`, it had that service write.
    ReadThenCommanded,
    /// It wrote the store of the service `other` (its own, or by calls) and that of a further service.
    WroteTogether,
}

impl Act {
    const NAMES: [(Self, &str); 9] = [
        (Self::Wrote, "wrote"),
        (Self::OnlyRead, "only_read"),
        (Self::WroteAndPublished, "wrote_and_published"),
        (Self::Answered, "answered"),
        (Self::Awaited, "awaited"),
        (Self::Read, "read"),
        (Self::ReadThenWrote, "read_then_wrote"),
        (Self::ReadThenCommanded, "read_then_commanded"),
        (Self::WroteTogether, "wrote_together"),
    ];

    /// Its name, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(act, _)| *act == self).map_or("", |(_, name)| name)
    }

    /// The act of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, n)| *n == name).map(|(act, _)| *act)
    }
}

/// How many requests of an operation did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestAct {
    /// Service.
    pub service: String,
    /// Its operation.
    pub operation: String,
    /// What they did.
    pub act: Act,
    /// The service or destination that it is about, if any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub other: String,
    /// Requests.
    pub requests: u64,
    /// An example `trace id/span id` of such a request.
    pub exemplar: String,
    /// The file that holds it.
    pub file: String,
}

impl RequestAct {
    /// Its identity.
    #[must_use]
    pub fn key(&self) -> (&str, &str, Act, &str) {
        (&self.service, &self.operation, self.act, &self.other)
    }

    /// Adds another one's requests.
    pub fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        if other.exemplar < self.exemplar {
            (self.exemplar, self.file) = (other.exemplar, other.file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_json() {
        for (act, name) in Act::NAMES {
            assert_eq!(serde_json::to_value(act).expect("a value"), name);
            assert_eq!((act.as_str(), Act::named(name)), (name, Some(act)));
        }
    }
}

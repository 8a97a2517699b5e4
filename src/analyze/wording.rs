//! What the words of an operation say: reads, writes, tells, aggregates.
//!
//! Takes names as written and the lexicon; gives a verdict or nothing. Knows no graph.

use super::knowledge::{Lexicon, words};

/// What words say that an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It reads.
    Reads,
    /// It writes.
    Writes,
}

impl Lexicon {
    /// What a handler's, operationId's, rpc's or mutation's name says: its first telling word, else its last
    /// (`order_create`). A verb that is a noun too counts in front of another word only.
    #[must_use]
    pub fn name(&self, name: &str) -> Option<Said> {
        let all = words(name);
        let telling = all.iter().position(|w| !among(&self.neutral, w)).unwrap_or(0);
        let said = all.get(telling..).unwrap_or_default();
        let (first, last) = (said.first()?, said.last()?);
        let plain = |w: &String| (!among(&self.nouns, w)).then(|| self.word(w)).flatten();
        let leading = || ((said.len() > 1 || telling > 0) && self.nouns.contains(first)).then_some(Said::Writes);
        plain(first).or_else(|| plain(last)).or_else(leading)
    }

    /// What the name of a remote procedure says: there is no verb beside it, so that a noun alone commands (`Charge`).
    #[must_use]
    pub fn procedure(&self, name: &str) -> Option<Said> {
        let all = words(name);
        let alone = || all.first().is_some_and(|w| all.len() == 1 && self.nouns.contains(w)).then_some(Said::Writes);
        self.name(name).or_else(alone)
    }

    /// What the fixed segments of a path say, the last telling one first; for verbs that leave it open.
    #[must_use]
    pub fn path(&self, path: &str) -> Option<Said> {
        let segments = path.rsplit('/').filter(|s| !s.is_empty() && !s.contains('{'));
        segments.take(2).find_map(|segment| self.name(segment))
    }

    /// A segment that is an order by itself (`/orders/{}/cancel`), even behind GET.
    #[must_use]
    pub fn commands_by_path(&self, path: &str) -> bool {
        let segments = path.rsplit('/').filter(|s| !s.is_empty() && !s.contains('{'));
        segments.take(2).any(|segment| {
            let all = words(segment);
            all.first().is_some_and(|first| self.imperative.iter().any(|w| w == first))
        })
    }

    /// Does a name or path say that somebody is only told something?
    #[must_use]
    pub fn tells(&self, name: &str) -> bool {
        let all = words(name);
        let any = |list: &[String]| all.iter().any(|w| list.iter().any(|l| l == w));
        any(&self.notify) || all.iter().any(|w| w == "send") && any(&self.told)
    }

    fn word(&self, word: &str) -> Option<Said> {
        if among(&self.query, word) {
            return Some(Said::Reads);
        }
        among(&self.command, word).then_some(Said::Writes)
    }
}

/// Is a word, or the word that it is an inflection of, in a list?
fn among(list: &[String], word: &str) -> bool {
    let has = |w: &str| list.iter().any(|l| l == w);
    if has(word) {
        return true;
    }
    let stems = ["s", "es", "d", "ed", "ing"];
    stems.iter().filter_map(|end| word.strip_suffix(end)).any(|stem| stem.len() > 2 && has(stem))
        || word.strip_suffix("ing").is_some_and(|stem| stem.len() > 2 && has(&format!("{stem}e")))
        || word.strip_suffix("ies").is_some_and(|stem| has(&format!("{stem}y")))
}

#[cfg(test)]
mod tests {
    use crate::analyze::knowledge::Knowledge;

    use super::*;

    #[test]
    fn names_of_many_dialects() {
        let lexicon = Knowledge::built_in().lexicon;
        for name in [
            "getOrder",
            "ListProducts",
            "find_by_id",
            "handleGetCart",
            "CartService/GetCart",
            "isAvailable",
            "orderList",
        ] {
            let last = name.rsplit('/').next().unwrap_or(name);
            assert_eq!(lexicon.name(last), Some(Said::Reads), "{name}");
        }
        for name in [
            "createOrder",
            "PlaceOrder",
            "AddItem",
            "bookTicket",
            "handle_checkout",
            "order_create",
            "doTransfer",
            "ShipOrder",
        ] {
            assert_eq!(lexicon.name(name), Some(Said::Writes), "{name}");
        }
        for name in ["", "main", "welcome", "foo_bar", "orders", "posts"] {
            assert_eq!(lexicon.name(name), None, "{name}");
        }
    }

    #[test]
    fn a_procedure_may_be_a_noun() {
        let lexicon = Knowledge::built_in().lexicon;
        assert_eq!(lexicon.procedure("Charge"), Some(Said::Writes));
        assert_eq!(lexicon.procedure("Convert"), Some(Said::Reads));
        assert_eq!(lexicon.procedure("Frobnicate"), None);
    }

    #[test]
    fn paths_name_what_verbs_leave_open() {
        let lexicon = Knowledge::built_in().lexicon;
        assert_eq!(lexicon.path("/orders/search"), Some(Said::Reads));
        assert_eq!(lexicon.path("/orders/{}/pay"), Some(Said::Writes));
        assert_eq!(lexicon.path("/carts/{}"), None);
        assert!(lexicon.commands_by_path("/orders/{}/cancel"));
        assert!(!lexicon.commands_by_path("/orders/{}/books"), "a noun is no order");
        assert!(lexicon.tells("SendOrderConfirmation") && lexicon.tells("/notification/order_cancel"));
        assert!(!lexicon.tells("/users/{}/email"), "an address that is changed is not told");
    }
}

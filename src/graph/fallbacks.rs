//! Proven fallbacks: an annotation or a declared client names a body that exists and, where a switch is needed, is on.
//!
//! Takes the code and configuration of one service. A `catch` proves nothing: what follows it may be an error too.

use crate::model::{Annotation, Argument};

use super::sites::SiteReader;

/// Annotations of Hystrix, Resilience4j, MicroProfile Fault Tolerance and Sentinel that may name a fallback.
const GUARDS: [&str; 8] = [
    "HystrixCommand",
    "CircuitBreaker",
    "Retry",
    "Bulkhead",
    "TimeLimiter",
    "RateLimiter",
    "Fallback",
    "SentinelResource",
];
/// Their arguments.
const METHODS: [&str; 3] = ["fallbackMethod", "fallback", "defaultFallback"];
/// Arguments of declared clients.
const CLASSES: [&str; 2] = ["fallback", "fallbackFactory"];
/// Switches without which the fallback of a declared client does nothing (Spring Cloud OpenFeign).
const SWITCHES: [&str; 3] =
    ["spring.cloud.openfeign.circuitbreaker.enabled", "feign.circuitbreaker.enabled", "feign.hystrix.enabled"];

/// Is the function that holds a call guarded by a fallback whose body exists?
#[must_use]
pub fn of_function(reader: &SiteReader<'_, '_>, unit: u32, function: Option<u32>) -> bool {
    let Some(at) = function else { return false };
    let function = &reader.scope.unit(unit).functions[at as usize];
    function
        .annotations
        .iter()
        .filter(|a| GUARDS.contains(&last(&a.name)))
        .any(|guard| named(guard, &METHODS).any(|name| reader.scope.functions(&name).next().is_some()))
}

/// Does a declared client name a fallback whose class exists, and is the switch on?
#[must_use]
pub fn of_client(reader: &SiteReader<'_, '_>, unit: u32, client: &str) -> bool {
    let on = || {
        SWITCHES.iter().any(|key| reader.texts.configured_as(key).is_some_and(|v| v.iter().any(|t| t.text == "true")))
    };
    let declared = reader.scope.unit(unit).types.iter().filter(|t| t.name == client);
    let mut classes = declared.flat_map(|t| &t.annotations).flat_map(|a| named(a, &CLASSES));
    classes.any(|name| reader.scope.types(&name).next().is_some()) && on()
}

/// The names that arguments of these keywords give: a method, a class.
fn named<'a>(annotation: &'a Annotation, keywords: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    let fits = |a: &&Argument| a.name.as_deref().is_some_and(|n| keywords.contains(&n));
    annotation.arguments.iter().filter(fits).filter_map(|a| {
        let text = match &a.value {
            crate::model::Expr::Literal(text) => text.clone(),
            other => other.dotted()?,
        };
        let text = text.trim_end_matches(".class").trim_end_matches("::class");
        Some(last(text).to_owned())
    })
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

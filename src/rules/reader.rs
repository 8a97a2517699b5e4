//! Readers of rules: where in a match a value stands, written as short phrases (`argument 0`, `chain uri 0`).
//!
//! Takes the phrases of a rule file; gives checked readers. Knows nothing of code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a value stands: the first reader that finds something wins.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(from = "OneOrMany", into = "Vec<Reader>")]
#[schemars(with = "OneOrMany")]
pub struct Readers(pub Vec<Reader>);

impl From<Readers> for Vec<Reader> {
    fn from(readers: Readers) -> Self {
        readers.0
    }
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(Reader),
    Many(Vec<Reader>),
}

impl From<OneOrMany> for Readers {
    fn from(value: OneOrMany) -> Self {
        match value {
            OneOrMany::One(reader) => Self(vec![reader]),
            OneOrMany::Many(readers) => Self(readers),
        }
    }
}

/// One place of a value, written as a short phrase.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Reader {
    /// `argument 0`
    Position(usize),
    /// `argument url`
    Keyword(String),
    /// `option baseURL`: the key in any object, options or builder lambda among the arguments.
    Option(String),
    /// `rest 1`: the arguments from a position on, each an alternative.
    Rest(usize),
    /// `receiver`
    Receiver,
    /// `chain uri 0`: an argument of another call of the same builder chain.
    Chain(String, usize),
    /// `chain-type AddHttpClient`: the type argument of another call of the same builder chain.
    ChainType(String),
    /// `chain-verb`: the HTTP verb among the calls of the builder chain.
    ChainVerb,
    /// `verb`: the HTTP verb with which the call's name starts.
    Verb,
    /// `verb-of 1`: the HTTP verb among the calls of an argument (`get(list)`).
    VerbOf(usize),
    /// `prefixed ConnectionStrings. argument 0`: a text before what another reader finds.
    Prefixed(String, Box<Reader>),
    /// `type-of argument 0`: the type of a value, for buses whose topic is the class of the message.
    TypeOf(Box<Reader>),
    /// `type-argument 0`
    TypeArgument(usize),
    /// `supertype-argument 0`
    SupertypeArgument(usize),
    /// `capture`: what `*` matched.
    Capture,
    /// `text GET`
    Text(String),
    /// `type-annotation RequestMapping 0`, `type-annotation RequestMapping path`
    TypeAnnotation(String, String),
    /// `function-annotation Path 0`: an argument of another annotation of the same function.
    FunctionAnnotation(String, String),
    /// `owner`: the enclosing or annotated type.
    Owner,
    /// `function`: the enclosing or annotated function.
    Function,
    /// `parameter-type 0`: the declared type of a parameter of the annotated function, or of the method with which
    /// the annotated type handles messages (`handle`, `__invoke`, `Consume`).
    ParameterType(usize),
    /// `value`: the value of a matched property.
    Value,
}

impl TryFrom<String> for Reader {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |word: &str| word.parse::<usize>().map_err(|_| format!("`{text}`: `{word}` is not a number"));
        Ok(match words.as_slice() {
            ["argument", word] => match word.parse() {
                Ok(n) => Self::Position(n),
                Err(_) => Self::Keyword((*word).to_owned()),
            },
            ["option", key] => Self::Option((*key).to_owned()),
            ["rest", n] => Self::Rest(number(n)?),
            ["receiver"] => Self::Receiver,
            ["chain", name, n] => Self::Chain((*name).to_owned(), number(n)?),
            ["chain-type", name] => Self::ChainType((*name).to_owned()),
            ["chain-verb"] => Self::ChainVerb,
            ["verb"] => Self::Verb,
            ["verb-of", n] => Self::VerbOf(number(n)?),
            ["prefixed", prefix, rest @ ..] if !rest.is_empty() => {
                Self::Prefixed((*prefix).to_owned(), Box::new(Self::try_from(rest.join(" "))?))
            }
            ["type-of", rest @ ..] if !rest.is_empty() => Self::TypeOf(Box::new(Self::try_from(rest.join(" "))?)),
            ["type-argument", n] => Self::TypeArgument(number(n)?),
            ["supertype-argument", n] => Self::SupertypeArgument(number(n)?),
            ["capture"] => Self::Capture,
            ["text", ..] => Self::Text(text.trim_start()[4..].trim().to_owned()),
            ["type-annotation", name, key] => Self::TypeAnnotation((*name).to_owned(), (*key).to_owned()),
            ["function-annotation", name, key] => Self::FunctionAnnotation((*name).to_owned(), (*key).to_owned()),
            ["owner"] => Self::Owner,
            ["function"] => Self::Function,
            ["parameter-type", n] => Self::ParameterType(number(n)?),
            ["value"] => Self::Value,
            _ => {
                return Err(format!(
                    "`{text}` is no place of a value; write one of: argument N, argument NAME, option KEY, rest N, \
                     receiver, chain CALL N, chain-type CALL, chain-verb, verb, verb-of N, prefixed TEXT READER, type-of READER, type-argument N, supertype-argument N, capture, \
                     text VALUE, type-annotation NAME KEY, \
                     function-annotation NAME KEY, owner, function, parameter-type N, value"
                ));
            }
        })
    }
}

impl From<Reader> for String {
    fn from(reader: Reader) -> Self {
        match reader {
            Reader::Position(n) => format!("argument {n}"),
            Reader::Keyword(name) => format!("argument {name}"),
            Reader::Option(key) => format!("option {key}"),
            Reader::Rest(n) => format!("rest {n}"),
            Reader::Receiver => "receiver".to_owned(),
            Reader::Chain(name, n) => format!("chain {name} {n}"),
            Reader::ChainType(name) => format!("chain-type {name}"),
            Reader::ChainVerb => "chain-verb".to_owned(),
            Reader::Verb => "verb".to_owned(),
            Reader::VerbOf(n) => format!("verb-of {n}"),
            Reader::Prefixed(prefix, inner) => format!("prefixed {prefix} {}", Self::from(*inner)),
            Reader::TypeOf(inner) => format!("type-of {}", Self::from(*inner)),
            Reader::TypeArgument(n) => format!("type-argument {n}"),
            Reader::SupertypeArgument(n) => format!("supertype-argument {n}"),
            Reader::Capture => "capture".to_owned(),
            Reader::Text(text) => format!("text {text}"),
            Reader::TypeAnnotation(name, key) => format!("type-annotation {name} {key}"),
            Reader::FunctionAnnotation(name, key) => format!("function-annotation {name} {key}"),
            Reader::Owner => "owner".to_owned(),
            Reader::Function => "function".to_owned(),
            Reader::ParameterType(n) => format!("parameter-type {n}"),
            Reader::Value => "value".to_owned(),
        }
    }
}

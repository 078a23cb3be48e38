//! Texts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use regex::bytes::Regex;
use serde_json::Value;

use super::{gives, refuses, run};

const PROSE: &str = "the quick brown fox jumps over the lazy dog\n\
    the dog, quick as ever, jumps back: 42 times, or 1024\n\
    \n\
    na\u{ef}ve caf\u{e9}s [sic] (a+b)*c ^ $ \\ ab abb abbb a-b foo.bar\n\
    aaaaaaaaaaaaaaaaaaaaaaaaaaaab";

/// Adds what `json` counts to `counts`, and returns how deep `value` is nested.
fn measure(value: &Value, counts: &mut BTreeMap<&str, usize>) -> usize {
    let (name, inner): (_, Vec<&Value>) = match value {
        Value::Object(members) => {
            *counts.entry("keys").or_default() += members.len();
            ("objects", members.values().collect())
        }
        Value::Array(elements) => ("arrays", elements.iter().collect()),
        Value::String(_) => ("strings", vec![]),
        Value::Number(_) => ("numbers", vec![]),
        Value::Bool(_) => ("booleans", vec![]),
        Value::Null => ("nulls", vec![]),
    };
    *counts.entry(name).or_default() += 1;
    let inner = inner.into_iter().map(|value| measure(value, counts)).max();
    inner.unwrap_or(0) + usize::from(value.is_array() || value.is_object())
}

#[test]
fn json() {
    for text in [
        "[]",
        "{\"a\": [1, -2.5e3, true, null], \"b\": {\"c\": \"\\u00e9\\n\", \"d\": {}}}",
        " [[[[false]]], \"\", 0, [{}]] ",
    ] {
        let mut counts = BTreeMap::new();
        let depth = measure(&serde_json::from_str(text).unwrap(), &mut counts);
        let names = [
            "objects", "arrays", "strings", "keys", "numbers", "booleans", "nulls",
        ];
        let mut expected: String = names
            .map(|name| format!("{name}: {}\n", counts.get(name).unwrap_or(&0)))
            .concat();
        expected += &format!("depth: {depth}\nbytes: {}\n", text.len());
        gives("json", text.as_bytes(), expected.as_bytes());
    }
    let (code, output) = run("json", b"[1, 2");
    assert!(
        code == 1 && output.starts_with(b"error at byte 5"),
        "{output:?}"
    );
}

#[test]
fn query() {
    let transfers = r#"[ {"account": 7, "amount": -20, "currency": "EUR"},
        {"currency": "USD", "amount": 9007199254740993, "note": {"tags": ["a", null], "x": 1.5}},
        {"amount": 5, "currency": "EUR"},{"currency":"USD","amount":-1} ]"#;
    let all: Value = serde_json::from_str(transfers).unwrap();
    for currency in ["EUR", "USD", "CHF"] {
        let amounts: Vec<i64> = (all.as_array().unwrap().iter())
            .filter(|transfer| transfer["currency"] == currency)
            .map(|transfer| transfer["amount"].as_i64().unwrap())
            .collect();
        let expected = format!("{}\n{}\n", amounts.len(), amounts.iter().sum::<i64>());
        let input = format!("{currency}\n{transfers}\n");
        gives("query", input.as_bytes(), expected.as_bytes());
    }
    gives("query", b"EUR\n[]", b"0\n0\n");
    for refused in [
        "",
        "EUR",
        "EUR\n",
        "EUR\n{}",
        "EUR\n[{\"amount\": 1}]",
        "EUR\n[{\"amount\": \"1\", \"currency\": \"EUR\"}]",
        "EUR\n[] []",
        "EUR\n[{\"amount\": 9223372036854775807, \"currency\": \"EUR\"},{\"amount\": 1, \"currency\": \"EUR\"}]",
    ] {
        refuses("query", refused.as_bytes());
    }
}

#[test]
fn words() {
    for text in ["", "one", PROSE, "b a c a b a"] {
        let mut counts = BTreeMap::<&str, u32>::new();
        for word in text.split_whitespace() {
            *counts.entry(word).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|&(word, count)| (Reverse(count), word));
        let lines = counts
            .iter()
            .map(|(word, count)| format!("{count} {word}\n"));
        gives(
            "words",
            text.as_bytes(),
            lines.collect::<String>().as_bytes(),
        );
    }
    refuses("words", b"\xff");
}

/// Expressions that mean the same to both; the last one takes a backtracking matcher a while.
#[test]
fn regex() {
    for expression in [
        "",
        "dog",
        "^the",
        "[0-9]+",
        "^$",
        "(quick|lazy) (brown|dog)$",
        "ab?b$|fox",
        "\\$ \\\\ ab+ ",
        "[^ -~]",
        "[]x(]s?",
        "a-b foo\\.bar$",
        "((a*)*)*c",
        "x*y?(z|)$",
        "^(a|aa)+b$",
        "(a*)*(a*)*(a*)*(a*)*x",
    ] {
        let matcher = Regex::new(&format!("(?-u){expression}")).expect(expression);
        let lines = PROSE
            .lines()
            .filter(|line| matcher.is_match(line.as_bytes()));
        let expected: String = lines.map(|line| format!("{line}\n")).collect();
        let input = format!("{expression}\n{PROSE}");
        gives("regex", input.as_bytes(), expected.as_bytes());
    }
    for refused in ["(", ")", "*", "a|*", "[a", "\\", "[b-a]", "(a))"] {
        refuses("regex", format!("{refused}\n{PROSE}").as_bytes());
    }
}

//! `${…}`: variables, the time, and arithmetic.
//!
//! `$name` is the value of a variable. Within `${…}` there is `time`, the seconds since 1970; `timeout`, the time to the next
//! timer, which only Unbound has; `ctime n`; `range low n high`, which is `n` if it is between them; and `+ - * /` from left
//! to right, without precedence. `${…}` nests, in place of brackets.

use std::collections::BTreeMap;

/// How deep `${…}` may nest.
const MAX_DEPTH: usize = 16;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum ExpressionError {
    #[error("`${{{0}` is not closed")]
    Open(String),
    #[error("`${0}` has no value")]
    Unknown(String),
    #[error("`{0}` is not a number")]
    NotANumber(String),
    #[error("{value} is not in the range from {low} to {high}")]
    OutOfRange { value: f64, low: f64, high: f64 },
    #[error("`{0}` cannot be said here")]
    Unsupported(String),
    #[error("`${{` nests too deep")]
    Deep,
}

/// Variables, and the time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    pub(crate) values: BTreeMap<String, String>,
    /// Seconds since 1970.
    pub(crate) time: i64,
}

impl Variables {
    /// The text with every `${…}` replaced by its value.
    pub(crate) fn expand(&self, text: &str) -> Result<String, ExpressionError> {
        self.expand_at(text, 0)
    }

    fn expand_at(&self, text: &str, depth: usize) -> Result<String, ExpressionError> {
        if depth > MAX_DEPTH {
            return Err(ExpressionError::Deep);
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let end = closing(after).ok_or_else(|| ExpressionError::Open(after.to_owned()))?;
            out.push_str(before);
            let inner = self.expand_at(after.get(..end).unwrap_or_default(), depth + 1)?;
            out.push_str(&self.evaluate(&inner)?);
            rest = after.get(end + 1..).unwrap_or_default();
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The value of what stood in braces, in which nothing is nested any more.
    fn evaluate(&self, text: &str) -> Result<String, ExpressionError> {
        let mut words = Vec::new();
        for word in split(text) {
            words.push(match word.strip_prefix('$') {
                Some(name) => {
                    let value = self.values.get(name);
                    value.cloned().ok_or_else(|| ExpressionError::Unknown(name.to_owned()))?
                }
                None => word,
            });
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["time"] => Ok(self.time.to_string()),
            ["timeout"] => Err(ExpressionError::Unsupported("timeout".to_owned())),
            ["ctime", time] => ctime(number(time)?),
            ["range", low, value, high] => {
                let (low, value, high) = (number(low)?, number(value)?, number(high)?);
                let inside = low <= value && value <= high;
                if inside { Ok(show(value)) } else { Err(ExpressionError::OutOfRange { value, low, high }) }
            }
            [first, operations @ ..] if !operations.is_empty() => arithmetic(first, operations),
            [value] => Ok((*value).to_owned()),
            _ => Ok(String::new()),
        }
    }
}

/// Where the brace is closed that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut opened = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' if opened => depth += 1,
            '}' => {
                depth = match depth.checked_sub(1) {
                    Some(depth) => depth,
                    None => return Some(at),
                }
            }
            _ => {}
        }
        opened = letter == '$';
    }
    None
}

/// Words, variables, numbers and operators.
fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut joins = false;
    for letter in text.chars() {
        let part = letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '$');
        match words.last_mut() {
            Some(word) if part && joins && letter != '$' => word.push(letter),
            _ if letter.is_whitespace() => {}
            _ => words.push(letter.to_string()),
        }
        joins = part;
    }
    words
}

fn arithmetic(first: &str, operations: &[&str]) -> Result<String, ExpressionError> {
    let mut result = number(first)?;
    for operation in operations.chunks(2) {
        let [operator, operand] = operation else { return Err(ExpressionError::NotANumber(operation.concat())) };
        let operand = number(operand)?;
        result = match *operator {
            "+" => result + operand,
            "-" => result - operand,
            "*" => result * operand,
            "/" => result / operand,
            other => return Err(ExpressionError::Unsupported(other.to_owned())),
        };
    }
    Ok(show(result))
}

fn number(text: &str) -> Result<f64, ExpressionError> {
    text.parse().map_err(|_| ExpressionError::NotANumber(text.to_owned()))
}

fn show(value: f64) -> String {
    // Six decimals are microseconds, finer than any step.
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// As C's `ctime` has it, in UTC: `Fri Jan  2 10:17:36 1970`.
fn ctime(seconds: f64) -> Result<String, ExpressionError> {
    let time = jiff::Timestamp::from_second(seconds as i64).map_err(|_| ExpressionError::NotANumber(show(seconds)))?;
    Ok(time.strftime("%a %b %e %H:%M:%S %Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_have_values() {
        let values = [("x", "1"), ("y", "2"), ("bla", "ww")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables = Variables { values: values.into(), time: 123_456 };
        for (text, expected) in [
            ("plain", "plain"),
            ("", ""),
            ("a ${} b", "a  b"),
            ("1${$bla}2${$bla}3", "1ww2ww3"),
            ("${$x + $x}", "2"),
            ("${$x - $x}", "0"),
            ("${32 / $y + $x + $y}", "19"),
            ("${2+3*4}", "20"),
            ("${2+${3*4}}", "14"),
            ("${32 / ${$y+$y} + ${${100*3}/3}}", "108"),
            ("${1.5*1}", "1.5"),
            ("${time}", "123456"),
            ("${$x+${time}}", "123457"),
            ("${ctime ${time}}", "Fri Jan  2 10:17:36 1970"),
            ("${range 1 ${$y} 3}", "2"),
            ("${range 3 $y 4}", "2 is not in the range from 3 to 4"),
            ("${$z}", "`$z` has no value"),
            ("${1 + bla}", "`bla` is not a number"),
            ("${1", "`${1` is not closed"),
            ("${timeout}", "`timeout` cannot be said here"),
            (&format!("{}{}", "${".repeat(20), "}".repeat(20)), "`${` nests too deep"),
        ] {
            let found = variables.expand(text).unwrap_or_else(|error| error.to_string());
            assert_eq!(found, expected, "{text}");
        }
    }
}

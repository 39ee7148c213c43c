//! The reference of the language agrees with what can be run: each of its examples runs, and exactly what it marks as not
//! supported is refused.

use std::path::Path;

use mxlab_language::reference::{Entry, Field, Group, Support, entries};
use mxlab_language::{Diagnostics, Loaded, WorldDirectory, read_for};
use mxlab_sim::Bounds;

use super::refusals;
use crate::exchange::Exchange;
use crate::run::{CellRun, End, RunOptions, run_cell};

fn read(text: &str) -> Result<Loaded, Diagnostics> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the repository");
    let worlds = WorldDirectory { directory: root.join("scenarios/worlds"), shown: "scenarios/worlds".to_owned() };
    read_for("example.toml", text, &worlds, &crate::registry::ids(), &refusals)
}

/// Runs every cell of a file. An error says what did not come out as the file says.
fn run(text: &str) -> Result<(), String> {
    let loaded = read(text).map_err(|wrong| wrong.to_string())?;
    if !loaded.warnings.is_empty() {
        return Err(loaded.warnings.to_string());
    }
    for cell in &loaded.cells {
        let options = RunOptions {
            id: format!("example{}", cell.suffix),
            reproduce: String::new(),
            seed: 1,
            until: None,
            bounds: Bounds::default(),
            packets: 0,
        };
        let run = run_cell(cell, &loaded.sources, &Exchange, &options);
        let CellRun { record, result } = run.map_err(|wrong| wrong.render(false))?;
        let failures: Vec<&str> =
            result.failures.iter().chain(&result.unshown).map(|failure| failure.message.as_str()).collect();
        if result.end != End::Finished || !failures.is_empty() {
            return Err(format!("{:?}: {}\n{}", result.end, failures.join("\n"), record.story()));
        }
    }
    Ok(())
}

#[test]
fn examples_of_the_reference_run() {
    let mut wrong = Vec::new();
    for entry in entries() {
        let Some(example) = &entry.example else { continue };
        let text = example.file();
        let outcome = match (&entry.support, read(&text)) {
            (Support::NotYet, Ok(_)) => Err("it is supported".to_owned()),
            (Support::NotYet, Err(mistakes)) => {
                let others = mistakes.items().iter().any(|item| item.code != "not-supported");
                if others { Err(mistakes.to_string()) } else { Ok(()) }
            }
            (Support::All | Support::AllBut(_), _) => run(&text),
        };
        wrong.extend(outcome.err().map(|error| format!("{}: {error}\n{text}", entry.name)));
    }
    assert!(wrong.is_empty(), "{} examples:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn entries_have_examples() {
    let without: Vec<&str> =
        entries().iter().filter(|entry| entry.example.is_none()).map(|entry| entry.name.as_str()).collect();
    let of_values = entries().iter().filter(|entry| entry.group == Group::Values).map(|entry| entry.name.as_str());
    // Values have theirs in their names, and what is filled into messages stands in one example.
    let expected: Vec<&str> = ["{message-id}", "{from}", "{to}", "{subject}"].into_iter().chain(of_values).collect();
    assert_eq!(without, expected);
}

/// Fields with values that an entry of its kind needs before another field means something.
fn base(entry: &Entry, field: &str) -> String {
    let mut lines = String::new();
    for needed in entry.fields.iter().filter(|needed| needed.needed && needed.name != field) {
        let sample = match (entry.name.as_str(), needed.name.as_str()) {
            // A fault that can be confined in every way.
            ("fault", "kind") => "\"servfail\"".to_owned(),
            ("dialogue", "lines") => "\"S: 220\"".to_owned(),
            _ => needed.samples.first().cloned().unwrap_or_default(),
        };
        lines += &format!("{} = {sample}\n", needed.name);
    }
    match (entry.group, entry.name.as_str(), field) {
        (Group::Faults, kind, _) => lines += &format!("kind = \"{kind}\"\n"),
        // Reports of other kinds are refused whatever else is said of them.
        (Group::Expectations, "reported", field) if field != "kind" => lines += "kind = \"dmarc\"\n",
        // What the engine cannot do, a client can.
        (Group::Script, "send", field) if field != "via" => lines += "via = \"mx1\"\n",
        _ => {}
    }
    lines
}

/// A file in which a field of an entry has a value.
fn file(entry: &Entry, field: &str, value: &str) -> Option<String> {
    let table = match entry.group {
        Group::Engines | Group::Declarations => {
            entry.written.replace("NAME", "one").replace("\"D\"", "\"fabrikam.example\"")
        }
        Group::Script if entry.name != "at" => format!("[[at]]\n[at.{}]", entry.name),
        Group::Faults => "[[at]]\n[at.fault]".to_owned(),
        Group::Expectations if entry.name != "expect" => format!("[[expect]]\n[expect.{}]", entry.name),
        Group::File | Group::References | Group::Messages | Group::Values => return None,
        Group::Script | Group::Expectations => return None,
    };
    let base = base(entry, field);
    Some(format!("title = \"t\"\nworld = \"end-to-end\"\n{table}\n{base}{field} = {value}\n[host.mx1]\n"))
}

/// Values to be tried: those of the field's type, and those that the reference excepts.
fn values(field: &Field) -> Vec<String> {
    let mut values = field.samples.clone();
    if let Support::AllBut(excepted) = &field.support {
        let list = field.kind.starts_with("list");
        values.extend(excepted.iter().map(|value| match value.as_str() {
            "true" | "false" => value.clone(),
            word if list => format!("[\"{word}\"]"),
            word => format!("\"{word}\""),
        }));
    }
    values
}

#[test]
fn what_is_marked_as_not_supported_is_refused_and_nothing_else() {
    let (mut tried, mut wrong) = (0, Vec::new());
    for entry in entries() {
        for field in &entry.fields {
            for value in values(field) {
                let Some(text) = file(entry, &field.name, &value) else { continue };
                let refused = match read(&text) {
                    Ok(_) => false,
                    Err(wrong) => wrong.items().iter().any(|item| item.code == "not-supported"),
                };
                let bare = value.trim_matches(['[', ']']).trim_matches('"');
                let marked = entry.support == Support::NotYet
                    || match &field.support {
                        Support::All => false,
                        Support::NotYet => true,
                        Support::AllBut(values) => values.iter().any(|excepted| excepted == bare),
                    };
                if refused != marked {
                    wrong.push(format!("{}.{} = {value}: refused {refused}, marked {marked}", entry.name, field.name));
                }
                tried += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 500, "{tried} values were tried");
}

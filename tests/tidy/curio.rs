//! `docs/curio.md` names a test for everything it says is here, and every test it names is there.

use std::collections::BTreeMap;
use std::fs;

use super::{all_files, root};

/// The sections of the catalogue that are carried over, and how many entries each has.
const SECTIONS: [(&str, usize); 15] = [
    ("KRN", 23),
    ("TSK", 34),
    ("GRP", 30),
    ("TIM", 7),
    ("TMO", 21),
    ("CAN", 14),
    ("SYN", 20),
    ("QUE", 13),
    ("UNI", 11),
    ("WRK", 13),
    ("THR", 9),
    ("TRP", 9),
    ("MET", 5),
    ("ERR", 8),
    ("DEF", 12),
];

/// What the second column of a row without a test begins with.
const EXCUSES: [&str; 2] = ["not carried over:", "not yet:"];

/// One row: its id, what it says, and the tests it names.
struct Row<'a> {
    id: &'a str,
    here: &'a str,
    tests: Vec<&'a str>,
}

fn rows(text: &str) -> Vec<Row<'_>> {
    let is_of_a_section = |id: &str| {
        id.split_once('-')
            .is_some_and(|(section, _)| SECTIONS.iter().any(|(name, _)| *name == section))
    };
    text.lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
            let (id, here, tests) = (cells.next()?, cells.next()?, cells.next()?);
            let named = tests.split('`').skip(1).step_by(2).collect();
            is_of_a_section(id).then_some(Row {
                id,
                here,
                tests: named,
            })
        })
        .collect()
}

#[test]
fn every_entry_of_curios_catalogue_is_in_the_table_once_and_in_order() {
    let text = fs::read_to_string(root().join("docs/curio.md")).unwrap();
    let mut listed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows(&text) {
        let (section, _) = row.id.split_once('-').unwrap();
        listed.entry(section).or_default().push(row.id);
    }
    for (section, count) in SECTIONS {
        let expected: Vec<String> = (1..=count).map(|n| format!("{section}-{n:02}")).collect();
        assert_eq!(listed.remove(section).unwrap_or_default(), expected);
    }
}

#[test]
fn every_test_that_the_table_names_is_there() {
    let text = fs::read_to_string(root().join("docs/curio.md")).unwrap();
    let files = all_files();
    let mut faults = Vec::new();
    for row in rows(&text) {
        let is_excused = EXCUSES.iter().any(|excuse| row.here.starts_with(excuse));
        if row.tests.is_empty() && !is_excused {
            faults.push(format!("{} names no test and gives no reason", row.id));
        }
        for test in row.tests {
            if let Err(fault) = find(&files, test) {
                faults.push(format!("{}: {test}: {fault}", row.id));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Whether `test`, the end of a path and the name of a function, is a test of the sources.
fn find(files: &[(String, String)], test: &str) -> Result<(), &'static str> {
    let (path, name) = test.rsplit_once("::").ok_or("it is no `path::name`")?;
    let ending = format!("/{path}");
    let whole = files.iter().find(|(file, _)| file == path);
    let mut ends = files.iter().filter(|(file, _)| file.ends_with(&ending));
    let (_, text) = whole.or_else(|| ends.next()).ok_or("no such file")?;
    if whole.is_none() && ends.next().is_some() {
        return Err("several files end like this");
    }
    if is_test(text, name) || is_listed(text, name) {
        Ok(())
    } else {
        Err("no such test in the file")
    }
}

/// Whether there is a function of this name under an attribute that makes it a test.
fn is_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_it = |line: &str| {
        line.split_once("fn ")
            .and_then(|(_, rest)| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with(['(', '<']))
    };
    lines.iter().enumerate().any(|(at, line)| {
        let above = lines[..at].iter().rev();
        let mut attributes = above.take_while(|line| line.starts_with("#[") || line.ends_with(']'));
        is_it(line) && attributes.any(|line| line.starts_with("#[") && line.contains("test"))
    })
}

/// Whether a macro that makes tests is called with this name.
fn is_listed(text: &str, name: &str) -> bool {
    ["in_both_shells! {", "subjects! {"].iter().any(|call| {
        text.split(call).skip(1).any(|rest| {
            let list = rest.split_once("\n}").map_or(rest, |(list, _)| list);
            list.split([',', '\n']).any(|item| {
                let item = item.split(':').next().unwrap_or("").trim();
                item == name
            })
        })
    })
}

#[test]
fn a_name_that_is_no_test_is_noticed() {
    let text = "#[test]\nfn first() {}\n\nfn second() {}\nin_both_shells! {\n    third,\n}\n";
    let files = [("tests/some.rs".to_owned(), text.to_owned())];
    assert!(find(&files, "tests/some.rs::first").is_ok());
    assert!(find(&files, "some.rs::third").is_ok());
    for no in [
        "some.rs::second",
        "some.rs::fir",
        "other.rs::first",
        "first",
    ] {
        assert!(find(&files, no).is_err(), "{no}");
    }
}

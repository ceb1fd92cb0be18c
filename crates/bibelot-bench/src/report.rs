//! The report: a table for each workload.
//!
//! The ratios are medians of those of each round; in brackets the interval in which they lie with 95 %.

use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

use crate::cell::{Cell, NOT_BUILT};
use crate::contender::Role;
use crate::options::Options;
use crate::rounds::{Figure, Findings};
use crate::statistics::{interval, ratios, spread};
use crate::{growth, machine, plot, target, verdict};

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Report {
    notes: Vec<String>,
    cells: Vec<(Cell, Vec<Findings>)>,
}

impl Report {
    /// Says something, and adds it to what the whole is about.
    pub fn note(&mut self, note: String) {
        println!("{note}\n");
        self.notes.push(note);
    }

    /// Adds what was found in one cell.
    pub fn add(&mut self, cell: Cell, findings: Vec<Findings>) {
        self.cells.push((cell, findings));
    }

    /// Which contenders failed in which cells, and why.
    pub fn failures(&self) -> Vec<String> {
        let all = self.cells.iter().flat_map(|(cell, findings)| {
            findings.iter().filter_map(move |it| {
                let why = it.failure.as_ref()?;
                Some(format!("{cell} on {}: {why}", it.contender))
            })
        });
        all.collect()
    }

    /// Writes it to where it is wanted, if it is, with its pictures beside it.
    pub fn write(&self, options: &Options) -> io::Result<()> {
        let Some(path) = &options.write else {
            return Ok(());
        };
        fs::write(path, self.markdown(options))?;
        match picture_folder(path) {
            Some(folder) => plot::write_all(&self.cells, &path.with_file_name(folder)),
            None => Ok(()),
        }
    }

    /// The whole report, as Markdown.
    fn markdown(&self, options: &Options) -> String {
        let mut text = format!(
            "# Benchmarks\n\nMade by `{}`; what is measured and how to read it says \
             `crates/bibelot-bench/README.md`, and where the time goes says `docs/performance.md`.\n\n{}\n",
            machine::command(),
            machine::description(options)
        );
        for note in &self.notes {
            let _ = writeln!(text, "{note}\n");
        }
        text.push_str(&self.missing());
        text.push_str(&target::text(&self.cells));
        text.push_str(&verdict::text(&self.cells));
        text.push_str(&growth::text(&self.cells));
        let pictures = options.write.as_deref().and_then(picture_folder);
        let mut workload = "";
        for (cell, findings) in &self.cells {
            if cell.workload() != workload {
                workload = cell.workload();
                let _ = writeln!(text, "## {workload}\n");
                if let Some(folder) = &pictures {
                    let file = plot::file_name(workload);
                    let _ = writeln!(text, "![{workload}]({folder}/{file})\n");
                }
            }
            text.push_str(&table(*cell, findings));
        }
        text.push_str("## Files\n\n");
        for (name, what) in NOT_BUILT {
            let _ = writeln!(text, "- {name} ({what}): not built");
        }
        text
    }

    /// Who takes no part in which cells, by reason.
    fn missing(&self) -> String {
        let mut reasons: Vec<(&str, String, Vec<String>)> = Vec::new();
        for (cell, findings) in &self.cells {
            for it in findings {
                let Some(reason) = without(it) else { continue };
                let known = reasons
                    .iter_mut()
                    .find(|(who, why, _)| *who == it.contender && *why == reason);
                match known {
                    Some((_, _, cells)) => cells.push(cell.to_string()),
                    None => reasons.push((it.contender, reason, vec![cell.to_string()])),
                }
            }
        }
        if reasons.is_empty() {
            return String::new();
        }
        let mut text = "Without figures:\n\n".to_owned();
        for (who, why, cells) in reasons {
            let _ = writeln!(text, "- {who} in {}: {why}", cells.join(", "));
        }
        text.push('\n');
        text
    }
}

/// The name of the folder with the pictures of a report, which stands beside it.
fn picture_folder(report: &Path) -> Option<String> {
    Some(report.file_stem()?.to_string_lossy().into_owned())
}

/// The table of one cell.
pub fn table(cell: Cell, findings: &[Findings]) -> String {
    let mut text = format!("### {cell}, per {}\n\n", cell.unit());
    let figures: Vec<Figure> = [
        Figure::Instructions,
        Figure::Cpu,
        Figure::Bytes,
        Figure::Calls,
        Figure::Rate,
        Figure::P50,
        Figure::P99,
        Figure::IoWait,
    ]
    .into_iter()
    .filter(|&figure| findings.iter().any(|it| !it.values(figure).is_empty()))
    .collect();
    let Some(&first) = figures.first() else {
        text.push_str("nothing was found\n\n");
        text.push_str(&reasons(findings));
        return text;
    };
    let limit = best_limit(findings, first);
    text.push_str("| |");
    for figure in &figures {
        let _ = write!(text, " {} |", heading(*figure));
    }
    text.push_str(" of the limit | operations a round |\n|---|");
    text.push_str(&"---:|".repeat(figures.len() + 2));
    text.push('\n');
    for it in findings {
        let _ = write!(text, "| {} |", name(it));
        for figure in &figures {
            let _ = write!(text, " {} |", value(*figure, it));
        }
        let _ = writeln!(text, " {} | {} |", ratio(it, limit, first), count(cell, it));
    }
    text.push('\n');
    text.push_str(&reasons(findings));
    text
}

/// Why some have no figures.
fn reasons(findings: &[Findings]) -> String {
    let all = findings
        .iter()
        .filter_map(|it| Some(format!("{}: {}\n\n", it.contender, without(it)?)));
    all.collect()
}

/// Why it has no figures.
fn without(findings: &Findings) -> Option<String> {
    let left_out = findings.left_out.map(|why| format!("left out, {why}"));
    left_out.or_else(|| Some(format!("failed, {}", findings.failure.as_ref()?)))
}

/// How many operations a measurement took, or how long it did.
fn count(cell: Cell, findings: &Findings) -> String {
    match cell {
        _ if !findings.takes_part() => String::new(),
        Cell::Idle { .. } => format!("{} ms", findings.ops),
        _ => findings.ops.to_string(),
    }
}

/// The hand-written loop that was fastest.
fn best_limit(findings: &[Findings], figure: Figure) -> Option<&Findings> {
    let limits = findings.iter().filter(|it| it.role == Role::Limit);
    let found = limits.filter_map(|it| Some((spread(it.values(figure))?.median, it)));
    found
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|found| found.1)
}

fn name(findings: &Findings) -> String {
    match findings.role {
        Role::Ours | Role::Part => format!("**{}**", findings.contender),
        Role::Limit => format!("*{}*", findings.contender),
        Role::Peer => findings.contender.to_owned(),
    }
}

fn heading(figure: Figure) -> &'static str {
    match figure {
        Figure::Instructions => "instructions",
        Figure::Cpu => "CPU, ns (min to max)",
        Figure::Bytes => "bytes",
        Figure::Calls => "system calls",
        Figure::Rate => "per second",
        Figure::P50 => "p50, us",
        Figure::P99 => "p99, us",
        Figure::IoWait => "iowait, ms",
    }
}

fn value(figure: Figure, findings: &Findings) -> String {
    match findings {
        _ if findings.left_out.is_some() => return "left out".to_owned(),
        _ if findings.failure.is_some() => return "failed".to_owned(),
        _ => {}
    }
    let Some(found) = spread(findings.values(figure)) else {
        return String::new();
    };
    match figure {
        Figure::Instructions | Figure::Bytes | Figure::IoWait => format!("{:.0}", found.median),
        Figure::Cpu => {
            let digits = usize::from(found.median < 100.0);
            format!(
                "{:.digits$} ({:.digits$} to {:.digits$})",
                found.median, found.low, found.high
            )
        }
        Figure::Calls => format!("{:.3}", found.median),
        Figure::Rate => format!("{:.0}", found.median),
        Figure::P50 | Figure::P99 => format!("{:.1}", found.median / 1000.0),
    }
}

fn ratio(findings: &Findings, limit: Option<&Findings>, figure: Figure) -> String {
    let Some(limit) = limit else {
        return String::new();
    };
    if !spread(limit.values(figure)).is_some_and(|found| found.low > 0.0) {
        return String::new();
    }
    let ratios = ratios(findings.values(figure), limit.values(figure));
    match interval(&ratios) {
        Some(found) if ratios.len() > 1 => {
            format!("{:.2} [{:.2}, {:.2}]", found.median, found.low, found.high)
        }
        Some(found) => format!("{:.2}", found.median),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_figures_is_named_with_the_reason() {
        let limit = Findings::test("bare", Role::Limit, Figure::Cpu, &[10.0]);
        let mut slow = Findings::test("slow", Role::Peer, Figure::Cpu, &[20.0]);
        let mut absent = Findings::test("absent", Role::Peer, Figure::Cpu, &[]);
        slow.failure = Some("it was stuck".to_owned());
        absent.left_out = Some("it has none");
        let findings = vec![limit, slow, absent];
        let text = table(Cell::Lock, &findings);
        assert!(text.contains("| slow | failed |"), "{text}");
        assert!(text.contains("| absent | left out |"), "{text}");

        let mut report = Report::default();
        report.add(Cell::Lock, findings);
        let missing = report.missing();
        let lines =
            "- slow in lock: failed, it was stuck\n- absent in lock: left out, it has none\n";
        assert!(missing.contains(lines), "{missing}");
        assert_eq!(report.failures(), ["lock on slow: it was stuck"]);
    }
}

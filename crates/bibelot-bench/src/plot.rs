//! The plots: one picture for each workload, as SVG.
//!
//! A bar for each contender in each cell, as long as its median, with a whisker from the least to the most; each
//! cell has a scale of its own. Text takes the reader's colours, light or dark.

use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

use crate::cell::Cell;
use crate::contender::Role;
use crate::rounds::Findings;
use crate::statistics::{Summary, spread};
use crate::verdict::first_figure;

const WIDTH: f64 = 760.0;
/// Where bars begin: after the names.
const LEFT: f64 = 150.0;
/// Where the longest whisker ends: before the figures.
const RIGHT: f64 = 650.0;
const BAR: f64 = 14.0;
const STEP: f64 = 20.0;
const HEAD: f64 = 34.0;

/// What all pictures look like.
const STYLE: &str = "\
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.cell { font-weight: 600 }
.ours { fill: #0969da } .limit { fill: #59636e } .peer { fill: #c4cad1 }
line { stroke: #1f2328; stroke-width: 1.2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .ours { fill: #4493f8 } .limit { fill: #9198a1 } .peer { fill: #484f58 }
line { stroke: #e6edf3 }
}
</style>
";

type Found = (Cell, Vec<Findings>);

/// Draws the cells of one workload; nothing where nothing was found.
pub fn draw(cells: &[&Found]) -> Option<String> {
    let mut body = String::new();
    let mut y = 8.0;
    for (cell, findings) in cells {
        y = group(&mut body, y, *cell, findings).unwrap_or(y);
    }
    if body.is_empty() {
        return None;
    }
    let title = escaped(cells.first()?.0.workload());
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {y:.0}\" width=\"{WIDTH:.0}\" \
         height=\"{y:.0}\" role=\"img\">\n<title>{title}</title>\n{STYLE}{body}</svg>\n"
    ))
}

/// Draws one cell from `y` on; where it ends.
fn group(body: &mut String, y: f64, cell: Cell, findings: &[Findings]) -> Option<f64> {
    let figure = first_figure(findings)?;
    let found = findings
        .iter()
        .filter(|it| it.failure.is_none())
        .filter_map(|it| Some((it, spread(it.values(figure))?)));
    let found: Vec<(&Findings, Summary)> = found.collect();
    let most = found.iter().map(|it| it.1.high).fold(0.0, f64::max);
    let scale = (RIGHT - LEFT) / most.max(f64::MIN_POSITIVE);
    let _ = writeln!(
        body,
        "<text class=\"cell\" x=\"8\" y=\"{:.0}\">{}, {} per {}</text>",
        y + 18.0,
        escaped(&cell.to_string()),
        figure.name(),
        escaped(cell.unit())
    );
    let mut top = y + HEAD - 6.0;
    for (it, found) in found {
        bar(body, top, it, found, scale);
        top += STEP;
    }
    Some(top + 8.0)
}

fn bar(body: &mut String, top: f64, it: &Findings, found: Summary, scale: f64) {
    let class = match it.role {
        Role::Ours | Role::Part => "ours",
        Role::Limit => "limit",
        Role::Peer => "peer",
    };
    let (middle, base) = (top + BAR / 2.0, top + BAR - 3.0);
    let x = |value: f64| LEFT + value * scale;
    let (low, high) = (x(found.low), x(found.high));
    let _ = writeln!(
        body,
        "<text x=\"{:.0}\" y=\"{base:.1}\" text-anchor=\"end\">{}</text>\
         <rect class=\"{class}\" x=\"{LEFT:.0}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAR:.0}\" rx=\"2\"/>\
         <line x1=\"{low:.1}\" y1=\"{middle:.1}\" x2=\"{high:.1}\" y2=\"{middle:.1}\"/>\
         <text x=\"{:.1}\" y=\"{base:.1}\">{}</text>",
        LEFT - 8.0,
        escaped(it.contender),
        found.median * scale,
        high + 6.0,
        short(found.median),
    );
}

fn short(value: f64) -> String {
    let digits = match value {
        _ if value >= 100.0 => 0,
        _ if value >= 1.0 => 1,
        _ => 3,
    };
    format!("{value:.digits$}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The name of a workload's picture.
pub fn file_name(workload: &str) -> String {
    let words = workload.split(|letter: char| !letter.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}.svg", words.join("-").to_lowercase())
}

/// Writes the pictures of all workloads into a folder, which is made.
///
/// # Errors
///
/// What the operating system says.
pub fn write_all(cells: &[Found], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for group in cells.chunk_by(|a, b| a.0.workload() == b.0.workload()) {
        let group: Vec<&Found> = group.iter().collect();
        if let Some(picture) = draw(&group) {
            fs::write(folder.join(file_name(group[0].0.workload())), picture)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::Figure;

    fn found() -> Found {
        let limit = Findings::test("bare", Role::Limit, Figure::Cpu, &[10.0, 10.0, 20.0]);
        let ours = Findings::test("ours", Role::Ours, Figure::Cpu, &[20.0, 20.0, 40.0]);
        (Cell::Yield { tasks: 1 }, vec![limit, ours])
    }

    #[test]
    fn a_bar_is_the_median_and_a_whisker_reaches_the_most() {
        let picture = draw(&[&found()]).unwrap();
        let half = (RIGHT - LEFT) / 2.0;
        assert!(
            picture.contains(&format!(
                "class=\"ours\" x=\"150\" y=\"56.0\" width=\"{half:.1}\""
            )),
            "{picture}"
        );
        assert!(picture.contains(&format!("x2=\"{RIGHT:.1}\"")));
        assert_eq!(picture.matches("<rect").count(), 2);
    }

    #[test]
    fn a_picture_is_named_after_its_workload() {
        assert_eq!(
            file_name("Lock, semaphore, event"),
            "lock-semaphore-event.svg"
        );
        assert_eq!(draw(&[&(Cell::Lock, Vec::new())]), None);
    }
}

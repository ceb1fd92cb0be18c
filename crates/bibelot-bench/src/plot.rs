//! The plots: one picture for each workload, as SVG.
//!
//! A bar for each contender in each cell, as long as its median, with a whisker from the least to the most and the
//! value at its end; each cell has an axis of its own. The target is a line across. A contender has one colour in all
//! pictures, in light and in dark.

use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

use crate::axis::{self, Axis};
use crate::cell::Cell;
use crate::contender::Role;
use crate::rounds::Findings;
use crate::statistics::{Summary, spread};
use crate::target;
use crate::verdict::first_figure;

const WIDTH: f64 = 760.0;
/// Where bars begin: after the names.
const LEFT: f64 = 150.0;
/// Where the longest whisker ends: before the figures.
const RIGHT: f64 = 660.0;
const BAR: f64 = 14.0;
const STEP: f64 = 20.0;
const HEAD: f64 = 34.0;
/// For the numbers under the axis.
const FOOT: f64 = 34.0;

/// What all pictures look like.
const STYLE: &str = "\
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.value { paint-order: stroke; stroke: #ffffff; stroke-width: 3px }
.cell { font-weight: 600 } .tick { font-size: 11px; fill: #59636e }
.ground { fill: #ffffff } .grid { stroke: #d1d9e0; stroke-width: 1 }
.whisker { stroke: #1f2328; stroke-width: 1.2 }
.target { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 5 3 } .goal { fill: #cf222e }
.uring { fill: #0969da } .poll { fill: #54aeff } .part { fill: #80ccff } .limit { fill: #8c959f }
.tokio { fill: #bc4c00 } .monoio { fill: #1a7f37 } .smol { fill: #8250df } .compio { fill: #bf3989 }
.glommio { fill: #9a6700 } .peer { fill: #6e7781 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .tick { fill: #9198a1 } .value { stroke: #0d1117 }
.ground { fill: #0d1117 } .grid { stroke: #30363d } .whisker { stroke: #e6edf3 }
.target { stroke: #ff7b72 } .goal { fill: #ff7b72 }
.uring { fill: #1f6feb } .poll { fill: #388bfd } .part { fill: #79c0ff } .limit { fill: #6e7681 }
.tokio { fill: #db6d28 } .monoio { fill: #2ea043 } .smol { fill: #8957e5 } .compio { fill: #db61a2 }
.glommio { fill: #bb8009 }
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
         height=\"{y:.0}\" role=\"img\">\n<title>{title}</title>\n{STYLE}<rect class=\"ground\" width=\"100%\" \
         height=\"100%\"/>\n{body}</svg>\n"
    ))
}

/// Draws one cell from `y` on; where it ends.
fn group(body: &mut String, y: f64, cell: Cell, findings: &[Findings]) -> Option<f64> {
    let figure = first_figure(findings)?;
    let found = findings
        .iter()
        .filter(|it| it.takes_part())
        .filter_map(|it| Some((it, spread(it.values(figure))?)));
    let found: Vec<(&Findings, Summary)> = found.collect();
    let most = found.iter().map(|it| it.1.high).fold(0.0, f64::max);
    let medians: Vec<f64> = found.iter().map(|it| it.1.median).collect();
    let goal = target::line(cell, findings, figure);
    let axis = Axis::new(&medians, goal.map_or(most, |goal| most.max(goal)));
    let (divisor, unit) = axis::unit(figure, most);
    let _ = writeln!(
        body,
        "<text class=\"cell\" x=\"8\" y=\"{:.0}\">{}: {}, {unit} per {}{}</text>",
        y + 18.0,
        escaped(&cell.to_string()),
        figure.name(),
        escaped(cell.unit()),
        if axis.is_log() { " (log)" } else { "" },
    );
    let top = y + HEAD - 6.0;
    let end = top + STEP * found.len() as f64;
    ticks(body, top, end, axis, divisor);
    let rows = found
        .into_iter()
        .enumerate()
        .map(|(index, (it, found))| (top + STEP * index as f64, it, found));
    for (top, it, found) in rows.clone() {
        bar(body, top, it, found, axis);
    }
    if let Some(goal) = goal {
        let (x, at) = (x(axis, goal), end + 4.0);
        let _ = writeln!(
            body,
            "<line class=\"target\" x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"goal\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">target {}</text>",
            WIDTH - 8.0,
            y + 18.0,
            short(goal / divisor),
        );
    }
    for (top, it, found) in rows {
        let (high, base) = (x(axis, found.high), top + BAR - 3.0);
        let _ = writeln!(
            body,
            "<text x=\"{:.0}\" y=\"{base:.1}\" text-anchor=\"end\">{}</text>\
             <text class=\"value\" x=\"{:.1}\" y=\"{base:.1}\">{}</text>",
            LEFT - 8.0,
            escaped(it.contender),
            high + 6.0,
            short(found.median / divisor),
        );
    }
    Some(end + FOOT)
}

/// Where a value lies across the picture.
fn x(axis: Axis, value: f64) -> f64 {
    LEFT + axis.place(value) * (RIGHT - LEFT)
}

/// Lines through all bars, with numbers under them.
fn ticks(body: &mut String, top: f64, end: f64, axis: Axis, divisor: f64) {
    for tick in axis.ticks() {
        let x = x(axis, tick);
        let _ = writeln!(
            body,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{end:.1}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            end + 13.0,
            round(tick / divisor),
        );
    }
}

fn bar(body: &mut String, top: f64, it: &Findings, found: Summary, axis: Axis) {
    let middle = top + BAR / 2.0;
    let [low, median, high] = [found.low, found.median, found.high].map(|value| x(axis, value));
    let _ = writeln!(
        body,
        "<rect class=\"{}\" x=\"{LEFT:.0}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAR:.0}\" rx=\"2\"/>\
         <line class=\"whisker\" x1=\"{low:.1}\" y1=\"{middle:.1}\" x2=\"{high:.1}\" y2=\"{middle:.1}\"/>",
        colour(it),
        median - LEFT,
    );
}

/// The class that gives a contender its colour.
fn colour(it: &Findings) -> &'static str {
    match (it.role, it.contender) {
        (Role::Limit, _) => "limit",
        (Role::Ours, "bibelot-uring") => "uring",
        (Role::Ours, _) => "poll",
        (Role::Part, _) => "part",
        (Role::Peer, name @ ("tokio" | "monoio" | "smol" | "compio" | "glommio")) => name,
        (Role::Peer, "tokio-corked") => "tokio",
        (Role::Peer, _) => "peer",
    }
}

fn short(value: f64) -> String {
    let digits = match value {
        _ if value >= 100.0 => 0,
        _ if value >= 1.0 => 1,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// A tick, which is a round number.
fn round(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
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
        let bar = format!("class=\"poll\" x=\"150\" y=\"56.0\" width=\"{half:.1}\"");
        assert!(picture.contains(&bar), "{picture}");
        assert!(picture.contains(&format!("x2=\"{RIGHT:.1}\"")));
        assert_eq!(picture.matches("height=\"14\"").count(), 2);
    }

    #[test]
    fn the_target_is_a_line_where_it_lies() {
        // Twice the limit, which is 10.
        let picture = draw(&[&found()]).unwrap();
        assert!(picture.contains(">target 20.0<"), "{picture}");
        let x = LEFT + (RIGHT - LEFT) / 2.0;
        assert!(picture.contains(&format!("class=\"target\" x1=\"{x:.1}\"")));
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

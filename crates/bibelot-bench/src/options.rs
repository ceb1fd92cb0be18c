//! The options: what the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

/// What is to be done.
#[derive(Debug)]
pub struct Options {
    /// How often everything is measured, in turns.
    pub rounds: usize,
    /// How large a measurement is, as a factor.
    pub scale: f64,
    /// Cells whose names begin with one of these; all if empty.
    pub cells: Vec<String>,
    /// Contenders whose names begin with one of these; all if empty.
    pub contenders: Vec<String>,
    /// How long the whole may take: each contender then does as many operations as fit.
    pub budget: Option<Duration>,
    /// Counts instructions under callgrind instead of time.
    pub instructions: bool,
    /// Fails if a cell breaks, and says nothing about speed.
    pub smoke: bool,
    /// Where the report goes, besides the terminal.
    pub write: Option<PathBuf>,
}

/// How the command is used.
pub const HELP: &str = "\
bibelot-bench: bibelot beside other runtimes and hand-written limits

  --cells a,b        only cells whose names begin so (`--list` names them)
  --contenders a,b   only these, and the limits
  --rounds N         how often each is measured, in turns (15)
  --scale F          how large a measurement is, as a factor (1)
  --budget T         how long the whole may take (20m, 90s): instead of a scale, each
                     contender does as many operations as fit, in all rounds
  --instructions     counts instructions by valgrind instead of time
  --smoke            each cell once and small: does it work?
  --write PATH       writes the report there, too, and pictures into a folder of its name
  --list             names cells and contenders
  --help             says this

Runtimes to compare with are there if it is built with `--features peers`. What wedges is ended
and shown as that; what takes no part in a cell is named with its reason.
";

impl Options {
    /// Reads the arguments; `Err` is what to tell the user.
    pub fn read(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            rounds: 15,
            scale: 1.0,
            cells: Vec::new(),
            contenders: Vec::new(),
            budget: None,
            instructions: false,
            smoke: false,
            write: None,
        };
        let mut args = args;
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} wants a value"));
            match arg.as_str() {
                "--cells" => options.cells = list(&value()?),
                "--contenders" => options.contenders = list(&value()?),
                "--rounds" => options.rounds = number(&value()?)?,
                "--scale" => options.scale = number(&value()?)?,
                "--budget" => options.budget = Some(span(&value()?)?),
                "--write" => options.write = Some(value()?.into()),
                "--instructions" => options.instructions = true,
                "--smoke" => options.smoke = true,
                _ => return Err(format!("unknown argument {arg}\n\n{HELP}")),
            }
        }
        if options.smoke {
            (options.rounds, options.scale) = (1, 0.002);
        }
        if options.budget.is_some() && (options.smoke || options.instructions) {
            return Err("a budget is for measurements of time".to_owned());
        }
        if options.rounds == 0 || options.scale.is_nan() || options.scale <= 0.0 {
            return Err("rounds and scale are more than nothing".to_owned());
        }
        Ok(options)
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::to_owned).collect()
}

fn number<T: std::str::FromStr>(value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{value:?} is not such a number"))
}

/// Minutes or seconds, as in `20m` or `90s`.
fn span(value: &str) -> Result<Duration, String> {
    let unit = |end, seconds| Some((value.strip_suffix(end)?, seconds));
    let found = unit("m", 60).or_else(|| unit("s", 1));
    let (count, seconds) = found.ok_or_else(|| format!("{value:?} is neither 20m nor 90s"))?;
    let seconds = number::<u64>(count)?.saturating_mul(seconds);
    Ok(Duration::from_secs(seconds))
}

/// Whether one of the prefixes begins `name`; none at all begin everything.
pub fn is_chosen(prefixes: &[String], name: &str) -> bool {
    let begins = |prefix: &String| {
        let rest = name.strip_prefix(prefix.as_str());
        // A number is a whole one.
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
    };
    prefixes.is_empty() || prefixes.iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Options, String> {
        Options::read(args.iter().map(|&arg| arg.to_owned()))
    }

    #[test]
    fn values_follow_their_names() {
        let options = read(&["--rounds", "3", "--cells", "echo,spawn/1"]).unwrap();
        assert_eq!((options.rounds, options.scale), (3, 1.0));
        assert!(is_chosen(&options.cells, "echo/64x1"));
        assert!(!is_chosen(&options.cells, "yield/1"));
        assert!(is_chosen(&options.cells, "spawn/1") && !is_chosen(&options.cells, "spawn/1000"));
    }

    #[test]
    fn a_budget_is_in_minutes_or_seconds() {
        let budget = |value| read(&["--budget", value]).map(|options| options.budget);
        assert_eq!(budget("20m"), Ok(Some(Duration::from_secs(1200))));
        assert_eq!(budget("90s"), Ok(Some(Duration::from_secs(90))));
        assert!(budget("20").is_err() && budget("-1m").is_err());
        assert!(read(&["--budget", "1m", "--smoke"]).is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(read(&["--rounds"]).is_err());
        assert!(read(&["--rounds", "0"]).is_err());
        assert!(read(&["--scale", "NaN"]).is_err());
        assert!(read(&["--frobnicate"]).is_err());
    }
}

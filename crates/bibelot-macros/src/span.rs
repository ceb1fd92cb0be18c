//! The span: a length of time as text, such as `5s` or `1.5ms`, in nanoseconds.

/// What is said of text that is no span.
pub(crate) const EXPECTED: &str = "a time such as \"5s\", \"250ms\" or \"1.5m\"";

/// Each unit with its nanoseconds; the longer word of two with the same end stands first.
const UNITS: [(&str, u64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The nanoseconds of a number and its unit, if they fit into 64 bits; parts of a nanosecond do not count.
pub(crate) fn nanoseconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = UNITS
        .iter()
        .find_map(|&(word, unit)| Some((text.strip_suffix(word)?.trim_end(), unit)))?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let whole = digits(whole)?.checked_mul(u128::from(unit))?;
    // More digits than this are parts of a nanosecond.
    if !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = &part[..part.len().min(18)];
    let scale = 10_u128.pow(u32::try_from(part.len()).ok()?);
    let part = digits(part)? * u128::from(unit) / scale;
    u64::try_from(whole.checked_add(part)?).ok()
}

fn digits(text: &str) -> Option<u128> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_spans() {
        for (text, expected) in [
            ("5s", 5_000_000_000),
            ("250ms", 250_000_000),
            ("1.5m", 90_000_000_000),
            ("0.000001 s", 1_000),
            ("2h", 7_200_000_000_000),
            ("0s", 0),
            ("7ns", 7),
            ("1.9ns", 1),
            ("3us", 3_000),
            ("18446744073709551615ns", u64::MAX),
        ] {
            assert_eq!(nanoseconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn all_else_is_none() {
        for text in [
            "",
            "s",
            "5",
            "-1s",
            "+1s",
            "1e3s",
            "1.s",
            ".5s",
            "1..5s",
            "five s",
            "5 seconds",
            "18446744073709551616ns",
            "999999999999999999999999999999999999999999h",
            "1\u{b5}s",
            "1.12345678901234567\u{b5}s",
            "1.1234567890123456789 and s",
        ] {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
    }
}

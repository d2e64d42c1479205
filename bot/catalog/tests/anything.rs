//! Any text at all is read or refused, and never stops the program.

use super::{GOOD, read};

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = read(&text).map_err(|report| report.to_string());
    }

    #[test]
    fn no_change_of_one_place_makes_it_panic(at in 0_usize..400, what in "[\\[\\]{}:,'\"#&*!|>%@`\\- \\n\\ta-zä]{0,4}") {
        let at = GOOD.floor_char_boundary(at.min(GOOD.len()));
        let text = format!("{}{what}{}", &GOOD[..at], &GOOD[at..]);
        let _ = read(&text).map_err(|report| report.to_string());
    }

    #[test]
    fn a_line_taken_out_is_told_or_has_a_default(line in 0_usize..12) {
        let text: String = GOOD.lines().enumerate().filter(|(number, _)| *number != line).map(|(_, line)| format!("{line}\n")).collect();
        if let Err(report) = read(&text) {
            assert!(!report.is_empty());
        }
    }
}

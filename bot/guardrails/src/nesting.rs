//! How deep a text nests: Cedar goes down with every bracket and every operator of a chain, and one too many would end the whole program.

/// Brackets within brackets; people write fewer than ten.
const NESTED_MAX: usize = 100;
/// Operators in one guardrail; people write some dozens.
const OPERATORS_MAX: usize = 1_000;

/// Where the text goes deeper than its reader can bear, as an offset in bytes, and what there is too much of.
pub(crate) fn too_deep(text: &str) -> Option<(usize, &'static str)> {
    let (mut depth, mut operators): (usize, usize) = (0, 0);
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => skip_string(&mut characters),
            '/' if characters.next_if(|(_, next)| *next == '/').is_some() => {
                while characters.next_if(|(_, next)| *next != '\n').is_some() {}
            }
            '(' | '[' | '{' => depth = depth.saturating_add(1),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ';' => operators = 0,
            'e' if text.get(at..).is_some_and(|rest| rest.starts_with("else")) => {
                operators = operators.saturating_add(1)
            }
            '|' | '&' | '+' | '-' | '*' | '.' | '!' | '<' | '>' | '=' => operators = operators.saturating_add(1),
            _ => {}
        }
        if depth > NESTED_MAX {
            return Some((at, "brackets within brackets"));
        }
        if operators > OPERATORS_MAX {
            return Some((at, "operators in one guardrail"));
        }
    }
    None
}

fn skip_string(characters: &mut std::iter::Peekable<std::str::CharIndices<'_>>) {
    while let Some((_, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_and_those_in_texts_and_comments_do_not() {
        let nested = |count| format!("{}true{}", "(".repeat(count), ")".repeat(count));
        assert_eq!(too_deep(&nested(NESTED_MAX)), None);
        assert_eq!(too_deep(&nested(NESTED_MAX + 1)), Some((NESTED_MAX, "brackets within brackets")));
        assert_eq!(too_deep(&format!("\"{}\" \"a\\\"{}\"", "(".repeat(500), "[".repeat(500))), None);
        assert_eq!(too_deep(&format!("// {}\ntrue / 2", "{".repeat(500))), None);
    }
}

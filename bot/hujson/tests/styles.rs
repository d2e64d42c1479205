//! Policy files as people write them: every style of lines, commas, comments, spaces and line ends, from a seed.

/// A small generator of numbers, so that a seed always makes the same file.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1))
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }
}

/// How a whole file is written.
struct Style {
    line_end: &'static str,
    unit: &'static str,
    /// Out of ten: how often something stands on lines of its own.
    lines: usize,
    /// Out of ten.
    comments: usize,
    /// Out of ten.
    trailing_commas: usize,
    /// Whether spaces are anywhere at all.
    is_wild: bool,
}

pub fn file(seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let style = Style {
        line_end: dice.one_static(&["\n", "\n", "\r\n"]),
        unit: dice.one_static(&["\t", "  ", "    ", ""]),
        lines: [0, 5, 8, 10, 10][dice.below(5)],
        comments: [0, 0, 2, 5, 8][dice.below(5)],
        trailing_commas: [0, 5, 10][dice.below(3)],
        is_wild: dice.below(4) == 0,
    };
    let mut text = String::new();
    if dice.below(20) == 0 {
        text.push('\u{feff}');
    }
    style.gap(&mut dice, &mut text, 0);
    let names =
        ["grants", "acls", "ssh", "groups", "postures", "tagOwners", "tests", "hosts", "autoApprovers", "customThing"];
    let count = dice.below(names.len() + 1);
    let skipped = dice.below(names.len());
    let sections: Vec<&str> = names.iter().cycle().skip(skipped).take(count).copied().collect();
    style.list(&mut dice, &mut text, 1, ('{', '}'), sections.len(), &mut |dice, text, at| {
        let name = sections[at];
        text.push_str(&format!("\"{name}\""));
        style.colon(dice, text);
        match name {
            "groups" | "postures" | "tagOwners" | "hosts" => named(&style, dice, text, name),
            _ => rules(&style, dice, text),
        }
    });
    style.gap(&mut dice, &mut text, 0);
    text
}

impl Dice {
    fn one_static(&mut self, of: &[&'static str]) -> &'static str {
        of[self.below(of.len())]
    }
}

fn named(style: &Style, dice: &mut Dice, text: &mut String, section: &str) {
    let count = dice.below(4);
    style.list(dice, text, 2, ('{', '}'), count, &mut |dice, text, at| {
        text.push_str(&format!("\"{}:{}\"", section.trim_end_matches('s'), ["dba", "x", "eng"][at]));
        style.colon(dice, text);
        let count = dice.below(4);
        style.list(dice, text, 3, ('[', ']'), count, &mut |dice, text, _| text.push_str(literal(dice)));
    });
}

fn rules(style: &Style, dice: &mut Dice, text: &mut String) {
    let count = dice.below(4);
    style.list(dice, text, 2, ('[', ']'), count, &mut |dice, text, _| {
        let fields = ["src", "dst", "ip", "odd"];
        let count = dice.below(fields.len() + 1);
        style.list(dice, text, 3, ('{', '}'), count, &mut |dice, text, at| {
            text.push_str(&format!("\"{}\"", fields[at]));
            style.colon(dice, text);
            let count = dice.below(3);
            style.list(dice, text, 4, ('[', ']'), count, &mut |dice, text, _| text.push_str(literal(dice)));
        });
    });
}

fn literal(dice: &mut Dice) -> &'static str {
    dice.one_static(&[
        "\"alice@example.com\"",
        "\"*\"",
        "\"tag:prod-db\"",
        "\"// no comment\"",
        "\"/* nor this */\"",
        "\"a \\\" ] } , b\"",
        "\"\\u00e9 é ✓\"",
        "-1.5e3",
        "true",
        "null",
        "\"nightlatch r1: x\"",
        "\"\"",
    ])
}

impl Style {
    fn colon(&self, dice: &mut Dice, text: &mut String) {
        if self.is_wild {
            self.gap(dice, text, 1);
        }
        text.push(':');
        text.push_str(dice.one(&["", " ", " "]));
    }

    fn list(
        &self,
        dice: &mut Dice,
        text: &mut String,
        depth: usize,
        (open, close): (char, char),
        count: usize,
        part: &mut dyn FnMut(&mut Dice, &mut String, usize),
    ) {
        let on_lines = dice.below(10) < self.lines;
        text.push(open);
        for at in 0..count {
            self.between(dice, text, depth, on_lines);
            part(dice, text, at);
            if self.is_wild {
                self.gap(dice, text, depth);
            }
            if at + 1 < count || dice.below(10) < self.trailing_commas {
                text.push(',');
            }
            if dice.below(10) < self.comments && on_lines {
                text.push_str(dice.one(&[" // why", "  /* so */", " // nightlatch: not ours"]));
                if text.ends_with("why") || text.ends_with("ours") {
                    text.push_str(self.line_end);
                }
            }
        }
        if count > 0 || dice.below(2) == 0 {
            self.between(dice, text, depth.saturating_sub(1), on_lines);
        }
        text.push(close);
    }

    fn between(&self, dice: &mut Dice, text: &mut String, depth: usize, on_lines: bool) {
        if self.is_wild && dice.below(3) == 0 {
            return self.gap(dice, text, depth);
        }
        if !on_lines {
            return text.push_str(dice.one(&["", " ", ""]));
        }
        if dice.below(10) < self.comments {
            self.line(text, depth);
            text.push_str("// about what follows");
        }
        self.line(text, depth);
    }

    fn line(&self, text: &mut String, depth: usize) {
        text.push_str(self.line_end);
        text.push_str(&self.unit.repeat(depth));
    }

    /// Any white space and comments.
    fn gap(&self, dice: &mut Dice, text: &mut String, depth: usize) {
        for _ in 0..dice.below(3) {
            match dice.below(6) {
                0 => text.push(' '),
                1 => text.push('\t'),
                2 => self.line(text, depth),
                3 if self.comments > 0 => text.push_str("/* , ] } */"),
                4 if self.comments > 0 => {
                    text.push_str("// [ { ,");
                    self.line(text, depth);
                }
                5 if self.comments > 0 => text.push_str(&format!("/* over{}two */", self.line_end)),
                _ => text.push_str(self.line_end),
            }
        }
    }
}

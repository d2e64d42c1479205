//! From words to a tree, with the mistakes Go finds when it reads a template.

use std::collections::VecDeque;

use super::functions;
use super::lex::{Piece, Word, cut};
use super::{Command, DEPTH_MAX, Node, Operand, Pipeline, TemplateError, Value};

type Read<T> = Result<T, TemplateError>;

fn wrong<T>(why: impl Into<String>) -> Read<T> {
    Err(TemplateError(why.into()))
}

/// A template that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub(super) nodes: Vec<Node>,
}

/// Reads a template.
pub fn parse(text: &str) -> Read<Template> {
    let mut parser = Parser { pieces: cut(text)?.into(), variables: vec!["$".to_owned()], depth: 0 };
    let (nodes, end) = parser.list()?;
    match end {
        End::File => Ok(Template { nodes }),
        End::Block => wrong("`end` without `if` or `with`"),
        End::Else(_) => wrong("`else` without `if` or `with`"),
    }
}

/// What a list of nodes ended with.
enum End {
    File,
    /// `end`.
    Block,
    /// With the words behind it.
    Else(VecDeque<Word>),
}

struct Parser {
    pieces: VecDeque<Piece>,
    /// Those that are known where we are.
    variables: Vec<String>,
    depth: usize,
}

impl Parser {
    fn list(&mut self) -> Read<(Vec<Node>, End)> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.pop_front() {
            let mut words: VecDeque<Word> = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(words) => words.into(),
            };
            skip_space(&mut words);
            let keyword = match words.front() {
                Some(Word::Name(name)) => name.clone(),
                _ => String::new(),
            };
            match keyword.as_str() {
                "if" | "with" => {
                    words.pop_front();
                    nodes.push(self.control(&keyword, words)?);
                }
                "end" => {
                    words.pop_front();
                    skip_space(&mut words);
                    return if words.is_empty() {
                        Ok((nodes, End::Block))
                    } else {
                        wrong("something stands behind `end`")
                    };
                }
                "else" => {
                    words.pop_front();
                    skip_space(&mut words);
                    return Ok((nodes, End::Else(words)));
                }
                "range" | "define" | "template" | "block" | "break" | "continue" => {
                    return wrong(format!("`{keyword}` is not supported here; `if`, `else` and `with` are"));
                }
                _ => nodes.push(Node::Action(self.whole(words)?)),
            }
        }
        Ok((nodes, End::File))
    }

    /// `if` or `with`, behind the word itself.
    fn control(&mut self, keyword: &str, words: VecDeque<Word>) -> Read<Node> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return wrong("it is nested too deeply");
        }
        let known = self.variables.len();
        let pipeline =
            self.whole(words).map_err(|TemplateError(why)| TemplateError(format!("{why} (in `{keyword}`)")))?;
        let (then, mut end) = self.list()?;
        let mut otherwise = Vec::new();
        if let End::Else(mut words) = end {
            let chained = matches!(words.front(), Some(Word::Name(name)) if name == keyword);
            if chained {
                words.pop_front();
                otherwise.push(self.control(keyword, words)?);
                end = End::Block;
            } else if words.is_empty() {
                (otherwise, end) = self.list()?;
            } else {
                return wrong("something stands behind `else`");
            }
        }
        self.variables.truncate(known);
        self.depth -= 1;
        match end {
            End::Block if keyword == "if" => Ok(Node::If { pipeline, then, otherwise }),
            End::Block => Ok(Node::With { pipeline, then, otherwise }),
            End::Else(_) => wrong("`else` stands twice"),
            End::File => wrong(format!("`{keyword}` has no `end`")),
        }
    }

    /// A pipeline that takes all the words.
    fn whole(&mut self, mut words: VecDeque<Word>) -> Read<Pipeline> {
        let pipeline = self.pipeline(&mut words)?;
        if words.is_empty() { Ok(pipeline) } else { wrong("a `)` has no `(`") }
    }

    fn pipeline(&mut self, words: &mut VecDeque<Word>) -> Read<Pipeline> {
        let variable = self.variable(words)?;
        let mut commands = Vec::new();
        loop {
            skip_space(words);
            let command = self.command(words)?;
            let is_later = !commands.is_empty();
            match command.first() {
                None => return wrong("a value is missing"),
                Some(Operand::Nil) if command.len() == 1 => return wrong("`nil` is no command"),
                Some(Operand::Literal(_) | Operand::Dot | Operand::Nil) if is_later => {
                    return wrong("what stands behind `|` must be a function");
                }
                Some(_) => commands.push(command),
            }
            if words.front() != Some(&Word::Pipe) {
                break;
            }
            words.pop_front();
        }
        if let Some((name, true)) = &variable {
            self.variables.push(name.clone());
        }
        Ok(Pipeline { variable, commands })
    }

    /// `$x :=` or `$x =` at the front.
    fn variable(&mut self, words: &mut VecDeque<Word>) -> Read<Option<(String, bool)>> {
        skip_space(words);
        let Some(Word::Variable(name)) = words.front().cloned() else { return Ok(None) };
        let at = usize::from(words.get(1) == Some(&Word::Space)) + 1;
        let is_new = match words.get(at) {
            Some(Word::Declare) => true,
            Some(Word::Assign) => false,
            _ => return Ok(None),
        };
        words.drain(..=at);
        if !is_new && !self.variables.contains(&name) {
            return wrong(format!("the variable `{name}` is not known"));
        }
        Ok(Some((name, is_new)))
    }

    fn command(&mut self, words: &mut VecDeque<Word>) -> Read<Command> {
        let mut operands = Vec::new();
        while let Some(operand) = self.operand(words)? {
            operands.push(operand);
            match words.front() {
                Some(Word::Space) => skip_space(words),
                None | Some(Word::Pipe | Word::Close) => break,
                Some(_) => return wrong("two values stand together without a space"),
            }
        }
        Ok(operands)
    }

    /// The next value, with its fields; nothing if none stands here.
    fn operand(&mut self, words: &mut VecDeque<Word>) -> Read<Option<Operand>> {
        let operand = match words.front().cloned() {
            None | Some(Word::Pipe | Word::Close) => return Ok(None),
            Some(word) => {
                words.pop_front();
                match word {
                    Word::Text(text) => Operand::Literal(Value::Text(text)),
                    Word::Number(text) => Operand::Literal(number(&text)?),
                    Word::Character(c) => Operand::Literal(Value::Whole(i64::from(u32::from(c)))),
                    Word::Field(name) => Operand::Fields(Box::new(Operand::Dot), vec![name]),
                    Word::Dot => Operand::Dot,
                    Word::Variable(name) if !self.variables.contains(&name) => {
                        return wrong(format!("the variable `{name}` is not known"));
                    }
                    Word::Variable(name) => Operand::Variable(name),
                    Word::Open => self.in_parentheses(words)?,
                    Word::Name(name) => named(&name)?,
                    Word::Assign | Word::Declare => return wrong("only a variable can be set"),
                    Word::Space | Word::Pipe | Word::Close => return wrong("a value is missing"),
                }
            }
        };
        let mut fields = Vec::new();
        while let Some(Word::Field(name)) = words.front() {
            fields.push(name.clone());
            words.pop_front();
        }
        if fields.is_empty() {
            return Ok(Some(operand));
        }
        match operand {
            Operand::Literal(_) | Operand::Nil | Operand::Dot => wrong("what stands before a field has none"),
            Operand::Fields(of, mut before) => {
                before.extend(fields);
                Ok(Some(Operand::Fields(of, before)))
            }
            of => Ok(Some(Operand::Fields(Box::new(of), fields))),
        }
    }

    fn in_parentheses(&mut self, words: &mut VecDeque<Word>) -> Read<Operand> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return wrong("it is nested too deeply");
        }
        let pipeline = self.pipeline(words)?;
        self.depth -= 1;
        if words.pop_front() != Some(Word::Close) {
            return wrong("a `(` is not closed");
        }
        Ok(Operand::Pipeline(Box::new(pipeline)))
    }
}

fn skip_space(words: &mut VecDeque<Word>) {
    while words.front() == Some(&Word::Space) {
        words.pop_front();
    }
}

fn named(name: &str) -> Read<Operand> {
    Ok(match name {
        "true" => Operand::Literal(Value::Flag(true)),
        "false" => Operand::Literal(Value::Flag(false)),
        "nil" => Operand::Nil,
        name if functions::is_known(name) => Operand::Function(name.to_owned()),
        name if functions::is_only_known_to_go(name) => {
            return wrong(format!("the function `{name}` is not supported here"));
        }
        name => return wrong(format!("there is no function `{name}`")),
    })
}

/// Go's numbers as far as links have any: whole ones in any base, and fractions.
fn number(text: &str) -> Read<Value> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let plain = digits.replace('_', "").to_lowercase();
    let bases = [("0x", 16), ("0o", 8), ("0b", 2)];
    let based = bases.iter().find_map(|(prefix, base)| plain.strip_prefix(prefix).map(|digits| (digits, *base)));
    let octal = plain.strip_prefix('0').filter(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    let (digits, base) = based.or(octal.map(|digits| (digits, 8))).unwrap_or((&plain, 10));
    if let Some(number) = i64::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with(['+', '-'])) {
        return Ok(Value::Whole(sign * number));
    }
    let is_decimal = plain.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-'));
    match plain.parse::<f64>() {
        #[expect(clippy::cast_precision_loss, reason = "the sign is 1 or -1")]
        Ok(number) if is_decimal && number.is_finite() => Ok(Value::Fraction(sign as f64 * number)),
        _ => wrong(format!("`{text}` is no number")),
    }
}

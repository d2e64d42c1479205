//! Filling a template in.

use super::functions;
use super::parse::Template;
use super::value::{Ran, RunError, Value, show, type_name, wrong};
use super::{Node, Operand, Pipeline};

/// Longest result in bytes; no browser goes further.
const RESULT_MAX: usize = 65_536;
/// Bytes that may be handled on the way; whoever writes a link must not keep the others waiting.
const WORK_MAX: usize = 1 << 19;

/// What a template can ask for.
pub struct Known<'a> {
    /// What stands behind the name, without the slash.
    pub path: &'a str,
    /// Who follows the link.
    pub user: Option<&'a str>,
    /// Milliseconds since the Unix epoch.
    pub now: i64,
}

/// Fills the template in.
pub fn run(template: &Template, known: &Known<'_>) -> Ran<String> {
    let variables = vec![("$".to_owned(), Value::Everything)];
    let mut runner = Runner { known, variables, text: String::new(), work: 0 };
    runner.list(&template.nodes, &Value::Everything)?;
    Ok(runner.text)
}

struct Runner<'a> {
    known: &'a Known<'a>,
    variables: Vec<(String, Value)>,
    text: String,
    /// Bytes handled so far.
    work: usize,
}

impl Runner<'_> {
    fn list(&mut self, nodes: &[Node], dot: &Value) -> Ran<()> {
        for node in nodes {
            match node {
                Node::Text(text) => self.text.push_str(text),
                Node::Action(pipeline) => {
                    let value = self.pipeline(pipeline, dot)?;
                    if pipeline.variable.is_none() {
                        self.text.push_str(&show(&value)?);
                    }
                    self.worked(value.size())?;
                }
                Node::If { pipeline, then, otherwise } => self.branch(pipeline, then, otherwise, dot, false)?,
                Node::With { pipeline, then, otherwise } => self.branch(pipeline, then, otherwise, dot, true)?,
            }
            if self.text.len() > RESULT_MAX {
                return wrong("what comes out is too long for an address");
            }
        }
        Ok(())
    }

    fn branch(&mut self, pipeline: &Pipeline, then: &[Node], otherwise: &[Node], dot: &Value, moves: bool) -> Ran<()> {
        let variables = self.variables.len();
        let value = self.pipeline(pipeline, dot)?;
        if functions::is_true(&value) {
            self.list(then, if moves { &value } else { dot })?;
        } else {
            self.list(otherwise, dot)?;
        }
        self.variables.truncate(variables);
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Ran<Value> {
        let mut last: Option<Value> = None;
        for command in &pipeline.commands {
            let (first, arguments) = match command.split_first() {
                Some(split) => split,
                None => return wrong("a value is missing"),
            };
            last = Some(self.command(first, arguments, last, dot)?);
        }
        let Some(value) = last else { return wrong("a value is missing") };
        match &pipeline.variable {
            Some((name, true)) => self.variables.push((name.clone(), value.clone())),
            Some((name, false)) => {
                if let Some((_, kept)) = self.variables.iter_mut().rev().find(|(known, _)| known == name) {
                    *kept = value.clone();
                }
            }
            None => {}
        }
        Ok(value)
    }

    fn command(&mut self, first: &Operand, arguments: &[Operand], last: Option<Value>, dot: &Value) -> Ran<Value> {
        match first {
            // These two stop at the first argument that decides.
            Operand::Function(name) if name == "and" || name == "or" => {
                let mut found = None;
                for argument in arguments {
                    let value = self.operand(argument, dot)?;
                    if functions::is_true(&value) == (name == "or") {
                        return Ok(value);
                    }
                    found = Some(value);
                }
                let value = last.or(found);
                value.map_or_else(|| wrong(format!("`{name}` needs something to look at")), Ok)
            }
            Operand::Function(name) => {
                let values = self.values(arguments, last, dot)?;
                let (value, work) = match name.as_str() {
                    "Match" => functions::matches(&values)?,
                    name => (functions::call(name, &values)?, 1),
                };
                self.worked(work.saturating_add(value.size()))?;
                Ok(value)
            }
            Operand::Fields(of, names) => {
                let value = self.operand(of, dot)?;
                let values = self.values(arguments, last, dot)?;
                self.fields(value, names, &values)
            }
            other if arguments.is_empty() && last.is_none() => self.operand(other, dot),
            _ => wrong("something that is no function was given arguments"),
        }
    }

    fn values(&mut self, arguments: &[Operand], last: Option<Value>, dot: &Value) -> Ran<Vec<Value>> {
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for argument in arguments {
            let value = self.operand(argument, dot)?;
            self.worked(value.size())?;
            values.push(value);
        }
        values.extend(last);
        Ok(values)
    }

    fn worked(&mut self, bytes: usize) -> Ran<()> {
        self.work = self.work.saturating_add(bytes);
        if self.work > WORK_MAX { wrong("filling it in takes too long") } else { Ok(()) }
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Ran<Value> {
        match operand {
            Operand::Dot => Ok(dot.clone()),
            Operand::Nil => wrong("`nil` is nothing a link can use"),
            Operand::Literal(value) => Ok(value.clone()),
            Operand::Function(name) => functions::call(name, &[]),
            Operand::Variable(name) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                found.map_or_else(
                    || wrong(format!("the variable `{name}` is not known")),
                    |(_, value)| Ok(value.clone()),
                )
            }
            Operand::Pipeline(pipeline) => self.pipeline(pipeline, dot),
            Operand::Fields(of, names) => {
                let value = self.operand(of, dot)?;
                self.fields(value, names, &[])
            }
        }
    }

    /// Fields and methods in a row; the arguments belong to the last.
    fn fields(&self, mut value: Value, names: &[String], arguments: &[Value]) -> Ran<Value> {
        let last = names.len().saturating_sub(1);
        for (at, name) in names.iter().enumerate() {
            let arguments = if at == last { arguments } else { &[] };
            value = match (&value, name.as_str()) {
                (Value::Everything, "Path" | "User" | "Now") if !arguments.is_empty() => {
                    return wrong(format!("`.{name}` takes no arguments"));
                }
                (Value::Everything, "Path") => Value::Text(self.known.path.to_owned()),
                (Value::Everything, "Now") => Value::Time(self.known.now),
                (Value::Everything, "User") => match self.known.user {
                    Some(user) => Value::Text(user.to_owned()),
                    None => return Err(RunError::NoUser),
                },
                (Value::Time(at), name) => functions::time_method(*at, name, arguments)?,
                (Value::Everything, name) => {
                    return wrong(format!("there is no `.{name}`; a link knows `.Path`, `.User` and `.Now`"));
                }
                (value, name) => return wrong(format!("a {} has no `.{name}`", type_name(value))),
            };
        }
        Ok(value)
    }
}

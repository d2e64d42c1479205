//! Mistakes in files people wrote: where, what, and what to write instead; all of them at once.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};
use serde::Serialize;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The file or folder, as it was named to us.
    pub file: String,
    /// From 1; 0 when the whole file is meant.
    pub line: usize,
    /// In characters, from 1; 0 when the whole file is meant.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The line itself, shortened around the mistake and without secrets; empty when the whole file is meant.
    pub source_line: String,
    /// Which bytes of `source_line` are meant: start and length.
    #[serde(skip)]
    pub(crate) mark: (usize, usize),
}

impl Mistake {
    /// A mistake that concerns a whole file or folder.
    pub fn whole(file: impl Into<String>, message: impl Into<String>, help: Option<String>) -> Self {
        let (file, message) = (file.into(), message.into());
        Self { file, line: 0, column: 0, message, help, source_line: String::new(), mark: (0, 0) }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 { write!(f, "{}: {}", self.file, self.message) } else { f.write_str(&self.message) }
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (self.line > 0).then_some(self as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_primary_with_span(None, self.mark);
        (self.line > 0).then(|| Box::new(std::iter::once(label)) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

/// Only the line is kept, not the file: a report on a large file stays small, and columns count characters.
impl SourceCode for Mistake {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let whole = SourceSpan::from((0, self.source_line.len()));
        let (span, column) = if lines_before > 0 { (whole, 0) } else { (*span, self.column.saturating_sub(1)) };
        let end = span.offset().saturating_add(span.len());
        let data = self.source_line.as_bytes().get(span.offset()..end).ok_or(MietteError::OutOfBounds)?;
        let line = self.line.saturating_sub(1);
        Ok(Box::new(MietteSpanContents::new_named(self.file.clone(), data, span, line, column, 1)))
    }
}

/// Every mistake found, in order of files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// At most 100 for each file.
    pub mistakes: Vec<Mistake>,
    /// How many more there were than are listed.
    pub unlisted: usize,
}

impl Report {
    /// One mistake that concerns a whole file or folder.
    pub fn whole(file: impl Into<String>, message: impl Into<String>, help: Option<String>) -> Self {
        Self { mistakes: vec![Mistake::whole(file, message, help)], unlisted: 0 }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// Adds what another report found.
    pub fn absorb(&mut self, other: Self) {
        self.mistakes.extend(other.mistakes);
        self.unlisted += other.unlisted;
    }

    /// `Ok` if nothing is wrong.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The text for people: each mistake with its line, then how many there are. With colour for a terminal.
    pub fn render(&self, colour: bool) -> Result<String, fmt::Error> {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler =
            GraphicalReportHandler::new_themed(theme).with_links(false).with_width(110).without_syntax_highlighting();
        let mut text = String::new();
        for mistake in &self.mistakes {
            handler.render_report(&mut text, mistake)?;
            text.push('\n');
        }
        text.push_str(&self.count_line());
        text.push('\n');
        Ok(text)
    }

    fn count_line(&self) -> String {
        let mut files: Vec<&str> = self.mistakes.iter().map(|mistake| mistake.file.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        let count = self.mistakes.len() + self.unlisted;
        let mistakes = if count == 1 { "1 mistake".to_owned() } else { format!("{count} mistakes") };
        let places = if files.len() == 1 { "1 file".to_owned() } else { format!("{} files", files.len()) };
        let unlisted = if self.unlisted > 0 { format!(" ({} not listed)", self.unlisted) } else { String::new() };
        format!("{mistakes} in {places}{unlisted}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false)?)
    }
}

impl std::error::Error for Report {}

//! What a text has to look like, as a regular expression.

use serde::{Deserialize, Serialize};

/// What a text has to look like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// A regular expression that is found in it.
    pub regex: String,
    /// Told to whoever typed something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Pattern {
    /// The most that a compiled expression may need, in bytes: whoever writes files must not fill the memory.
    const SIZE_MAX: usize = 1 << 20;

    /// Why it is none, for people; nothing if it is one.
    pub fn mistake(&self) -> Option<String> {
        self.compiled().err().map(|error| error.to_string())
    }

    /// Whether it is found in the text. What is no expression is found in nothing.
    pub fn fits(&self, text: &str) -> bool {
        self.compiled().is_ok_and(|regex| regex.is_match(text))
    }

    fn compiled(&self) -> Result<regex::Regex, regex::Error> {
        regex::RegexBuilder::new(&self.regex).size_limit(Self::SIZE_MAX).build()
    }
}

//! Files of lines that people move about: read whatever program wrote them, or said why not.

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::Path;

/// As Windows programs begin a file in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The file's lines, `-` for standard input; a byte order mark in front is left out.
///
/// # Errors
/// It cannot be opened, or is in UTF-16: what to do is said.
pub(in crate::cli) fn source(path: &Path) -> Result<Box<dyn BufRead>, String> {
    let unreadable = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let mut source: Box<dyn BufRead> = match path.to_str() {
        Some("-") => Box::new(BufReader::new(stdin())),
        _ => Box::new(BufReader::new(File::open(path).map_err(unreadable)?)),
    };
    let start = source.fill_buf().map_err(unreadable)?;
    // No line begins with a zero byte or has one after its first letter, except in UTF-16.
    let is_utf16 =
        start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") || start.iter().take(2).any(|b| *b == 0);
    if is_utf16 {
        let path = path.display();
        return Err(format!(
            "{path} is in UTF-16, as `>` of Windows PowerShell writes it; write it anew in UTF-8, there with\n  \
             Get-Content {path} | Set-Content -Encoding utf8 utf8.jsonl\nand elsewhere with\n  iconv -f UTF-16 -t UTF-8 {path} > utf8.jsonl"
        ));
    }
    if start.starts_with(BYTE_ORDER_MARK) {
        source.consume(BYTE_ORDER_MARK.len());
    }
    Ok(source)
}

/// The next line without its end; none at the end, and `Err(())` for one that is not UTF-8.
///
/// # Errors
/// It cannot be read on.
pub(in crate::cli) fn next(source: &mut dyn BufRead) -> std::io::Result<Option<Result<String, ()>>> {
    let mut bytes = Vec::new();
    if source.read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    let text = String::from_utf8(bytes).map_err(|_| ());
    Ok(Some(text.map(|text| text.trim_end_matches(['\n', '\r']).to_owned())))
}

/// What is said of a line that is not UTF-8.
pub(in crate::cli) const NOT_UTF8: &str = "it is not UTF-8";

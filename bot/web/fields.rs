//! Fields of a form or a query as bytes: whoever reads them says what happens to those that are no text.

/// `name=value&...`, with `+` and `%` undone. Unlike the usual decoding, nothing is replaced by something else.
pub(super) fn pairs(encoded: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let mut next = || decoded(halves.next().unwrap_or_default());
        (next(), next())
    })
}

/// A `%` that begins no escape stays as it is.
fn decoded(encoded: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, behind @ ..]) => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = behind;
                }
                _ => bytes.push(b'%'),
            },
            (other, _) => bytes.push(*other),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_byte_for_byte() {
        let read = |text: &str| pairs(text.as_bytes()).collect::<Vec<_>>();
        let pair = |name: &str, value: &[u8]| (name.as_bytes().to_vec(), value.to_vec());
        assert_eq!(read("a=b+c%20d&&x"), [pair("a", b"b c d"), pair("x", b"")]);
        assert_eq!(read("c=caf%E9&d=50%zz%"), [pair("c", b"caf\xe9"), pair("d", b"50%zz%")]);
        assert_eq!(read("c=a%0D%0A=b"), [pair("c", b"a\r\n=b")]);
    }

    proptest::proptest! {
        #[test]
        fn text_is_read_as_everybody_reads_it(text in "[a-z%&=+0-9A-F é]{0,40}") {
            let ours = pairs(text.as_bytes()).map(|(name, value)| {
                (String::from_utf8_lossy(&name).into_owned(), String::from_utf8_lossy(&value).into_owned())
            });
            let usual: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
            assert_eq!(ours.collect::<Vec<_>>(), usual);
        }
    }
}

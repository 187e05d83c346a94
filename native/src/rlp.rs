//! RLP read in one pass by those who know what must come: slices, no tree, no explanation.
//!
//! `None` means: not of the regular form. Whoever asked then takes the careful way, which is not here.

/// A place in the input. Every read is checked against the end of the list that it is in.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    raw: &'a [u8],
    pub pos: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(raw: &'a [u8]) -> Self {
        Cursor {
            raw,
            pos: 0,
            end: raw.len(),
        }
    }

    pub fn at_end(&self) -> bool {
        self.pos == self.end
    }

    /// The next byte, which stays where it is.
    pub fn peek(&self) -> Option<u8> {
        if self.pos < self.end {
            self.raw.get(self.pos).copied()
        } else {
            None
        }
    }

    /// All from `start` up to here.
    pub fn since(&self, start: usize) -> &'a [u8] {
        &self.raw[start..self.pos]
    }

    pub fn skip(&mut self, count: usize) -> Option<&'a [u8]> {
        if count > self.end - self.pos {
            return None;
        }
        let start = self.pos;
        self.pos += count;
        Some(&self.raw[start..self.pos])
    }

    /// Go into a list; this cursor moves on to its end.
    pub fn list(&mut self) -> Option<Cursor<'a>> {
        let first = self.peek()?;
        if first < 0xC0 {
            return None;
        }
        self.pos += 1;
        let size = if first < 0xF8 {
            usize::from(first - 0xC0)
        } else {
            self.long_size(first - 0xF7)?
        };
        let start = self.pos;
        self.skip(size)?;
        Some(Cursor {
            raw: self.raw,
            pos: start,
            end: self.pos,
        })
    }

    fn long_size(&mut self, width: u8) -> Option<usize> {
        let bytes = self.skip(usize::from(width))?;
        if bytes[0] == 0 || bytes.len() > size_of::<usize>() {
            return None;
        }
        let size = bytes.iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
        (size > 55).then_some(size)
    }

    /// A byte string of any length.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let first = self.peek()?;
        if first < 0x80 {
            return self.skip(1);
        }
        if first >= 0xC0 {
            return None;
        }
        self.pos += 1;
        let size = if first < 0xB8 {
            usize::from(first - 0x80)
        } else {
            self.long_size(first - 0xB7)?
        };
        let text = self.skip(size)?;
        if size == 1 && text[0] < 0x80 { None } else { Some(text) }
    }

    /// An integer of at most 32 bytes: big-endian, without leading zeros, empty for zero.
    pub fn int(&mut self) -> Option<&'a [u8]> {
        let bytes = self.string()?;
        if bytes.len() > 32 || bytes.first() == Some(&0) {
            None
        } else {
            Some(bytes)
        }
    }

    /// An integer of at most 64 bits.
    pub fn word(&mut self) -> Option<u64> {
        self.int().and_then(as_word)
    }

    /// A string of exactly that many bytes, more than one.
    pub fn fixed(&mut self, size: usize) -> Option<&'a [u8]> {
        let bytes = self.string()?;
        if bytes.len() == size { Some(bytes) } else { None }
    }

    /// A list of such strings.
    pub fn fixed_list(&mut self, size: usize) -> Option<Vec<&'a [u8]>> {
        let mut inside = self.list()?;
        let mut found = Vec::new();
        while !inside.at_end() {
            found.push(inside.fixed(size)?);
        }
        Some(found)
    }
}

/// The integer, if it has at most 64 bits.
pub fn as_word(int: &[u8]) -> Option<u64> {
    if int.len() > 8 {
        return None;
    }
    Some(int.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)))
}

/// What stands in front of a payload of that size, after `buffer`'s first byte is made: `offset` is 0x80 for a
/// string and 0xC0 for a list.
pub fn header(offset: u8, size: usize, buffer: &mut Vec<u8>) {
    if size < 56 {
        buffer.push(offset + size as u8);
        return;
    }
    let bytes = size.to_be_bytes();
    let leading = size.leading_zeros() as usize / 8;
    buffer.push(offset + 55 + (bytes.len() - leading) as u8);
    buffer.extend_from_slice(&bytes[leading..]);
}

/// An integer given by its bytes without leading zeros.
pub fn put_int(int: &[u8], buffer: &mut Vec<u8>) {
    match int {
        [only] if *only < 0x80 => buffer.push(*only),
        _ => {
            header(0x80, int.len(), buffer);
            buffer.extend_from_slice(int);
        }
    }
}

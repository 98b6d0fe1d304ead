//! Which bytes may stand where, one table for all.

use super::Refusal;

const TOKEN: u8 = 1;
const PATH: u8 = 1 << 1;
const QUERY: u8 = 1 << 2;
const REG_NAME: u8 = 1 << 3;
const QUOTED: u8 = 1 << 4;

static CLASSES: [u8; 256] = classes();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which checks the bounds")]
const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = class_of(byte);
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

const fn class_of(byte: u8) -> u8 {
    let mut class = 0;
    if byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
    {
        class |= TOKEN;
    }
    // RFC 3986 and what browsers leave unencoded beyond it: `|`, `[` and `]` in a path, `\ ^ ` { }` as well in a query.
    if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'#' | b'<' | b'>') {
        class |= QUERY;
        if !matches!(byte, b'?' | b'\\' | b'^' | b'`' | b'{' | b'}') {
            class |= PATH;
        }
    }
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
        class |= REG_NAME;
    }
    // What a quoted-string holds unescaped (RFC 9110 §5.6.4): all of a field value but `"` and `\`.
    if is_field_byte(byte) && !matches!(byte, b'"' | b'\\') {
        class |= QUOTED;
    }
    class
}

fn has(byte: u8, class: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|classes| classes & class != 0)
}

/// RFC 9110 §5.6.2.
pub(super) fn is_token(byte: u8) -> bool {
    has(byte, TOKEN)
}

/// May stand before the `?` of a request target, in any of its forms.
pub(super) fn is_path(byte: u8) -> bool {
    has(byte, PATH)
}

/// May stand after the `?` of a request target.
pub(super) fn is_query(byte: u8) -> bool {
    has(byte, QUERY)
}

/// May stand in a host name: RFC 3986's unreserved characters, without percent-encoding and sub-delims.
pub(super) fn is_reg_name(byte: u8) -> bool {
    has(byte, REG_NAME)
}

/// May stand unescaped between the quotes of a quoted-string.
pub(super) fn is_quoted(byte: u8) -> bool {
    has(byte, QUOTED)
}

/// VCHAR, SP, HTAB or obs-text: all that a field value may hold (RFC 9110 §5.5).
pub(super) const fn is_field_byte(byte: u8) -> bool {
    (byte >= b' ' || byte == b'\t') && byte != 0x7f
}

/// Whether all bytes are [`is_field_byte`]. No early end, so that the compiler makes it sixteen bytes at a time.
pub(super) fn are_field_bytes(value: &[u8]) -> bool {
    value.iter().fold(true, |good, &byte| good & ((byte >= b' ') | (byte == b'\t')) & (byte != 0x7f))
}

/// Which rule a byte breaks that is none of [`is_field_byte`]; `otherwise` where it is one.
pub(super) fn fault_of(byte: u8, otherwise: Refusal) -> Refusal {
    match byte {
        b'\r' => Refusal::BareCarriageReturn,
        b'\n' => Refusal::BareLineFeed,
        _ if is_field_byte(byte) => otherwise,
        _ => Refusal::ControlCharacter,
    }
}

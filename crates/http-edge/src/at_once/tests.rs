//! A plain head says the same here as to the parser behind the guard.

use proptest::prelude::*;

use super::*;

fn origin() -> Origin {
    let address = "127.0.0.1:1".parse().unwrap();
    Origin { peer: address, local: address, secure: false, http2: false }
}

/// The fields as a parser that hyper uses reads them.
fn parsed(head: &[u8]) -> HeaderMap {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut fields);
    assert!(request.parse(head).unwrap().is_complete());
    let mut map = HeaderMap::new();
    for field in request.headers {
        map.append(HeaderName::from_bytes(field.name.as_bytes()).unwrap(), field.value.try_into().unwrap());
    }
    map
}

proptest! {
    #[test]
    fn fields_are_those_that_the_parser_reads(
        fields in prop::collection::vec(("[A-Za-z][A-Za-z0-9-]{0,12}", "[ \t]{0,2}([!-~][ -~]{0,20}[!-~])?[ \t]{0,2}"), 0..12),
        query in "[a-z0-9=&]{0,8}",
    ) {
        let lines: String = fields.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect();
        let head = format!("GET /p?{query} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        let plain = PlainHead::read(head.as_bytes(), origin()).unwrap();
        let mut read = HeaderMap::new();
        read.insert("left-over", "1".parse().unwrap());
        plain.read_fields(&mut read).unwrap();
        prop_assert_eq!(read, parsed(head.as_bytes()));
        prop_assert_eq!(plain.method(), &Method::GET);
        prop_assert_eq!(plain.target(), format!("/p?{query}"));
    }
}

#[test]
fn an_answer_is_written_however_little_is_taken() {
    for (length, most) in [(10, 1), (10, 7), (5000, 1000), (5000, 4096), (5000, 100_000)] {
        let body: Bytes = (0..length).map(|byte| u8::try_from(byte % 251).unwrap()).collect();
        let mut answer = ReadyAnswer::default();
        answer.begin(StatusCode::OK).unwrap();
        answer.field("a", b"b");
        answer.lines().extend_from_slice(b"c: d\r\n");
        answer.end(&body);
        let mut io = Sip { taken: Vec::new(), most };
        let mut cx = Context::from_waker(std::task::Waker::noop());
        while !answer.is_written() {
            assert!(matches!(answer.poll_write(&mut io, &mut cx), Poll::Ready(Ok(1..))));
        }
        let expected = [&b"HTTP/1.1 200 OK\r\na: b\r\nc: d\r\n\r\n"[..], &body].concat();
        assert_eq!(io.taken, expected);
    }
}

#[test]
fn a_status_without_a_phrase_cannot_be_written() {
    let unheard_of = StatusCode::from_u16(299).unwrap();
    assert!(ReadyAnswer::default().begin(unheard_of).is_none());
}

/// Takes at most so many bytes at a time, of the first piece and the second.
struct Sip {
    taken: Vec<u8>,
    most: usize,
}

impl AsyncWrite for Sip {
    fn poll_write(mut self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = bytes.len().min(self.most);
        self.taken.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all: Vec<u8> = pieces.iter().flat_map(|piece| piece.to_vec()).collect();
        let taken = all.len().min(self.most);
        self.taken.extend_from_slice(&all[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

//! Every reason for which a message is not let in: one line each, with the answer it gets and the rule it broke.

/// Makes the enum and its tables from one list, so that no variant can lack a status, a name, a rule or a text.
macro_rules! refusals {
    ($($variant:ident = $status:literal, $name:literal, $rule:literal, $detail:literal;)+) => {
        /// Why bytes from a client are no request that may be read; the connection is closed after the answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $(#[doc = concat!($detail, " ", $rule, ".")] $variant,)+
        }

        impl Refusal {
            /// Every refusal there is, in the order of a message.
            pub const ALL: &[Refusal] = &[$(Refusal::$variant,)+];

            /// The status code of the answer.
            pub fn status(self) -> u16 {
                match self { $(Refusal::$variant => $status,)+ }
            }

            /// A stable name in snake_case, for metrics and logs.
            pub fn name(self) -> &'static str {
                match self { $(Refusal::$variant => $name,)+ }
            }

            /// The section that was broken.
            pub fn rule(self) -> &'static str {
                match self { $(Refusal::$variant => $rule,)+ }
            }

            /// A sentence for the client. It repeats nothing of what was sent.
            pub fn detail(self) -> &'static str {
                match self { $(Refusal::$variant => $detail,)+ }
            }
        }
    };
}

refusals! {
    HeadTimeout = 408, "head_timeout", "RFC 9110 §15.5.9", "The request head did not arrive in time.";
    HeadIncomplete = 400, "head_incomplete", "RFC 9112 §8", "The connection ended within the request head.";
    BodyTimeout = 408, "body_timeout", "RFC 9110 §15.5.9", "The request body did not arrive in time.";

    BareLineFeed = 400, "bare_line_feed", "RFC 9112 §2.2", "A line ends in LF without CR before it.";
    BareCarriageReturn = 400, "bare_carriage_return", "RFC 9112 §2.2", "A CR is not followed by LF.";
    ControlCharacter = 400, "control_character", "RFC 9110 §5.5", "A control character stands where none is allowed.";

    RequestLineMalformed = 400, "request_line_malformed", "RFC 9112 §3", "The request line is not a method, a target and a version with one space between them.";
    MethodMalformed = 400, "method_malformed", "RFC 9112 §3.1", "The method is not a token.";
    MethodTooLong = 501, "method_too_long", "RFC 9112 §3", "The method is longer than any that is known.";
    VersionMalformed = 400, "version_malformed", "RFC 9112 §2.3", "The HTTP version is malformed.";
    VersionUnsupported = 505, "version_unsupported", "RFC 9110 §15.6.6", "Only HTTP/1.0 and HTTP/1.1 are spoken here.";
    TargetMalformed = 400, "target_malformed", "RFC 9112 §3.2", "The request target is malformed.";
    TargetTooLong = 414, "target_too_long", "RFC 9112 §3", "The request target is too long.";
    ConnectRefused = 501, "connect_refused", "RFC 9110 §9.3.6", "CONNECT is not supported.";
    AsteriskForm = 400, "asterisk_form", "RFC 9112 §3.2.4", "The target * is for OPTIONS only.";
    AbsoluteFormScheme = 400, "absolute_form_scheme", "RFC 9112 §3.2.2", "The target's scheme is neither http nor https.";

    HeadTooLarge = 431, "head_too_large", "RFC 6585 §5", "The request head is too large.";
    FieldTooLarge = 431, "field_too_large", "RFC 6585 §5", "A field line is too large.";
    TooManyFields = 431, "too_many_fields", "RFC 6585 §5", "There are too many fields.";
    FieldNameMalformed = 400, "field_name_malformed", "RFC 9110 §5.1", "A field name is not a token followed by a colon.";
    FieldNameAmbiguous = 400, "field_name_ambiguous", "RFC 9112 §11.2", "A field name differs from a framing field's only by an underscore.";
    WhitespaceBeforeColon = 400, "whitespace_before_colon", "RFC 9112 §5.1", "Whitespace stands between a field name and its colon.";
    WhitespaceBeforeFields = 400, "whitespace_before_fields", "RFC 9112 §2.2", "The line after the request line begins with whitespace.";
    ObsoleteFold = 400, "obsolete_fold", "RFC 9112 §5.2", "A field is folded over several lines.";

    HostMissing = 400, "host_missing", "RFC 9112 §3.2", "The Host field is missing.";
    HostRepeated = 400, "host_repeated", "RFC 9112 §3.2", "The Host field occurs more than once.";
    HostMalformed = 400, "host_malformed", "RFC 9112 §3.2", "The Host field is not a host with an optional port.";
    HostDisagrees = 400, "host_disagrees", "RFC 9112 §3.2", "The Host field differs from the host of the request target.";

    ContentLengthMalformed = 400, "content_length_malformed", "RFC 9110 §8.6", "The Content-Length field is not one decimal number without leading zeros.";
    ContentLengthRepeated = 400, "content_length_repeated", "RFC 9112 §6.3", "The Content-Length field occurs more than once.";
    LengthAndTransferEncoding = 400, "length_and_transfer_encoding", "RFC 9112 §6.3", "Content-Length and Transfer-Encoding occur together.";
    TransferEncodingInHttp10 = 400, "transfer_encoding_in_http10", "RFC 9112 §6.1", "HTTP/1.0 has no Transfer-Encoding.";
    TransferEncodingMalformed = 400, "transfer_encoding_malformed", "RFC 9112 §6.3", "Transfer-Encoding does not end in chunked, or names it more than once.";
    TransferEncodingUnsupported = 501, "transfer_encoding_unsupported", "RFC 9112 §6.1", "No transfer coding but chunked is supported.";
    ExpectationUnsupported = 417, "expectation_unsupported", "RFC 9110 §10.1.1", "No expectation but 100-continue is supported.";

    ChunkSizeMalformed = 400, "chunk_size_malformed", "RFC 9112 §7.1", "A chunk size is not a hexadecimal number.";
    ChunkSizeTooLarge = 400, "chunk_size_too_large", "RFC 9112 §7.1", "A chunk size is too large.";
    ChunkLineTooLong = 400, "chunk_line_too_long", "RFC 9112 §7.1.1", "A chunk's first line is too long.";
    ChunkExtensionMalformed = 400, "chunk_extension_malformed", "RFC 9112 §7.1.1", "A chunk extension is malformed.";
    ChunkExtensionsTooLarge = 400, "chunk_extensions_too_large", "RFC 9112 §7.1.1", "The chunk extensions of the message are too large.";
    ChunkUnterminated = 400, "chunk_unterminated", "RFC 9112 §7.1", "A chunk's data is not followed by CRLF.";
    TrailerMalformed = 400, "trailer_malformed", "RFC 9112 §7.1.2", "A trailer field is malformed.";
    TrailerForbidden = 400, "trailer_forbidden", "RFC 9110 §6.5.1", "A field stands in the trailers that may not.";
    TrailersTooLarge = 431, "trailers_too_large", "RFC 6585 §5", "The trailers are too large.";
    TooManyTrailers = 431, "too_many_trailers", "RFC 6585 §5", "There are too many trailer fields.";
}

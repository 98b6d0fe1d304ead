//! One upload, any mix of both dialects: whatever clients send, the upload keeps its promises.

use http::Method;
use proptest::prelude::*;
use upload_protocol::{
    Command, Dialect, End, Ending, Fields, Gone, Limits, Refusal, State, Target, UploadView, answer,
    check_append, parse,
};

use crate::support::{RESUMABLE, now, upload};

const MAX: u64 = 200;

/// One append, as a client that may be wrong, slow, or cut off sends it.
#[derive(Clone, Debug)]
struct Step {
    tus: bool,
    last: bool,
    bytes: u64,
    announced: bool,
    stated: Option<u64>,
    /// How far from the right offset the client is.
    astray: i64,
    /// The bytes after which the connection breaks.
    cut_after: Option<u64>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        any::<bool>(),
        prop::bool::weighted(0.2),
        0..60_u64,
        prop::bool::weighted(0.7),
        prop::option::weighted(0.1, 0..220_u64),
        prop_oneof![9 => Just(0_i64), 1 => -5..5_i64],
        prop::option::weighted(0.3, 0..60_u64),
    );
    let step = step.prop_map(|(tus, last, bytes, announced, stated, astray, cut_after)| Step {
        tus,
        last,
        bytes,
        announced,
        stated,
        astray,
        cut_after,
    });
    prop::collection::vec(step, 1..30)
}

impl Step {
    /// The offset the client sends after it was told the right one.
    fn offset(&self, told: u64) -> u64 {
        told.saturating_add_signed(self.astray)
    }

    /// The fields of the request, with the offset taken from the answer to HEAD.
    fn fields(&self, told: &str) -> Vec<(&'static str, String)> {
        let mut fields = vec![("upload-offset", self.offset(told.parse().unwrap()).to_string())];
        if self.tus {
            fields.push(("tus-resumable", "1.0.0".to_owned()));
            fields.push(("content-type", "application/offset+octet-stream".to_owned()));
        } else {
            fields.push(("upload-complete", if self.last { "?1" } else { "?0" }.to_owned()));
            fields.push(("content-type", "application/partial-upload".to_owned()));
        }
        if self.announced {
            fields.push(("content-length", self.bytes.to_string()));
        }
        fields.extend(self.stated.map(|length| ("upload-length", length.to_string())));
        fields
    }

    /// What arrives, up to one byte too many, and how it ends.
    fn arrives(&self, at_most: u64) -> (u64, Ending) {
        match self.cut_after {
            Some(cut) if cut < self.bytes => (cut.min(at_most + 1), Ending::Cut),
            _ => (self.bytes.min(at_most + 1), Ending::Whole),
        }
    }
}

/// Lets one client act on the upload, the way a server does.
fn act(view: &UploadView, step: &Step) -> Result<UploadView, Refusal> {
    let dialect = if step.tus { Dialect::Tus } else { RESUMABLE };
    let told = answer::offset(Some(dialect), view, now());
    let lines = step.fields(told.get("upload-offset").unwrap());
    let fields = Fields::new(lines.iter().map(|(name, value)| (*name, value.as_bytes())));
    let Command::Append(append) = parse(&Method::PATCH, &fields, Target::Upload).unwrap() else { panic!() };
    let plan = check_append(view, &append, now())?;
    let (received, ending) = step.arrives(plan.at_most);
    let settled = plan.settle(received, ending);
    let state = match settled.end {
        End::Open | End::Refused(_) => State::Receiving,
        End::Complete => State::Complete,
        End::Invalid(_) => State::Gone(Gone::Invalid),
    };
    Ok(UploadView { state, offset: settled.offset, declared: settled.declared, ..view.clone() })
}

fn begun(declared: Option<u64>, max_append_bytes: Option<u64>) -> UploadView {
    let limits = Limits { max_bytes: MAX, min_append_bytes: None, max_append_bytes, max_age_secs: None };
    UploadView { limits, ..upload(0, declared) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_upload_keeps_its_promises_in_any_mix_of_dialects(
        declared in prop::option::of(0..=MAX),
        most in prop::option::weighted(0.3, 1..40_u64),
        steps in steps(),
    ) {
        let mut view = begun(declared, most);
        for step in &steps {
            let before = view.clone();
            let Ok(after) = act(&before, step) else { continue };
            prop_assert_eq!(before.state, State::Receiving, "nothing is accepted after the end");
            prop_assert_eq!(step.offset(before.offset), before.offset, "only the right offset is accepted");
            prop_assert!(after.offset >= before.offset, "the offset never decreases");
            prop_assert!(after.offset <= after.declared.unwrap_or(MAX), "nor passes the length");
            if before.declared.is_some() {
                prop_assert_eq!(after.declared, before.declared, "the length never changes");
            }
            if after.state == State::Complete {
                prop_assert_eq!(Some(after.offset), after.declared, "what is complete is whole");
            }
            view = after;
        }
    }

    #[test]
    fn an_upload_that_is_open_can_be_finished_in_either_dialect_at_the_offset_it_tells(
        declared in 0..=MAX,
        steps in steps(),
        in_tus in any::<bool>(),
    ) {
        let mut view = begun(Some(declared), None);
        for step in &steps {
            // Steps that end the upload are not taken.
            view = act(&view, step).ok().filter(|after| after.state == State::Receiving).unwrap_or(view);
        }
        let bytes = declared - view.offset;
        let rest =
            Step { tus: in_tus, last: true, bytes, announced: true, stated: None, astray: 0, cut_after: None };
        let done = act(&view, &rest).unwrap();
        prop_assert_eq!((done.state, done.offset), (State::Complete, declared));
        prop_assert!(act(&done, &rest).is_err());
    }
}

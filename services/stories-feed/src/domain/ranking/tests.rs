use proptest::prelude::*;

use super::*;

const ME: Uuid = Uuid::from_u128(1);
const NOW: i64 = 1_000;

fn story(id: u128, published_at: i64) -> Candidate {
    let id = Uuid::from_u128(id);
    Candidate { id, privacy: Privacy::Public, is_pinned: false, published_at, expires_at: NOW + 100 }
}

fn view<'a>(relations: &'a Relations, seen: &'a [(Uuid, i64)]) -> View<'a> {
    let as_of = AsOf { published: NOW, alive: NOW, seen: NOW };
    View { viewer: ME, relations, seen, filter: Filter::All, as_of, now: NOW }
}

fn order(view: &View<'_>, authors: &[(Uuid, Vec<Candidate>)]) -> Vec<u128> {
    let ranked = view.rank(authors.iter().map(|(id, stories)| (*id, stories.as_slice())));
    ranked.iter().map(|author| authors[author.index].0.as_u128()).collect()
}

#[test]
fn authors_come_in_the_order_that_is_promised() {
    let id = Uuid::from_u128;
    let relations = Relations { follows: vec![id(6)], close_friend_of: vec![id(5)], blocked: vec![id(9)] };
    let pinned = Candidate { is_pinned: true, ..story(40, 1) };
    let authors = [
        (id(9), vec![story(90, 999)]),
        (id(8), vec![story(80, 900)]),
        (id(7), vec![story(70, 50)]),
        (id(3), vec![story(30, 60)]),
        (id(6), vec![story(60, 3)]),
        (id(5), vec![story(50, 2)]),
        (id(4), vec![pinned]),
        (ME, vec![story(10, 1)]),
    ];
    // 8 is seen, 9 is blocked; 3 is newer than 7.
    let seen = [(id(80), 10)];
    assert_eq!(order(&view(&relations, &seen), &authors), [1, 4, 5, 6, 3, 7, 8]);
}

#[test]
fn what_is_seen_while_looking_moves_nobody() {
    let relations = Relations::default();
    let authors = [(Uuid::from_u128(2), vec![story(20, 2)]), (Uuid::from_u128(3), vec![story(30, 1)])];
    let seen = [(Uuid::from_u128(20), NOW + 5)];
    let view = View { now: NOW + 10, ..view(&relations, &seen) };
    assert_eq!(order(&view, &authors), [2, 3]);
    let ranked = view.rank(authors.iter().map(|(id, stories)| (*id, stories.as_slice())));
    assert_eq!(ranked.iter().map(|author| author.has_unseen).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn what_expires_while_looking_is_gone_and_moves_nobody() {
    let relations = Relations::default();
    let dying = Candidate { expires_at: NOW + 1, ..story(21, 9) };
    let authors = [(Uuid::from_u128(2), vec![dying, story(20, 1)]), (Uuid::from_u128(3), vec![story(30, 5)])];
    let view = View { now: NOW + 1, ..view(&relations, &[]) };
    assert_eq!(order(&view, &authors), [2, 3]);
    assert!(!view.shows(Relation::default(), &dying));
}

#[test]
fn stories_of_an_author_come_pinned_and_newest_first() {
    let mut stories =
        [story(1, 10), story(2, 30), Candidate { is_pinned: true, ..story(3, 5) }, story(4, 30)];
    stories.sort_unstable_by_key(Candidate::key);
    assert_eq!(stories.map(|story| story.id.as_u128()), [3, 4, 2, 1]);
}

#[test]
fn filters_leave_out_what_is_not_wanted() {
    let id = Uuid::from_u128;
    let relations = Relations { follows: vec![id(2)], ..Relations::default() };
    let authors =
        [(ME, vec![story(10, 1)]), (id(2), vec![story(20, 1)]), (id(3), vec![story(30, 1), story(31, 2)])];
    let seen = [(id(20), 5), (id(31), 5)];
    let all = view(&relations, &seen);
    assert_eq!(order(&View { filter: Filter::Unseen, ..all }, &authors), [3]);
    assert_eq!(order(&View { filter: Filter::Following, ..all }, &authors), [2]);
    for filter in [Filter::All, Filter::Unseen, Filter::Following] {
        assert_eq!(Filter::parse(filter.as_str()), Some(filter));
    }
}

proptest! {
    /// Nothing that a viewer may not see gives its author a place.
    #[test]
    fn nobody_is_ranked_by_what_is_hidden(
        privacy in prop::sample::select(Privacy::ALL.to_vec()),
        follows: bool, is_close_friend: bool, is_blocked: bool, published_at in 900i64..1100, expires_at in 900i64..1100,
    ) {
        let author = Uuid::from_u128(2);
        let list = |is_in: bool| if is_in { vec![author] } else { Vec::new() };
        let relations = Relations { follows: list(follows), close_friend_of: list(is_close_friend), blocked: list(is_blocked) };
        let one = Candidate { privacy, published_at, expires_at, ..story(20, 0) };
        let view = view(&relations, &[]);
        let is_ranked = !view.rank([(author, [one].as_slice())].into_iter()).is_empty();
        let relation = relations.to(ME, author);
        prop_assert_eq!(is_ranked, may_see(privacy, relation) && published_at <= NOW && NOW < expires_at);
    }
}

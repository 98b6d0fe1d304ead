//! Who descends from whom, as ids: cycles and ancestors (C-D11).

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

/// Known parents of animals. An animal that is absent has no known parents.
///
/// Ordered by id, so that whatever is derived from it comes out in the same order every time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pedigree {
    parents: BTreeMap<Uuid, Parents>,
}

/// Father and mother, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Parents {
    pub(crate) father: Option<Uuid>,
    pub(crate) mother: Option<Uuid>,
}

impl Parents {
    /// The known ones, father first; the same animal twice only once.
    pub(crate) fn known(self) -> impl Iterator<Item = Uuid> {
        let mother = self.mother.filter(|mother| self.father != Some(*mother));
        self.father.into_iter().chain(mother)
    }
}

impl Pedigree {
    /// Records the parents of an animal, replacing what was known.
    pub(crate) fn insert(&mut self, id: Uuid, father: Option<Uuid>, mother: Option<Uuid>) {
        self.parents.insert(id, Parents { father, mother });
    }

    /// The parents of an animal.
    pub(crate) fn parents(&self, id: Uuid) -> Parents {
        self.parents.get(&id).copied().unwrap_or_default()
    }

    /// Every animal whose parents are recorded.
    pub(crate) fn children(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.parents.keys().copied()
    }

    /// Ancestors with the fewest generations between (parents are 1), nearest first, none past `generations`.
    /// Ends on a pedigree with a cycle, too.
    pub(crate) fn ancestors(&self, id: Uuid, generations: u32) -> Vec<(Uuid, u32)> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::from([id]);
        let mut generation = vec![id];
        for depth in 1..=generations {
            let parents: Vec<Uuid> = generation.iter().flat_map(|id| self.parents(*id).known()).collect();
            generation = parents.into_iter().filter(|parent| seen.insert(*parent)).collect();
            if generation.is_empty() {
                break;
            }
            found.extend(generation.iter().map(|ancestor| (*ancestor, depth)));
        }
        found
    }
}

impl FromIterator<(Uuid, Option<Uuid>, Option<Uuid>)> for Pedigree {
    fn from_iter<I: IntoIterator<Item = (Uuid, Option<Uuid>, Option<Uuid>)>>(animals: I) -> Self {
        let mut pedigree = Self::default();
        for (id, father, mother) in animals {
            pedigree.insert(id, father, mother);
        }
        pedigree
    }
}

/// A cycle that `proposed` would close over what is `known`: child, parent, parent's parent and so on, whose last
/// has the first as a parent. Proposed parents replace the known ones of the same animal.
///
/// Only cycles through a proposed animal are looked for: what is stored was checked when it was stored.
pub(crate) fn find_cycle(proposed: &Pedigree, known: &Pedigree) -> Option<Vec<Uuid>> {
    let parents_of = |id: Uuid| proposed.parents.get(&id).copied().unwrap_or_else(|| known.parents(id));
    let mut finished = BTreeSet::new();
    for start in proposed.children() {
        // An explicit path instead of recursion: a pedigree may be deeper than the stack.
        let mut path: Vec<(Uuid, Vec<Uuid>)> = Vec::new();
        let mut on_path = BTreeSet::new();
        let mut next = Some(start);
        loop {
            if let Some(id) = next.take() {
                if on_path.contains(&id) {
                    let cycle = path.iter().map(|(step, _)| *step).skip_while(|step| *step != id);
                    return Some(cycle.collect());
                }
                if !finished.contains(&id) {
                    on_path.insert(id);
                    path.push((id, parents_of(id).known().collect()));
                }
            }
            let Some((id, waiting)) = path.last_mut() else { break };
            next = waiting.pop();
            if next.is_none() {
                finished.insert(*id);
                on_path.remove(id);
                path.pop();
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn pedigree(rows: &[(u128, u128, u128)]) -> Pedigree {
        let some = |number: u128| (number > 0).then(|| id(number));
        rows.iter().map(|(child, father, mother)| (id(*child), some(*father), some(*mother))).collect()
    }

    #[test]
    fn a_tree_has_no_cycle() {
        let known = pedigree(&[(3, 1, 2), (4, 1, 2)]);
        assert_eq!(find_cycle(&pedigree(&[(5, 3, 4), (6, 5, 4)]), &known), None);
        assert_eq!(find_cycle(&Pedigree::default(), &known), None);
    }

    #[test]
    fn an_animal_that_descends_from_itself_is_found() {
        assert_eq!(find_cycle(&pedigree(&[(1, 1, 0)]), &Pedigree::default()), Some(vec![id(1)]));
        let known = pedigree(&[(3, 2, 0), (2, 1, 0)]);
        assert_eq!(find_cycle(&pedigree(&[(1, 0, 3)]), &known), Some(vec![id(1), id(3), id(2)]));
    }

    #[test]
    fn proposals_that_are_sound_one_by_one_can_close_a_cycle_together() {
        let (one, other) = (pedigree(&[(1, 2, 0)]), pedigree(&[(2, 1, 0)]));
        assert_eq!(find_cycle(&one, &Pedigree::default()), None);
        assert_eq!(find_cycle(&other, &Pedigree::default()), None);
        assert_eq!(
            find_cycle(&pedigree(&[(1, 2, 0), (2, 1, 0)]), &Pedigree::default()),
            Some(vec![id(1), id(2)])
        );
    }

    #[test]
    fn a_proposal_replaces_the_known_parents() {
        let known = pedigree(&[(1, 2, 0)]);
        assert_eq!(find_cycle(&pedigree(&[(1, 0, 0), (2, 1, 0)]), &known), None);
    }

    #[test]
    fn a_path_that_enters_a_cycle_is_not_part_of_it() {
        let known = pedigree(&[(4, 3, 0), (3, 2, 0)]);
        let cycle = find_cycle(&pedigree(&[(2, 0, 3), (5, 4, 0)]), &known);
        assert_eq!(cycle, Some(vec![id(2), id(3)]));
    }

    #[test]
    fn a_line_deeper_than_the_stack_is_walked() {
        let known: Pedigree = (1..200_000).map(|child| (id(child + 1), Some(id(child)), None)).collect();
        assert_eq!(find_cycle(&pedigree(&[(200_001, 200_000, 0)]), &known), None);
        assert_eq!(find_cycle(&pedigree(&[(1, 200_000, 0)]), &known).map(|cycle| cycle.len()), Some(200_000));
    }

    #[test]
    fn ancestors_come_nearest_first_and_once() {
        let herd = pedigree(&[(5, 3, 4), (3, 1, 2), (4, 1, 2), (6, 5, 4)]);
        assert_eq!(herd.ancestors(id(6), 1), [(id(5), 1), (id(4), 1)]);
        assert_eq!(herd.ancestors(id(6), 9), [(id(5), 1), (id(4), 1), (id(3), 2), (id(1), 2), (id(2), 2)]);
        assert_eq!(herd.ancestors(id(1), 9), []);
        let looped = pedigree(&[(1, 2, 0), (2, 1, 0)]);
        assert_eq!(looped.ancestors(id(1), u32::MAX), [(id(2), 1)]);
    }
}

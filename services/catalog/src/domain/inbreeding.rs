//! Wright's coefficient of inbreeding: the chance that both copies of a gene descend from one copy in a common
//! ancestor (C-D11).
//!
//! The relationship matrix is A = L·D·Lᵀ, with animals ordered parents first: L holds the share of each ancestor in
//! an animal, D the part of its variance that its parents do not explain. An animal's diagonal is 1 + F, so one row of
//! L at a time is enough and no matrix is stored (after Meuwissen and Luo, 1992). Common ancestors that are inbred
//! themselves are accounted for by D.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::pedigree::Pedigree;

/// Most generations that are looked at: a full pedigree of ten has 2,046 ancestors, and what lies beyond could add
/// at most 2⁻¹¹ for each common ancestor.
pub(crate) const MAX_GENERATIONS: u32 = 10;

/// Why there is no coefficient.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InbreedingError {
    /// The pedigree contradicts itself.
    #[error("animal {0} descends from itself")]
    Cycle(Uuid),
}

/// Inbreeding of an animal from its ancestors up to `generations` back (at most [`MAX_GENERATIONS`]); those at the
/// edge count as unrelated founders. Between 0 and 1.
///
/// # Errors
/// When an animal among them descends from itself.
pub(crate) fn coefficient(id: Uuid, pedigree: &Pedigree, generations: u32) -> Result<f64, InbreedingError> {
    let lineage = Lineage::collect(id, pedigree, generations.min(MAX_GENERATIONS))?;
    Ok(lineage.inbreeding().last().copied().unwrap_or(0.0))
}

/// Parents as places in a [`Lineage`].
type Places = (Option<usize>, Option<usize>);

/// An animal and its ancestors, parents before children: the animal itself is last.
struct Lineage {
    parents: Vec<Places>,
}

impl Lineage {
    fn collect(id: Uuid, pedigree: &Pedigree, generations: u32) -> Result<Self, InbreedingError> {
        let depths: BTreeMap<Uuid, u32> =
            pedigree.ancestors(id, generations).into_iter().chain([(id, 0)]).collect();
        // Parents of an animal at the edge are unknown by definition; those of any other are all inside.
        let parents_of = |animal: Uuid| {
            let inside = depths.get(&animal).is_some_and(|depth| *depth < generations);
            if inside { pedigree.parents(animal) } else { Default::default() }
        };
        let mut places: BTreeMap<Uuid, usize> = BTreeMap::new();
        let mut parents = Vec::with_capacity(depths.len());
        let mut open = BTreeSet::new();
        let mut path = vec![id];
        while let Some(animal) = path.last().copied() {
            if places.contains_key(&animal) {
                path.pop();
                continue;
            }
            let known = parents_of(animal);
            let missing: Vec<Uuid> = known.known().filter(|parent| !places.contains_key(parent)).collect();
            if missing.is_empty() {
                let place = |parent: Option<Uuid>| parent.and_then(|parent| places.get(&parent).copied());
                let row = (place(known.father), place(known.mother));
                places.insert(animal, parents.len());
                parents.push(row);
                path.pop();
            } else if open.insert(animal) {
                path.extend(missing);
            } else {
                // Came back to it while its own ancestors were still being placed.
                return Err(InbreedingError::Cycle(animal));
            }
        }
        Ok(Self { parents })
    }

    /// Coefficients of all, in order.
    fn inbreeding(&self) -> Vec<f64> {
        let mut coefficients: Vec<f64> = Vec::with_capacity(self.parents.len());
        let mut variances: Vec<f64> = Vec::with_capacity(self.parents.len());
        let mut shares = vec![0.0_f64; self.parents.len()];
        for (animal, parents) in self.parents.iter().enumerate() {
            let explained = |parent: Option<usize>| {
                parent.and_then(|place| coefficients.get(place)).map_or(0.0, |f| 0.25 * (1.0 + f))
            };
            variances.push(1.0 - explained(parents.0) - explained(parents.1));
            let diagonal = self.diagonal(animal, &variances, &mut shares);
            coefficients.push((diagonal - 1.0).max(0.0));
        }
        coefficients
    }

    /// 1 + F of one animal; leaves `shares` zeroed for the next.
    fn diagonal(&self, animal: usize, variances: &[f64], shares: &mut [f64]) -> f64 {
        let mut sum = 0.0;
        if let Some(own) = shares.get_mut(animal) {
            *own = 1.0;
        }
        for place in (0..=animal).rev() {
            let share = shares.get_mut(place).map(std::mem::take).unwrap_or(0.0);
            if share == 0.0 {
                continue;
            }
            sum += share * share * variances.get(place).copied().unwrap_or(0.0);
            let (father, mother) = self.parents.get(place).copied().unwrap_or_default();
            for parent in [father, mother].into_iter().flatten() {
                if let Some(theirs) = shares.get_mut(parent) {
                    *theirs += 0.5 * share;
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn of(animal: u128, rows: &[(u128, u128, u128)], generations: u32) -> f64 {
        let some = |number: u128| (number > 0).then(|| id(number));
        let pedigree: Pedigree =
            rows.iter().map(|(child, father, mother)| (id(*child), some(*father), some(*mother))).collect();
        coefficient(id(animal), &pedigree, generations).expect("no cycle")
    }

    #[track_caller]
    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn unrelated_or_unknown_parents_give_zero() {
        assert_close(of(3, &[(3, 1, 2)], 10), 0.0);
        assert_close(of(3, &[(3, 1, 0)], 10), 0.0);
        assert_close(of(3, &[], 10), 0.0);
    }

    #[test]
    fn full_sibs_give_a_quarter() {
        assert_close(of(5, &[(3, 1, 2), (4, 1, 2), (5, 3, 4)], 10), 0.25);
    }

    #[test]
    fn half_sibs_give_an_eighth() {
        assert_close(of(6, &[(4, 1, 2), (5, 1, 3), (6, 4, 5)], 10), 0.125);
    }

    #[test]
    fn parent_and_offspring_give_a_quarter() {
        assert_close(of(4, &[(3, 1, 2), (4, 1, 3)], 10), 0.25);
        assert_close(of(4, &[(3, 1, 2), (4, 3, 2)], 10), 0.25);
        assert_close(of(4, &[(3, 1, 0), (4, 1, 3)], 10), 0.25);
    }

    #[test]
    fn grandparent_and_grandchild_give_an_eighth() {
        assert_close(of(6, &[(3, 1, 2), (5, 3, 4), (6, 1, 5)], 10), 0.125);
    }

    #[test]
    fn first_cousins_give_a_sixteenth() {
        let rows = [(3, 1, 2), (4, 1, 2), (7, 3, 5), (8, 4, 6), (9, 7, 8)];
        assert_close(of(9, &rows, 10), 0.0625);
    }

    #[test]
    fn double_first_cousins_give_an_eighth() {
        let rows = [(5, 1, 2), (6, 1, 2), (7, 3, 4), (8, 3, 4), (9, 5, 7), (10, 6, 8), (11, 9, 10)];
        assert_close(of(11, &rows, 10), 0.125);
    }

    #[test]
    fn uncle_and_niece_give_an_eighth() {
        assert_close(of(7, &[(3, 1, 2), (4, 1, 2), (6, 4, 5), (7, 3, 6)], 10), 0.125);
    }

    #[test]
    fn an_inbred_common_ancestor_weighs_one_plus_its_own() {
        // 5 is of full sibs (F = 1/4); 8 and 9 are half sibs by it: (1/2)³ · (1 + 1/4).
        let rows = [(3, 1, 2), (4, 1, 2), (5, 3, 4), (8, 5, 6), (9, 5, 7), (10, 8, 9)];
        assert_close(of(5, &rows, 10), 0.25);
        assert_close(of(10, &rows, 10), 0.125 * 1.25);
    }

    #[test]
    fn sib_mating_follows_the_known_series() {
        // Full-sib mating, generation by generation: 0, 1/4, 3/8, 1/2, 19/32, 43/64.
        let mut rows = Vec::new();
        for generation in 1..=6_u128 {
            let (father, mother) = (2 * generation - 1, 2 * generation);
            rows.extend([(father + 2, father, mother), (mother + 2, father, mother)]);
        }
        for (animal, expected) in
            [(3, 0.0), (5, 0.25), (7, 0.375), (9, 0.5), (11, 19.0 / 32.0), (13, 43.0 / 64.0)]
        {
            assert_close(of(animal, &rows, 10), expected);
        }
    }

    #[test]
    fn generations_past_the_bound_count_as_founders() {
        let rows = [(3, 1, 2), (4, 1, 2), (7, 3, 5), (8, 4, 6), (9, 7, 8)];
        assert_close(of(9, &rows, 3), 0.0625);
        assert_close(of(9, &rows, 2), 0.0);
        assert_close(of(9, &rows, 0), 0.0);
    }

    #[test]
    fn a_cycle_is_an_error_not_a_number() {
        let pedigree: Pedigree =
            [(id(1), Some(id(2)), None), (id(2), Some(id(1)), None)].into_iter().collect();
        assert!(matches!(coefficient(id(1), &pedigree, 10), Err(InbreedingError::Cycle(_))));
        let own: Pedigree = [(id(1), Some(id(1)), None)].into_iter().collect();
        assert_eq!(coefficient(id(1), &own, 10), Err(InbreedingError::Cycle(id(1))));
    }
}

//! Who is counted for what: people are matched to places so that as many places as possible are filled, and nobody twice.

/// For each person, the place they are counted for; none: they are not needed. `needs` says how many people each place takes,
/// `fits` for each person which places they may be counted for. Whoever comes first stays counted, at one place or another, when more
/// people come.
pub fn assign(needs: &[u32], fits: &[Vec<usize>]) -> Vec<Option<usize>> {
    let mut matching = Matching { needs, fits, placed: vec![None; fits.len()] };
    for person in 0..fits.len() {
        let mut seen = vec![false; needs.len()];
        matching.place(person, &mut seen);
    }
    matching.placed
}

/// Whether every place can be filled by different people.
pub fn can_fill(needs: &[u32], fits: &[Vec<usize>]) -> bool {
    let placed = assign(needs, fits).into_iter().flatten().count();
    placed >= needs.iter().map(|need| usize::try_from(*need).unwrap_or(usize::MAX)).fold(0, usize::saturating_add)
}

struct Matching<'a> {
    needs: &'a [u32],
    fits: &'a [Vec<usize>],
    placed: Vec<Option<usize>>,
}

impl Matching<'_> {
    /// Finds a place for somebody, moving others to another of theirs if that makes room. Each place is looked at once, so that it ends.
    fn place(&mut self, person: usize, seen: &mut [bool]) -> bool {
        let places = self.fits.get(person).map(Vec::as_slice).unwrap_or_default();
        for place in places {
            match seen.get_mut(*place) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            if self.has_room(*place) || self.make_room(*place, seen) {
                if let Some(placed) = self.placed.get_mut(person) {
                    *placed = Some(*place);
                }
                return true;
            }
        }
        false
    }

    fn has_room(&self, place: usize) -> bool {
        let taken = self.placed.iter().filter(|one| **one == Some(place)).count();
        self.needs.get(place).is_some_and(|need| u32::try_from(taken).is_ok_and(|taken| taken < *need))
    }

    fn make_room(&mut self, place: usize, seen: &mut [bool]) -> bool {
        (0..self.placed.len()).any(|other| self.placed.get(other) == Some(&Some(place)) && self.place(other, seen))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn somebody_who_fits_two_places_is_counted_where_they_help_most() {
        // Both of the first, one of the second; the one who fits both comes first.
        assert_eq!(assign(&[1, 1], &[vec![0, 1], vec![0]]), [Some(1), Some(0)]);
        assert_eq!(assign(&[2, 1], &[vec![0, 1], vec![0], vec![0]]), [Some(1), Some(0), Some(0)]);
        assert_eq!(assign(&[1, 1, 1], &[vec![0, 1, 2], vec![0, 1], vec![0]]), [Some(2), Some(1), Some(0)]);
        assert_eq!(assign(&[1, 1], &[vec![0], vec![0]]), [Some(0), None], "the second is not needed");
        assert_eq!(assign(&[1], &[vec![], vec![7], vec![0]]), [None, None, Some(0)]);
        assert!(!can_fill(&[1, 1], &[vec![0, 1]]), "nobody is counted twice");
        assert!(can_fill(&[], &[]), "nothing is needed");
    }

    /// The most places that can be filled, by trying everything.
    fn most(needs: &[u32], fits: &[Vec<usize>]) -> usize {
        let Some((first, rest)) = fits.split_first() else { return 0 };
        let mut best = most(needs, rest);
        for place in first {
            let mut left = needs.to_vec();
            if left.get(*place).is_some_and(|need| *need > 0) {
                left[*place] -= 1;
                best = best.max(1 + most(&left, rest));
            }
        }
        best
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn as_many_places_are_filled_as_can_be(
            needs in prop::collection::vec(0..3_u32, 0..4),
            fits in prop::collection::vec(prop::sample::subsequence(vec![0, 1, 2, 3], 0..4), 0..7),
        ) {
            let placed = assign(&needs, &fits);
            for (person, place) in placed.iter().enumerate() {
                prop_assert!(place.is_none_or(|place| fits[person].contains(&place)), "nobody stands for what they are not");
            }
            for (place, need) in needs.iter().enumerate() {
                let taken = placed.iter().filter(|one| **one == Some(place)).count();
                prop_assert!(taken <= *need as usize, "no place is filled twice");
            }
            prop_assert_eq!(placed.iter().flatten().count(), most(&needs, &fits));
            // Whoever was counted stays counted when somebody comes.
            for count in 0..fits.len() {
                let before = assign(&needs, &fits[..count]);
                for (person, place) in before.iter().enumerate() {
                    prop_assert!(place.is_none() || placed[person].is_some());
                }
            }
        }
    }
}

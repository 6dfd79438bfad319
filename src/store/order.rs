//! The ascending order of many keys. Keys of one kind begin alike, so each is compared by the 15 bytes behind what all
//! of its kind share, which decides nearly always; whole keys are compared only where these are equal.

/// What all keys of one kind begin with. The first byte of a key is its kind.
#[derive(Clone, Copy)]
struct Kind<'k> {
    sample: &'k [u8],
    shared: usize,
}

/// The positions of `keys` in ascending order of the keys; equal keys keep theirs.
pub fn ascending<'k>(keys: impl Iterator<Item = &'k [u8]> + Clone) -> Vec<usize> {
    let mut kinds: [Option<Kind<'k>>; 256] = [None; 256];
    for key in keys.clone() {
        let Some(kind) = kind_of(&mut kinds, key) else { continue };
        match kind {
            None => *kind = Some(Kind { sample: key, shared: key.len() }),
            Some(kind) => {
                let known = kind.sample.get(..kind.shared).unwrap_or_default();
                if !key.starts_with(known) {
                    kind.shared = known.iter().zip(key).take_while(|(one, other)| one == other).count();
                }
            }
        }
    }
    let mut order: Vec<(u128, &[u8], usize)> = Vec::with_capacity(keys.size_hint().0);
    for (key, at) in keys.zip(0usize..) {
        let shared = kind_of(&mut kinds, key).and_then(|kind| *kind).map_or(0, |kind| kind.shared);
        order.push((head(key, shared), key, at));
    }
    order.sort_unstable_by(|one, other| {
        one.0.cmp(&other.0).then_with(|| one.1.cmp(other.1)).then_with(|| one.2.cmp(&other.2))
    });
    order.into_iter().map(|(_, _, at)| at).collect()
}

fn kind_of<'a, 'k>(kinds: &'a mut [Option<Kind<'k>>; 256], key: &[u8]) -> Option<&'a mut Option<Kind<'k>>> {
    kinds.get_mut(usize::from(*key.first()?))
}

/// The first byte and the 15 behind the shared ones; absent bytes are zeros.
fn head(key: &[u8], shared: usize) -> u128 {
    let mut bytes = [0u8; 16];
    let own = key.get(shared..).unwrap_or_default();
    let (kind, rest) = bytes.split_at_mut(1);
    kind.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    rest.iter_mut().zip(own).for_each(|(to, from)| *to = *from);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_are_in_the_order_of_their_bytes(
            starts in prop::collection::vec(prop::collection::vec(0u8..3, 0..24), 1..4),
            ends in prop::collection::vec((0usize..4, prop::collection::vec(0u8..3, 0..24)), 0..60),
        ) {
            let keys: Vec<Vec<u8>> = ends
                .iter()
                .map(|(start, end)| [starts[start % starts.len()].clone(), end.clone()].concat())
                .collect();
            let mut expected: Vec<usize> = (0..keys.len()).collect();
            expected.sort_by_key(|at| &keys[*at]);
            let found = ascending(keys.iter().map(Vec::as_slice));
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn keys_that_share_more_than_is_compared_at_once_are_compared_whole() {
        let keys: Vec<Vec<u8>> =
            [3u8, 1, 2, 1].iter().map(|last| [&[9u8, 0][..], &[0; 40], &[*last]].concat()).collect();
        let other = [vec![9u8, 1]];
        let found = ascending(keys.iter().chain(&other).map(Vec::as_slice));
        assert_eq!(found, [1, 3, 2, 0, 4]);
    }
}

//! P1: how deep messages may nest.

use metta_rholang::par::{DEFAULT_DEPTH, DecodeError, Par, decode, decode_within, encode};

const THREAD: usize = 2 << 20;

/// Puts `inner` into a message as the length-delimited field with this key.
fn wrap(key: &[u8], inner: &[u8]) -> Vec<u8> {
    let mut bytes = key.to_vec();
    let mut length = inner.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(inner);
    bytes
}

/// Nests a `Par` through these fields again and again until `depth` messages nest.
fn nested(keys: &[&[u8]], depth: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for i in 1..depth {
        // The innermost message is the one that the last key leads to.
        bytes = wrap(keys[(depth - 1 - i) % keys.len()], &bytes);
    }
    bytes
}

/// Fields that lead from a `Par` back to a `Par`.
const CYCLES: [&[&[u8]]; 9] = [
    &[&[0x2a], &[0xa2, 0x01], &[0x0a]],          // exprs, list, ps
    &[&[0x2a], &[0xaa, 0x01], &[0x0a]],          // exprs, tuple, ps
    &[&[0x2a], &[0xba, 0x01], &[0x0a], &[0x12]], // exprs, map, kvs, value
    &[&[0x2a], &[0x2a], &[0x0a]],                // exprs, not, p
    &[&[0x2a], &[0xc2, 0x01], &[0x12]],          // exprs, method, target
    &[&[0x0a], &[0x12]],                         // sends, data
    &[&[0x12], &[0x12]],                         // receives, body
    &[&[0x42], &[0x1a]],                         // connectives, not
    &[&[0x22], &[0x22], &[0x12]],                // news, injections, value
];

fn use_in_every_way(bytes: &[u8], depth: usize) {
    let par = decode_within(bytes, depth).expect("within the limit");
    let copy = par.clone();
    assert_eq!(par, copy);
    assert!(!format!("{par:?}").is_empty());
    let again = encode(&copy);
    assert_eq!(decode_within(&again, depth), Ok(par));
}

#[test]
fn the_default_depth_fits_into_a_small_stack() {
    for cycle in CYCLES {
        let bytes = nested(cycle, DEFAULT_DEPTH);
        let user = move || use_in_every_way(&bytes, DEFAULT_DEPTH);
        std::thread::Builder::new().stack_size(THREAD).spawn(user).unwrap().join().unwrap();
    }
}

#[test]
fn one_message_more_is_an_error() {
    for cycle in CYCLES {
        assert_eq!(
            decode(&nested(cycle, DEFAULT_DEPTH + 1)),
            Err(DecodeError::TooDeep { limit: DEFAULT_DEPTH })
        );
    }
    assert_eq!(decode_within(&nested(CYCLES[0], 4), 3), Err(DecodeError::TooDeep { limit: 3 }));
    assert_eq!(
        decode_within(&nested(CYCLES[0], 4), 4),
        Ok(Par::list(vec![Par::default()])),
        "a list of one nil is four messages"
    );
}

//! Bytes that the node's own models made, and bytes that no `Par` has.

use metta_rholang::par::{DecodeError, decode, encode};
use metta_rholang::{Codec, pathmap_par_to_metta_state};
use proptest::prelude::*;

const VECTORS: &str = include_str!("vectors.txt");

fn vectors() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    VECTORS.lines().map(|line| {
        let (name, digits) = line.rsplit_once(": ").expect("a name and digits");
        (name, from_hex(digits))
    })
}

fn from_hex(digits: &str) -> Vec<u8> {
    (0..digits.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hexadecimal digits"))
        .collect()
}

#[test]
fn vectors_decode_and_encode_to_the_same_bytes() {
    assert_eq!(vectors().count(), 25);
    for (name, bytes) in vectors() {
        let par = decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(encode(&par), bytes, "{name}");
        assert_eq!(par.is_nil(), bytes.is_empty(), "{name}");
    }
}

/// P2: what the schema does not have is not dropped.
#[test]
fn unknown_fields_and_bad_framing_are_errors() {
    use DecodeError::{Framing, UnknownField};
    let cases: [(&[u8], DecodeError); 9] = [
        (&[0x18, 0x00], UnknownField { number: 3, at: 0 }),
        (&[0x2a, 0x03, 0xb2, 0x02, 0x00], UnknownField { number: 38, at: 2 }),
        (&[0x2a], Framing { at: 1 }),
        (&[0x2a, 0x01], Framing { at: 0 }),
        (&[0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Framing { at: 0 }),
        (&[0x2a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02], Framing { at: 1 }),
        // Messages as groups, as integers, and an end without a beginning.
        (&[0x2b, 0x2c], Framing { at: 0 }),
        (&[0x28, 0x00], Framing { at: 0 }),
        (&[0x2c], Framing { at: 0 }),
    ];
    for (bytes, error) in cases {
        assert_eq!(decode(bytes), Err(error), "{bytes:02x?}");
    }
    assert!(matches!(decode(&[0x2a, 0x03, 0x1a, 0x01, 0xff]), Err(DecodeError::Value { .. })));
    let groups = vec![0x0b; 1 << 20];
    assert_eq!(decode(&groups), Err(Framing { at: 0 }));
}

#[test]
fn every_prefix_of_a_state_is_an_error_or_another_par() {
    let (_, state) = vectors().find(|(name, _)| name.starts_with("compiled state v2")).unwrap();
    for end in 1..state.len() {
        assert!(decode(&state[..end]).is_err(), "{end}");
    }
}

/// Decodes and then reads in every way; nothing may panic.
fn read(bytes: &[u8]) {
    let Ok(par) = decode(bytes) else { return };
    assert_eq!(decode(&encode(&par)).as_ref(), Ok(&par));
    for codec in [Codec::default(), Codec::default().strict()] {
        if let Ok(atom) = codec.value_from_par(&par) {
            assert!(codec.value_to_par(&atom).is_ok(), "{atom}");
        }
        drop(codec.result_from_par(&par));
        drop(codec.state_from_par(&par));
    }
    drop(pathmap_par_to_metta_state(&par));
}

proptest! {
    #[test]
    fn any_bytes_are_a_par_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        read(&bytes);
    }

    #[test]
    fn damaged_vectors_are_a_par_or_an_error(
        which in 0..25usize,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (_, mut bytes) = vectors().nth(which).unwrap();
        if !bytes.is_empty() {
            for (index, byte) in changes {
                let at = index.index(bytes.len());
                bytes[at] = byte;
            }
        }
        read(&bytes);
    }
}

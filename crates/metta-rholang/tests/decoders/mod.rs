//! What must hold for all bytes that are given to the decoders, and bytes to try it on.
//!
//! Shared by a test, an example and a fuzz target.

use bytes::Bytes;
use metta_rholang::par::{self, Par};
use metta_rholang::{Codec, Layout};

/// Reads bytes in every way: nothing may panic, and what can be read can be written, with the same meaning.
pub(crate) fn check(bytes: &[u8]) {
    let shared = Bytes::copy_from_slice(bytes);
    for codec in codecs() {
        let value = codec.value_from_bytes(bytes);
        if let Ok(atom) = &value {
            let written = codec.value_to_bytes(atom).expect("what was read is written");
            assert!(codec.value_from_bytes(&written).is_ok());
        }
        let state = codec.state_from_bytes(&shared);
        if let Ok(state) = &state {
            let written = codec.state_to_bytes(state).map(Bytes::from);
            // Only the older layout has no place for some.
            if let Ok(written) = written {
                let again = codec.state_from_bytes(&written).expect("what was written is read");
                assert_eq!(codec.state_to_bytes(&again).as_deref(), Ok(&written[..]));
            }
        }
        let Ok(par) = par::decode(bytes) else { continue };
        // The structs take what the protocol allows, such as a field that comes twice; the bytes are then refused.
        if value.is_ok() {
            assert_eq!(codec.value_from_par(&par), value);
        }
        assert!(state.is_err() || codec.state_from_par(&par).is_ok());
        drop(codec.result_from_par(&par));
    }
    if let Ok(par) = par::decode(bytes) {
        let written = par::encode(&par);
        assert_eq!(par::decode(&written).as_ref(), Ok(&par));
        drop(Par::clone(&par));
    }
}

fn codecs() -> [Codec; 3] {
    let few = Codec::default().most_copies(1_000);
    [few.clone(), few.clone().strict(), few.layout(Layout::Tuples)]
}

/// The vectors of the node, and states of our own in every dialect and layout.
pub(crate) fn vectors() -> Vec<Vec<u8>> {
    let digits =
        |line: &str| line.rsplit_once(": ").map_or_else(String::new, |(_, digits)| digits.to_owned());
    let from_hex = |digits: String| {
        let byte = |i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hexadecimal digits");
        (0..digits.len()).step_by(2).map(byte).collect()
    };
    let mut vectors: Vec<Vec<u8>> =
        include_str!("../vectors.txt").lines().map(digits).map(from_hex).collect();
    let wide = (0..70).map(|i| i.to_string()).collect::<Vec<_>>().join(" ");
    let text =
        format!("(= (f $x $y) ($y 1.5 $x)) (p \"a b\" -3) (p \"a b\" -3) ({wide}) (q (r $z)) !(f 1 2)");
    let forms = metta_syntax::parse(&text, &metta_sched::Library::new()).forms;
    let mut state = metta_sched::MettaState::default();
    forms.iter().filter(|form| !form.run).for_each(|form| state.environment.add(&form.atom));
    state.output = vec![vec![metta_atom::Atom::error(forms[0].atom.clone(), metta_atom::Atom::text("no"))]];
    state.source = forms;
    for codec in codecs() {
        vectors.extend(codec.state_to_bytes(&state).ok());
    }
    vectors
}

/// Bytes that are nearly those of a vector.
pub(crate) struct Mutations {
    vectors: Vec<Vec<u8>>,
    random: u64,
}

impl Mutations {
    pub(crate) fn new(seed: u64) -> Self {
        Mutations { vectors: vectors(), random: seed | 1 << 40 }
    }

    /// Xorshift.
    fn below(&mut self, n: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % n.max(1) as u64) as usize
    }
}

impl Iterator for Mutations {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let which = self.below(self.vectors.len());
        let mut bytes = self.vectors[which].clone();
        for _ in 0..=self.below(4) {
            let (at, to) = (self.below(bytes.len()), self.below(bytes.len() + 1));
            match self.below(7) {
                _ if bytes.is_empty() => bytes.push(self.below(256) as u8),
                0 => bytes[at] = self.below(256) as u8,
                1 => bytes[at] ^= 1 << self.below(8),
                2 => bytes.truncate(to),
                3 => bytes.insert(to, self.below(256) as u8),
                4 => bytes.splice(at..at, [0xFF; 8]).for_each(drop),
                5 => drop(bytes.remove(at)),
                _ => {
                    let part = bytes[at.min(to)..at.max(to)].to_vec();
                    bytes.splice(to..to, part).for_each(drop);
                }
            }
        }
        Some(bytes)
    }
}

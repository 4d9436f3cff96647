//! Large expressions: atoms whose tags have numbers of any size.

use metta_space::bytes::Item;

pub(super) const ARITY: u8 = 0;
const NEW_VARIABLE: u8 = 1;
const REFERENCE: u8 = 2;
pub(super) const SYMBOL: u8 = 3;

/// Writes a tag with its number.
pub(super) fn number(tag: u8, value: usize, bytes: &mut Vec<u8>) {
    bytes.push(tag);
    let mut value = value;
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Reads a large expression; `None` when it is not one atom in its shortest form.
pub(super) fn items(bytes: &[u8]) -> Option<Vec<Item<'_>>> {
    let mut items = Vec::new();
    let (mut at, mut pending, mut introduced) = (0, 1usize, 0usize);
    while pending > 0 {
        let tag = *bytes.get(at)?;
        at += 1;
        pending -= 1;
        if tag == NEW_VARIABLE {
            introduced += 1;
            items.push(Item::NewVar);
            continue;
        }
        let value = value_at(bytes, &mut at)?;
        items.push(match tag {
            ARITY => {
                pending = pending.checked_add(value)?;
                // Every element needs a byte, so a larger claim cannot be kept (S1).
                if pending > bytes.len() - at {
                    return None;
                }
                Item::Arity(value)
            }
            REFERENCE if value < introduced => Item::VarRef(value),
            SYMBOL => {
                let name = bytes.get(at..at.checked_add(value)?)?;
                at += value;
                Item::Symbol(std::str::from_utf8(name).ok()?)
            }
            _ => return None,
        });
    }
    (at == bytes.len()).then_some(items)
}

fn value_at(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0usize;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        let part = usize::from(byte & 0x7F);
        if part << shift >> shift != part {
            return None;
        }
        value |= part << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

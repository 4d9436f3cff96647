//! Methods of values.

use bytes::Bytes;

use crate::ProgramError;
use crate::ast::{Collection, Span};
use crate::eval::Evaluated;
use crate::machine::Machine;
use crate::value::{Value, as_set};

use Collection::{List, PathMap, Set, Tuple};

impl Machine {
    // size: table
    /// Calls a method.
    pub(crate) fn method(&self, span: Span, target: Value, name: &str, arguments: &[Value]) -> Evaluated {
        let count = |n: usize| Ok(Value::Int(n as i64));
        let sequence = |kind, elements: Vec<Value>| {
            self.spend(span, elements.len() * size_of::<Value>())?;
            self.made(span, Value::sequence(kind, elements))
        };
        match (name, &target, arguments) {
            ("run", Value::Sequence(PathMap, _), [compiled @ Value::Sequence(PathMap, _)]) => {
                self.run_metta(span, &target, compiled)
            }
            ("length", Value::String(text), []) => count(text.len()),
            ("length", Value::Bytes(bytes), []) => count(bytes.len()),
            ("length", Value::Sequence(List, list), []) => count(list.elements.len()),
            ("size", Value::Sequence(Set | PathMap, set), []) => count(set.elements.len()),
            ("size", Value::Map(map), []) => count(map.entries.len()),
            ("nth", Value::Sequence(List | Tuple, list), [Value::Int(at)]) => {
                let element = usize::try_from(*at).ok().and_then(|at| list.elements.get(at));
                element.cloned().ok_or_else(|| self.error(span, &format!("there is no element {at}")))
            }
            ("nth", Value::Bytes(bytes), [Value::Int(at)]) => {
                let byte = usize::try_from(*at).ok().and_then(|at| bytes.get(at));
                byte.map(|byte| Value::Int((*byte).into()))
                    .ok_or_else(|| self.error(span, &format!("there is no element {at}")))
            }
            ("slice", Value::String(text), [Value::Int(from), Value::Int(to)]) => {
                let (from, to) = self.range(span, *from, *to, text.len())?;
                let slice =
                    text.get(from..to).ok_or_else(|| self.error(span, "a slice inside of a character"))?;
                Ok(Value::string(slice))
            }
            ("slice", Value::Bytes(bytes), [Value::Int(from), Value::Int(to)]) => {
                let (from, to) = self.range(span, *from, *to, bytes.len())?;
                Ok(Value::Bytes(bytes.slice(from..to)))
            }
            ("slice", Value::Sequence(List, list), [Value::Int(from), Value::Int(to)]) => {
                let (from, to) = self.range(span, *from, *to, list.elements.len())?;
                sequence(List, list.elements[from..to].to_vec())
            }
            ("take", Value::Sequence(List, list), [Value::Int(n)]) => {
                let (_, to) = self.range(span, 0, *n, list.elements.len())?;
                sequence(List, list.elements[..to].to_vec())
            }
            ("add", Value::Sequence(kind @ (Set | PathMap), set), [element]) => {
                let mut set = as_set(set);
                set.insert(element.clone());
                sequence(*kind, set.into_iter().collect())
            }
            ("delete", Value::Sequence(kind @ (Set | PathMap), set), [element]) => {
                let mut set = as_set(set);
                set.remove(element);
                sequence(*kind, set.into_iter().collect())
            }
            ("contains", Value::Sequence(Set | PathMap, set), [element]) => {
                Ok(Value::Bool(set.elements.binary_search(element).is_ok()))
            }
            ("union", Value::Sequence(a @ (Set | PathMap), x), [Value::Sequence(b, y)]) if a == b => {
                sequence(*a, [&x.elements[..], &y.elements[..]].concat())
            }
            ("diff", Value::Sequence(a @ (Set | PathMap), x), [Value::Sequence(b, y)]) if a == b => {
                let without = as_set(y);
                sequence(
                    *a,
                    x.elements.iter().filter(|element| !without.contains(*element)).cloned().collect(),
                )
            }
            ("contains", Value::Map(map), [key]) => Ok(Value::Bool(map.entries.contains_key(key))),
            ("get", Value::Map(map), [key]) => Ok(map.entries.get(key).cloned().unwrap_or(Value::Nil)),
            ("getOrElse", Value::Map(map), [key, other]) => Ok(map.entries.get(key).unwrap_or(other).clone()),
            ("set", Value::Map(map), [key, value]) => {
                let mut entries = map.entries.clone();
                entries.insert(key.clone(), value.clone());
                self.spend(span, entries.len() * size_of::<Value>())?;
                self.made(span, Value::map(entries))
            }
            ("delete", Value::Map(map), [key]) => {
                let mut entries = map.entries.clone();
                entries.remove(key);
                self.made(span, Value::map(entries))
            }
            ("keys", Value::Map(map), []) => sequence(Set, map.entries.keys().cloned().collect()),
            ("toList", Value::Sequence(_, elements), []) => sequence(List, elements.elements.clone()),
            ("toSet", Value::Sequence(_, elements), []) => sequence(Set, elements.elements.clone()),
            ("toList", Value::Map(map), []) => {
                let pair = |(key, value): (&Value, &Value)| {
                    self.made(span, Value::sequence(Tuple, vec![key.clone(), value.clone()]))
                };
                sequence(List, map.entries.iter().map(pair).collect::<Result<_, _>>()?)
            }
            ("toString", value, []) => {
                let text = if let Value::String(text) = value { text.to_string() } else { value.to_string() };
                self.spend(span, text.len())?;
                Ok(Value::string(text))
            }
            ("toUtf8Bytes", Value::String(text), []) => {
                Ok(Value::Bytes(Bytes::copy_from_slice(text.as_bytes())))
            }
            ("hexToBytes", Value::String(text), []) => hex(text)
                .map(Value::Bytes)
                .ok_or_else(|| self.error(span, "expected pairs of hexadecimal digits")),
            ("bytesToHex", Value::Bytes(_), []) => Ok(Value::string(target.to_string())),
            ("toByteArray", value, []) => {
                let par = value.to_par().ok_or_else(|| self.error(span, "a process has no bytes here"))?;
                let bytes = metta_rholang::par::encode(&par);
                self.spend(span, bytes.len())?;
                Ok(Value::Bytes(bytes.into()))
            }
            _ => {
                let given: Vec<&str> = arguments.iter().map(Value::kind).collect();
                let message = format!("{} has no method `{name}` for ({})", target.kind(), given.join(", "));
                Err(self.error(span, &message))
            }
        }
    }

    fn range(&self, span: Span, from: i64, to: i64, length: usize) -> Result<(usize, usize), ProgramError> {
        match (usize::try_from(from), usize::try_from(to)) {
            (Ok(from), Ok(to)) if from <= to && to <= length => Ok((from, to)),
            _ => {
                Err(self.error(span, &format!("there is no slice from {from} to {to} of {length} elements")))
            }
        }
    }

    /// `accumulated.run(compiled)`.
    fn run_metta(&self, span: Span, accumulated: &Value, compiled: &Value) -> Evaluated {
        let (Some(accumulated), Some(compiled)) = (accumulated.to_par(), compiled.to_par()) else {
            return Err(self.error(span, "a state has no processes in it"));
        };
        let reply = self.bridge.try_run_with_cost(&accumulated, &compiled);
        self.reductions.add(reply.cost.reductions);
        // What the new state shares with the old one takes no room.
        let grown = reply.cost.written_bytes.saturating_sub(reply.cost.read_bytes);
        self.spend(span, usize::try_from(grown).unwrap_or(usize::MAX))?;
        Value::from_par(&reply.into_par())
            .ok_or_else(|| self.error(span, "the new state is too deep for a program"))
    }
}

fn hex(text: &str) -> Option<Bytes> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

//! Names of modules: paths from the main program, `top`.

use std::fmt;

/// The first part of every path.
const TOP: &str = "top";
/// The first part of a name that is relative to the module it stands in.
const SELF: &str = "self";
const SEPARATOR: char = ':';

/// The parts of a module's name, `top` first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct ModulePath(Vec<String>);

impl ModulePath {
    /// The main program.
    pub(crate) fn top() -> Self {
        ModulePath(vec![TOP.to_owned()])
    }

    /// Reads a name that stands in the module `self`: `top:a` is absolute, all others are below `self`.
    pub(crate) fn resolve(&self, name: &str) -> Self {
        let name = name.strip_suffix(SEPARATOR).unwrap_or(name);
        let mut parts = name.split(SEPARATOR).peekable();
        let mut path = match parts.peek() {
            Some(&TOP) => ModulePath(Vec::new()),
            _ => self.clone(),
        };
        if matches!(parts.peek(), Some(&SELF)) || name.is_empty() {
            parts.next();
        }
        path.0.extend(parts.map(str::to_owned));
        path
    }

    /// The module `name` below this one.
    pub(crate) fn child(&self, name: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(name.to_owned());
        ModulePath(parts)
    }

    /// The path without its last part; `None` for the main program.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        (!rest.is_empty()).then(|| ModulePath(rest.to_vec()))
    }

    /// This path and those above it, the main program first.
    pub(crate) fn with_parents(&self) -> impl Iterator<Item = ModulePath> + use<> {
        let parts = self.0.clone();
        (1..=parts.len()).map(move |length| ModulePath(parts[..length].to_vec()))
    }

    /// The last part.
    pub(crate) fn name(&self) -> &str {
        self.0.last().map_or(TOP, String::as_str)
    }

    /// How many modules this one is below the main program.
    pub(crate) fn depth(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// Reports whether `self` is `other` or above it.
    pub(crate) fn contains(&self, other: &ModulePath) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            if index > 0 {
                write!(f, "{SEPARATOR}")?;
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}

/// Reports whether a module may have this name: ASCII letters, digits, `-` and `_`.
pub(crate) fn is_legal(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Makes a legal module name of a file or repository name: other characters become `_`.
pub(crate) fn legal(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_where_they_stand() {
        let inner = ModulePath::top().child("a").child("b");
        for (name, from_top, from_inner) in [
            ("x", "top:x", "top:a:b:x"),
            ("x:y", "top:x:y", "top:a:b:x:y"),
            ("self:x", "top:x", "top:a:b:x"),
            ("self", "top", "top:a:b"),
            ("", "top", "top:a:b"),
            ("top", "top", "top"),
            ("top:x", "top:x", "top:x"),
            ("top:x:", "top:x", "top:x"),
            ("topx", "top:topx", "top:a:b:topx"),
            ("selfish:x", "top:selfish:x", "top:a:b:selfish:x"),
        ] {
            assert_eq!(ModulePath::top().resolve(name).to_string(), from_top, "{name}");
            assert_eq!(inner.resolve(name).to_string(), from_inner, "{name}");
        }
        assert_eq!(inner.parent(), Some(ModulePath::top().child("a")));
        assert_eq!(ModulePath::top().parent(), None);
    }

    #[test]
    fn illegal_names_are_known() {
        for name in ["a", "a-b", "A_1", "9"] {
            assert!(is_legal(name), "{name}");
        }
        for name in ["", "a.metta", "..", "a/b", "a b", "ä", "a\\b"] {
            assert!(!is_legal(name), "{name}");
        }
        assert_eq!(legal("my repo.x"), "my_repo_x");
    }
}

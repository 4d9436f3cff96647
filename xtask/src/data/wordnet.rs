//! WordNet's database files as MeTTa facts.
//!
//! One pass over `data.*`, `index.*` and `*.exc` in a fixed order, one line in
//! memory at a time, so the same files always give the same bytes. A synset is
//! named by its part of speech and its offset (`n02084071`), which is unique.
//!
//! Of two pointers that mirror each other (hypernym and hyponym, holonym and
//! meronym, domain and member) one is written; a query with the second argument
//! bound gives the other direction. Verb frames and sentence templates are left
//! out.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

const HEADER: &str = "\
; WordNet as MeTTa facts, written by `cargo xtask data wordnet`.
; WordNet is (C) Princeton University; its licence is at the head of its data files.
;
; ID is n, v, a or r and the synset's offset. POS is noun, verb, adj or adv.
; WORD is a symbol, or a string where it would not read back as a symbol.
; I and J number the words of a synset from 1; 0 is the synset as a whole.
;
; (synset ID KIND)             KIND is a POS, or `satellite` for adjective satellites
; (word ID I WORD)             the words of a synset, as spelt
; (gloss ID TEXT)
; (sense WORD POS N ID)        the N-th sense of a lower-case word
; (irregular WORD POS BASE)    an inflected form and its base form
; (hypernym ID ID)             (instance-of ID ID)
; (member-of ID ID)            (substance-of ID ID)         (part-of ID ID)
; (attribute ID ID)            noun to adjective
; (similar ID ID)              (entails ID ID)              (causes ID ID)
; (antonym ID I ID J)          (derived ID I ID J)          (pertains ID I ID J)
; (participle ID I ID J)       (also ID I ID J)             (verb-group ID I ID J)
; (topic ID I ID J)            (region ID I ID J)           (usage ID I ID J)
";

/// What a file name calls a part of speech, and the letter of its synsets.
const PARTS: [(&str, char); 4] = [("noun", 'n'), ("verb", 'v'), ("adj", 'a'), ("adv", 'r')];

/// Words that the engine reads as a value or an operation, not as a symbol.
const RESERVED: [&str; 13] = [
    "EXP",
    "False",
    "PI",
    "True",
    "and",
    "capture",
    "match",
    "nop",
    "not",
    "or",
    "sealed",
    "superpose",
    "xor",
];

/// How many facts of each relation were written.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    fn add(&mut self, relation: &'static str) {
        *self.0.entry(relation).or_default() += 1;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} facts", self.0.values().sum::<u64>())?;
        for (index, (relation, count)) in self.0.iter().enumerate() {
            write!(f, "{} {count} {relation}", if index == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

/// Writes the facts of the WordNet files in `dict`.
///
/// # Errors
/// A file that is missing or not in WordNet's format.
pub(super) fn convert(dict: &Path, out: &mut impl Write) -> Result<Counts> {
    let mut facts = Facts { out, counts: Counts::default() };
    facts.out.write_all(HEADER.as_bytes())?;
    for (part, letter) in PARTS {
        each_line(&dict.join(format!("data.{part}")), |line| facts.synset(line, letter))?;
    }
    for (part, letter) in PARTS {
        each_line(&dict.join(format!("index.{part}")), |line| facts.senses(line, part, letter))?;
    }
    for (part, _) in PARTS {
        each_line(&dict.join(format!("{part}.exc")), |line| facts.irregular(line, part))?;
    }
    Ok(facts.counts)
}

/// Calls `use_line` with each line that is not part of the licence text.
fn each_line(path: &Path, mut use_line: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut line = String::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        number += 1;
        let place = || format!("{}:{number}", path.display());
        if reader.read_line(&mut line).with_context(place)? == 0 {
            return Ok(());
        }
        if !line.starts_with("  ") && !line.trim().is_empty() {
            use_line(line.trim_end()).with_context(place)?;
        }
    }
}

struct Facts<'a, W> {
    out: &'a mut W,
    counts: Counts,
}

impl<W: Write> Facts<'_, W> {
    /// Writes and counts one fact.
    fn fact(&mut self, relation: &'static str, arguments: fmt::Arguments<'_>) -> Result<()> {
        writeln!(self.out, "({relation} {arguments})")?;
        self.counts.add(relation);
        Ok(())
    }

    /// `offset lex_filenum ss_type w_cnt (word lex_id)* p_cnt (pointer)* [frames] | gloss`
    fn synset(&mut self, line: &str, letter: char) -> Result<()> {
        let (left, gloss) = line.split_once(" | ").context("a synset without a gloss")?;
        let mut fields = left.split(' ');
        let offset = offset(&mut fields)?;
        let _lexicographer_file = next(&mut fields)?;
        let kind = match next(&mut fields)? {
            "n" => "noun",
            "v" => "verb",
            "a" => "adj",
            "s" => "satellite",
            "r" => "adv",
            other => bail!("unknown synset type `{other}`"),
        };
        let id = format!("{letter}{offset}");
        self.fact("synset", format_args!("{id} {kind}"))?;

        let words = u32::from_str_radix(next(&mut fields)?, 16).context("the number of words")?;
        for number in 1..=words {
            let word = without_marker(next(&mut fields)?);
            let _lex_id = next(&mut fields)?;
            self.fact("word", format_args!("{id} {number} {}", Word(word)))?;
        }
        let pointers: u32 = next(&mut fields)?.parse().context("the number of pointers")?;
        for _ in 0..pointers {
            self.pointer(&id, &mut fields)?;
        }
        self.fact("gloss", format_args!("{id} {}", Text(gloss.trim())))
    }

    /// `symbol offset pos source/target`
    fn pointer<'t>(&mut self, id: &str, fields: &mut impl Iterator<Item = &'t str>) -> Result<()> {
        let symbol = next(fields)?;
        let target = offset(fields)?;
        let letter = match next(fields)? {
            letter @ ("n" | "v" | "a" | "r") => letter,
            "s" => "a",
            other => bail!("unknown part of speech `{other}`"),
        };
        let ends = next(fields)?;
        ensure!(ends.len() == 4 && ends.is_ascii(), "`{ends}` is not a source/target field");
        let (source_word, target_word) = ends.split_at(2);
        let (i, j) = (u32::from_str_radix(source_word, 16)?, u32::from_str_radix(target_word, 16)?);
        let Some(relation) = relation(symbol, id.starts_with('n'))? else {
            return Ok(());
        };
        match relation {
            Relation::Synsets(name) => {
                ensure!((i, j) == (0, 0), "{name} between words, not synsets");
                self.fact(name, format_args!("{id} {letter}{target}"))
            }
            Relation::Words(name) => self.fact(name, format_args!("{id} {i} {letter}{target} {j}")),
        }
    }

    /// `lemma pos synset_cnt p_cnt (pointer symbol)* sense_cnt tagsense_cnt offset*`
    fn senses(&mut self, line: &str, part: &str, letter: char) -> Result<()> {
        let mut fields = line.split(' ').filter(|field| !field.is_empty());
        let lemma = next(&mut fields)?;
        let _pos = next(&mut fields)?;
        let synsets: u32 = next(&mut fields)?.parse().context("the number of synsets")?;
        let pointers: u32 = next(&mut fields)?.parse().context("the number of pointers")?;
        for _ in 0..pointers + 2 {
            next(&mut fields)?;
        }
        for number in 1..=synsets {
            let offset = offset(&mut fields)?;
            self.fact("sense", format_args!("{} {part} {number} {letter}{offset}", Word(lemma)))?;
        }
        ensure!(fields.next().is_none(), "more synsets than announced");
        Ok(())
    }

    /// `inflected base*`
    fn irregular(&mut self, line: &str, part: &str) -> Result<()> {
        let mut fields = line.split_ascii_whitespace();
        let inflected = next(&mut fields)?;
        for base in fields {
            self.fact("irregular", format_args!("{} {part} {}", Word(inflected), Word(base)))?;
        }
        Ok(())
    }
}

fn next<'t>(fields: &mut impl Iterator<Item = &'t str>) -> Result<&'t str> {
    fields.next().context("the line ends too early")
}

fn offset<'t>(fields: &mut impl Iterator<Item = &'t str>) -> Result<&'t str> {
    let field = next(fields)?;
    ensure!(
        field.len() == 8 && field.bytes().all(|byte| byte.is_ascii_digit()),
        "`{field}` is not an offset"
    );
    Ok(field)
}

/// An adjective may carry its position in brackets: `galore(ip)`.
fn without_marker(word: &str) -> &str {
    word.strip_suffix(')').and_then(|word| word.rsplit_once('(')).map_or(word, |(word, _)| word)
}

#[derive(Clone, Copy)]
enum Relation {
    Synsets(&'static str),
    Words(&'static str),
}

/// The relation that a pointer symbol stands for; none for the mirror images.
fn relation(symbol: &str, from_noun: bool) -> Result<Option<Relation>> {
    use Relation::{Synsets, Words};
    Ok(Some(match symbol {
        "@" => Synsets("hypernym"),
        "@i" => Synsets("instance-of"),
        "#m" => Synsets("member-of"),
        "#s" => Synsets("substance-of"),
        "#p" => Synsets("part-of"),
        "&" => Synsets("similar"),
        "*" => Synsets("entails"),
        ">" => Synsets("causes"),
        "=" if from_noun => Synsets("attribute"),
        "!" => Words("antonym"),
        "+" => Words("derived"),
        "\\" => Words("pertains"),
        "<" => Words("participle"),
        "^" => Words("also"),
        "$" => Words("verb-group"),
        ";c" => Words("topic"),
        ";r" => Words("region"),
        ";u" => Words("usage"),
        "=" | "~" | "~i" | "%m" | "%s" | "%p" | "-c" | "-r" | "-u" => return Ok(None),
        _ => bail!("unknown pointer symbol `{symbol}`"),
    }))
}

/// A word as an atom: a symbol where the text reads back as one, else a string.
struct Word<'t>(&'t str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_symbol(self.0) { f.write_str(self.0) } else { Text(self.0).fmt(f) }
    }
}

fn is_symbol(word: &str) -> bool {
    let starts_as_symbol =
        word.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || b".'-".contains(&byte));
    starts_as_symbol
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.'/".contains(&byte))
        && !looks_like_a_number(word)
        && !RESERVED.contains(&word)
}

/// Wider than the language's own number syntax, so that `.22` and `9-11` do not
/// depend on how an engine reads them.
fn looks_like_a_number(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
}

struct Text<'t>(&'t str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for part in self.0.split_inclusive(['"', '\\']) {
            match part.as_bytes().last() {
                Some(b'"' | b'\\') => {
                    let (text, special) = part.split_at(part.len() - 1);
                    write!(f, "{text}\\{special}")?;
                }
                _ => f.write_str(part)?,
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, Text, Word, without_marker};
    use crate::data::wordnet::Counts;

    fn facts(use_facts: impl FnOnce(&mut Facts<'_, Vec<u8>>) -> anyhow::Result<()>) -> String {
        let mut out = Vec::new();
        use_facts(&mut Facts { out: &mut out, counts: Counts::default() }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn words_become_symbols_or_strings() {
        let cases = [
            ("dog", "dog"),
            ("Canis_familiaris", "Canis_familiaris"),
            ("'hood", "'hood"),
            ("24/7", "24/7"),
            ("1530s", "1530s"),
            ("911", "\"911\""),
            (".22", "\".22\""),
            ("9-11", "\"9-11\""),
            ("1e5", "\"1e5\""),
            ("match", "\"match\""),
            ("PI", "\"PI\""),
            ("a;b", "\"a;b\""),
            ("$x", "\"$x\""),
            ("", "\"\""),
        ];
        for (word, atom) in cases {
            assert_eq!(Word(word).to_string(), atom);
        }
        assert_eq!(Text("a \"b\" \\ c").to_string(), r#""a \"b\" \\ c""#);
        assert_eq!(without_marker("galore(ip)"), "galore");
        assert_eq!(without_marker("good"), "good");
    }

    #[test]
    fn a_synset_line_becomes_facts() {
        let line = "00001837 00 s 02 able(p) 0 911 0 004 & 00002098 a 0000 ! 00002312 a 0201 \
                    ~ 00003333 n 0000 + 05200169 n 0102 01 + 02 00 | a gloss; \"with a quote\"";
        assert_eq!(
            facts(|facts| facts.synset(line, 'a')),
            "(synset a00001837 satellite)\n\
             (word a00001837 1 able)\n\
             (word a00001837 2 \"911\")\n\
             (similar a00001837 a00002098)\n\
             (antonym a00001837 2 a00002312 1)\n\
             (derived a00001837 1 n05200169 2)\n\
             (gloss a00001837 \"a gloss; \\\"with a quote\\\"\")\n"
        );
    }

    #[test]
    fn an_index_line_becomes_numbered_senses() {
        assert_eq!(
            facts(|facts| facts.senses("dog n 2 3 @ ~ #m 2 1 02084071 10114209", "noun", 'n')),
            "(sense dog noun 1 n02084071)\n(sense dog noun 2 n10114209)\n"
        );
        assert_eq!(
            facts(|facts| facts.irregular("axes ax axis", "noun")),
            "(irregular axes noun ax)\n(irregular axes noun axis)\n"
        );
    }

    #[test]
    fn lines_out_of_format_are_refused() {
        let mut out = Vec::new();
        let mut facts = Facts { out: &mut out, counts: Counts::default() };
        for line in [
            "00001740 03 n 01 entity 0 000",
            "1740 03 n 01 entity 0 000 | short offset",
            "00001740 03 n 02 entity 0 | words missing",
            "00001740 03 n 01 entity 0 001 @@ 00001741 n 0000 | unknown pointer",
            "00001740 03 n 01 entity 0 001 @ 00001741 n 0102 | hypernym between words",
        ] {
            assert!(facts.synset(line, 'n').is_err(), "{line}");
        }
        assert!(facts.senses("dog n 1 0 1 1 02084071 02084072", "noun", 'n').is_err());
    }
}

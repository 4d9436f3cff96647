#!/usr/bin/env python3
"""Checks the engine's answers to examples/wordnet.metta.

Every answer is computed a second time, from WordNet's own files and without
MeTTa: no line of this script is shared with the Rust code that writes the
facts.  Where WordNet stores a relation in both directions, this script reads
the direction that the facts were not made from (hyponyms for `hypernym`,
meronyms for `part-of`), so a mistake in one reading shows up as a difference.

The generated facts are compared as well, one by one and as a multiset.  At
the end each answer is spoiled in several ways, and the comparison has to
notice every one of them.
"""

import argparse
import re
import sys
from collections import Counter, defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

PARTS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
KINDS = {"n": "noun", "v": "verb", "a": "adj", "s": "satellite", "r": "adv"}

SYNSET = re.compile(r"(\d{8}) \d\d ([nvasr]) ([0-9a-f]{2}) (.*?) \| (.*)")
POINTER = re.compile(r"(\S+) (\d{8}) ([nvars]) ([0-9a-f]{2})([0-9a-f]{2})(?: |$)")

SYMBOL = re.compile(r"(?=.*[^\d.eE+-]|\D*$)[A-Za-z0-9.'-][A-Za-z0-9_.'/-]*")
NOT_SYMBOLS = set("and or xor not match capture nop sealed superpose True False PI EXP".split())


class Text(str):
    """Prints as a string whatever it contains; a plain `str` prints as a symbol."""


def as_word(word):
    """The word as it prints: a symbol if it can be one, else a string."""
    if SYMBOL.fullmatch(word) and word not in NOT_SYMBOLS:
        return word
    return Text(word)


def show(atom):
    if isinstance(atom, (tuple, list)):
        return "(" + " ".join(map(show, atom)) + ")"
    if isinstance(atom, Text):
        return '"' + re.sub(r'(["\\])', r"\\\1", atom) + '"'
    return str(atom)


def together(items):
    """Equal items next to each other, at the place of the first one."""
    return [item for item, count in Counter(items).items() for _ in range(count)]


class WordNet:
    """The database, keyed by synset names such as `n02084071`."""

    def __init__(self, folder):
        self.kind, self.words, self.gloss = {}, {}, {}
        self.pointers = defaultdict(list)  # (symbol, synset) -> [(i, synset, j)]
        self.senses = {}  # (lemma, part) -> [synset]
        self.irregular = []  # (inflected, part, base)
        for letter, part in PARTS.items():
            self.read_synsets(folder / f"data.{part}", letter)
            self.read_senses(folder / f"index.{part}", part, letter)
            for line in (folder / f"{part}.exc").read_text("ascii").splitlines():
                inflected, *bases = line.split()
                self.irregular += [(inflected, part, base) for base in bases]

    def read_synsets(self, path, letter):
        for line in path.read_text("ascii").splitlines():
            if line.startswith("  "):
                continue
            offset, kind, count, middle, gloss = SYNSET.fullmatch(line).groups()
            name = letter + offset
            *words, rest = middle.split(" ", 2 * int(count, 16))
            self.kind[name] = KINDS[kind]
            self.words[name] = [as_word(re.sub(r"\(.*\)$", "", word)) for word in words[::2]]
            self.gloss[name] = Text(gloss.strip())
            found = POINTER.findall(rest[4:])
            assert len(found) == int(rest[:3]), f"{name}: {len(found)} pointers in {rest}"
            for symbol, target, target_letter, i, j in found:
                target_letter = "a" if target_letter == "s" else target_letter
                self.pointers[symbol, name].append((int(i, 16), target_letter + target, int(j, 16)))

    def read_senses(self, path, part, letter):
        for line in path.read_text("ascii").splitlines():
            if not line.startswith("  "):
                lemma = line.split()[0]
                offsets = re.findall(r" (\d{8})(?= |$)", line)
                self.senses[as_word(lemma), part] = [letter + offset for offset in offsets]

    def to(self, symbol, name):
        """Where the pointers of a synset lead, in the order they are written."""
        return [target for _, target, _ in self.pointers.get((symbol, name), ())]

    def backwards(self, symbol, name):
        """The same in the order in which the synsets themselves are stored."""
        return sorted(self.to(symbol, name), key=lambda target: ("nvar".index(target[0]), target))

    def holding(self, symbol, name):
        """The synsets with a pointer to this one, for pointers without a mirror image."""
        return [s for s in self.kind for target in self.to(symbol, s) if target == name]

    # One fact list a relation, from the mirror image where there is one.

    def facts(self):
        for name, kind in self.kind.items():
            yield ("synset", name, kind)
            yield ("gloss", name, self.gloss[name])
            for i, word in enumerate(self.words[name], 1):
                yield ("word", name, i, word)
        for (lemma, part), names in self.senses.items():
            for n, name in enumerate(names, 1):
                yield ("sense", lemma, part, n, name)
        for inflected, part, base in self.irregular:
            yield ("irregular", as_word(inflected), part, as_word(base))
        mirrored = {"~": "hypernym", "~i": "instance-of", "%m": "member-of", "%s": "substance-of", "%p": "part-of"}
        forward = {"&": "similar", "*": "entails", ">": "causes"}
        domains = {"-c": "topic", "-r": "region", "-u": "usage"}
        lexical = {"!": "antonym", "+": "derived", "\\": "pertains", "<": "participle", "^": "also", "$": "verb-group"}
        for (symbol, name), ends in self.pointers.items():
            for i, target, j in ends:
                if symbol in mirrored:
                    yield (mirrored[symbol], target, name)
                elif symbol == "=" and name[0] == "a":
                    yield ("attribute", target, name)
                elif symbol in forward:
                    yield (forward[symbol], name, target)
                elif symbol in domains:
                    yield (domains[symbol], target, j, name, i)
                elif symbol in lexical:
                    yield (lexical[symbol], name, i, target, j)

    # The questions' vocabulary.

    def sense(self, word, part="noun", n=1):
        return self.senses[word, part][n - 1]

    def label(self, name):
        return self.words[name][0]

    def labels(self, names):
        return [self.label(name) for name in names]

    def ways_up(self, name):
        """Every way to the top, as lists from `name` on."""
        ways, open_ways = [], [[name]]
        while open_ways:
            way = open_ways.pop()
            parents = self.to("@", way[-1])
            if not parents:
                ways.append(way)
            # The first parent is continued first.
            open_ways += [way + [parent] for parent in reversed(parents)]
        return ways

    def closure(self, step, name):
        """All that `step` reaches, once for every way: near ones first, then beyond each in turn."""
        out, todo = [], [name]
        while todo:
            reached = step(todo.pop())
            out += reached
            todo += reversed(reached)
        return out

    def ancestors(self, name):
        return self.closure(lambda s: self.to("@", s), name)

    def below(self, name):
        return self.closure(lambda s: self.backwards("~", s), name)

    def with_steps(self, name):
        out, todo = [], [(0, name)]
        while todo:
            steps, s = todo.pop()
            out.append((steps, s))
            todo += [(steps + 1, up) for up in reversed(self.to("@", s))]
        return out

    def common(self, v, w):
        over_v, over_w = self.with_steps(self.sense(v)), self.with_steps(self.sense(w))
        steps, top = min(((i + j, s) for i, s in over_v for j, t in over_w if s == t), key=lambda pair: pair[0])
        return [(v, w, steps, self.label(top))]

    def common_ancestors(self, v, w):
        over_w = set(self.ancestors(self.sense(w)))
        return [s for s in dict.fromkeys(self.ancestors(self.sense(v))) if s in over_w]

    def senses_under(self, word, top):
        return [n for n, s in enumerate(self.senses[word, "noun"], 1) if top in self.ancestors(s)]

    def siblings(self, name):
        return [other for up in self.to("@", name) for other in self.backwards("~", up) if other != name]

    def cousins(self, name):
        return [
            cousin
            for parent in self.to("@", name)
            for grandparent in self.to("@", parent)
            for aunt in self.backwards("~", grandparent)
            for cousin in self.backwards("~", aunt)
            if aunt != parent
        ]

    def parts(self, name):
        return self.backwards("%p", name)

    def word_links(self, symbol, word, part):
        """(sense number, target synset, target word) of the pointers of this word itself."""
        out = []
        for n, name in enumerate(self.senses[word, part], 1):
            for i, own in enumerate(self.words[name], 1):
                ends = together(self.pointers.get((symbol, name), ()))
                out += [(n, t, self.words[t][j - 1]) for source, t, j in ends if own == word and source == i]
        return out


def match_self(pattern, template):
    return f"(match &self {pattern} {template})"


def size_of_all(query):
    return f"(let $all (collapse {query}) (size-atom $all))"


def of(function, word, part="noun", n=1):
    """The text of a call on a sense of a word."""
    return f"({function} (synset-of {word} {part} {n}))"


def answers_on_words(wn):
    def numbered(word, parts):
        return [(part, n, s) for part in parts for n, s in enumerate(wn.senses.get((word, part), ()), 1)]

    def spelt(word):
        return [(s, i) for s, words in wn.words.items() for i, own in enumerate(words, 1) if own == word]

    dog = wn.sense("dog")
    parts = list(PARTS.values())
    bases = [(part, as_word(base)) for word, part, base in wn.irregular if word == "better"]
    mouse = [as_word(base) for word, _, base in wn.irregular if word == "mice"]
    car = [(n, word) for _, n, s in numbered("car", ["noun"]) for word in wn.words[s]]
    return {
        match_self("(sense dog noun $n $s)", "($n $s)"): [(n, s) for _, n, s in numbered("dog", ["noun"])],
        match_self("(sense dog $pos $n $s)", "($pos $n $s)"): numbered("dog", parts),
        "(synset-of dog noun 1)": [dog],
        of("words-of", "dog"): wn.words[dog],
        of("gloss-of", "dog"): [wn.gloss[dog]],
        of("gloss-of", "oak"): [wn.gloss[wn.sense("oak")]],
        match_self("(sense zyzzyva noun $n $s)", "$s"): [],
        match_self('(sense "1000" $pos $n $s)', "($pos $n $s)"): numbered(Text("1000"), parts),
        of("words-of", '"match"'): wn.words[wn.sense(Text("match"))],
        of("words-of", "pi", n=3): wn.words[wn.sense("pi", n=3)],
        match_self("(word $s $i Canis_familiaris)", "($s $i)"): spelt("Canis_familiaris"),
        match_self("(word $s $i true_cat)", "(gloss-of $s)"): [wn.gloss[s] for s, _ in spelt("true_cat")],
        match_self("(, (sense car noun $n $s) (word $s $i $word))", "($n $word)"): car,
        match_self("(, (irregular mice noun $base) (sense $base noun $n $s))", "($base $n (label-of $s))"): [
            (base, n, wn.label(s)) for base in mouse for _, n, s in numbered(base, ["noun"])
        ],
        match_self("(irregular better $pos $base)", "($pos $base)"): bases,
    }


def answers_going_up(wn):
    def lineages(word, part="noun"):
        return [wn.labels(way) for way in wn.ways_up(wn.sense(word, part))]

    def kind_of(word, n, top, m):
        query = f"(kind-of (synset-of {word} noun {n}) (synset-of {top} noun {m}))"
        return {query: [wn.sense(top, n=m) in wn.ancestors(wn.sense(word, n=n))]}

    def senses_under(word, top):
        return {f"(senses-under {word} (synset-of {top} noun 1))": wn.senses_under(word, wn.sense(top))}

    def common(v, w):
        return {f"(common {v} {w})": wn.common(v, w)}

    def common_ancestors(function, v, w, show_them):
        query = f"({function} (common-ancestors (synset-of {v} noun 1) (synset-of {w} noun 1)))"
        return {query: [show_them(wn.common_ancestors(v, w))]}

    dog = wn.sense("dog")
    lineage = {f"(labels-of (lineage-of (synset-of {word} noun 1)))": lineages(word)
               for word in ("dog", "cat", "piano", "entity")}
    return {
        "(label-of (parent-of (synset-of dog noun 1)))": wn.labels(wn.to("@", dog)),
        of("lineage-of", "dog"): wn.ways_up(dog),
        **lineage,
        "(label-of (ancestor-of (synset-of car noun 1)))": wn.labels(wn.ancestors(wn.sense("car"))),
        "(labels-of (ancestors-of (synset-of dog noun 1)))": [wn.labels(dict.fromkeys(wn.ancestors(dog)))],
        "(how-many (ancestors-of (synset-of person noun 1)))": [len(set(wn.ancestors(wn.sense("person"))))],
        "(labels-of (lineage-of (synset-of whisper verb 1)))": lineages("whisper", "verb"),
        **kind_of("dog", 1, "animal", 1),
        **kind_of("dog", 1, "plant", 1),
        **kind_of("oak", 2, "plant", 2),
        **senses_under("dog", "animal"),
        **senses_under("bank", "institution"),
        **senses_under("bank", "artifact"),
        **common_ancestors("labels-of", "dog", "cat", wn.labels),
        **common_ancestors("labels-of", "piano", "violin", wn.labels),
        **common_ancestors("how-many", "dog", "car", len),
        **common("dog", "cat"),
        **common("dog", "wolf"),
        **common("dog", "oak"),
        **common("piano", "violin"),
        **common("car", "bicycle"),
        **common("king", "queen"),
    }


def answers_going_down(wn):
    def below(word):
        return wn.below(wn.sense(word))

    dog, king = wn.sense("dog"), wn.sense("king")
    same_parent = [other for up in wn.to("@", king) for other in wn.backwards("~", up)]
    return {
        "(label-of (child-of (synset-of dog noun 1)))": wn.labels(wn.backwards("~", dog)),
        match_self("(hypernym $x n02121620)", "$x"): wn.backwards("~", "n02121620"),
        "(label-of (below (synset-of wolf noun 1)))": wn.labels(below("wolf")),
        of("count-below", "dog"): [len(below("dog"))],
        of("kinds-below", "dog"): [len(set(below("dog")))],
        of("count-below", "carnivore"): [len(below("carnivore"))],
        of("count-below", "bird"): [len(below("bird"))],
        of("kinds-below", "musical_instrument"): [len(set(below("musical_instrument")))],
        "(label-of (sibling-of (synset-of dog noun 1)))": wn.labels(wn.siblings(dog)),
        "(label-of (sibling-of (synset-of piano noun 1)))": wn.labels(wn.siblings(wn.sense("piano"))),
        size_of_all("(cousin-of (synset-of dog noun 1))"): [len(wn.cousins(dog))],
        match_self("(, (sense king noun 1 $s) (hypernym $s $up) (hypernym $other $up) (word $other $i $word))", "$word"): [
            word for other in same_parent for word in wn.words[other]
        ],
    }


def answers_on_parts(wn):
    def inside(word):
        return wn.labels(wn.closure(lambda s: wn.to("#p", s), wn.sense(word)))

    dog, bicycle = wn.sense("dog"), wn.sense("bicycle")
    with_inherited = [part for s in [bicycle, *wn.ancestors(bicycle)] for part in wn.parts(s)]
    vehicles = [(wn.label(kind), wn.label(part))
                for kind in wn.backwards("~", wn.sense("vehicle")) for part in wn.parts(kind)]
    groups = [word for group in wn.to("#m", dog) for word in wn.words[group]]
    teams = [(wn.label(up), wn.label(who)) for up in wn.to("@", wn.sense("football_team")) for who in wn.backwards("%m", up)]
    return {
        "(label-of (part-in (synset-of car noun 1)))": wn.labels(wn.parts(wn.sense("car"))),
        "(label-of (part-in (synset-of hand noun 1)))": wn.labels(wn.parts(wn.sense("hand"))),
        "(label-of (inside (synset-of fingernail noun 1)))": inside("fingernail"),
        "(label-of (inside (synset-of eiffel_tower noun 1)))": inside("eiffel_tower"),
        "(label-of (any-part-in (synset-of bicycle noun 1)))": wn.labels(with_inherited),
        match_self(
            "(, (sense vehicle noun 1 $s) (hypernym $kind $s) (part-of $part $kind))",
            "((label-of $kind) (label-of $part))",
        ): vehicles,
        match_self("(, (sense dog noun 1 $s) (member-of $s $group) (word $group $i $word))", "$word"): groups,
        match_self("(, (sense water noun 1 $s) (substance-of $s $thing))", "(label-of $thing)"): wn.labels(
            wn.to("#s", wn.sense("water"))
        ),
        match_self(
            "(, (sense football_team noun 1 $s) (hypernym $s $up) (member-of $who $up))",
            "((label-of $up) (label-of $who))",
        ): teams,
    }


def answers_on_instances(wn):
    def rivers(word, patterns):
        river, land = wn.sense("river"), wn.sense(word)
        senses = f"(sense river noun 1 $river) (sense {word} noun 1 $land)"
        both = [s for s in wn.backwards("~i", river) if s in wn.backwards("%p", land)]
        return {match_self(f"(, {senses} {patterns} (word $x 1 $name))", "$name"): wn.labels(both)}

    def instances(name):
        return wn.backwards("~i", name)

    einstein = wn.sense("einstein")
    classes = [(wn.label(einstein), wn.label(c), wn.label(up)) for c in wn.to("@i", einstein) for up in wn.to("@", c)]
    scientists = [x for s in wn.below(wn.sense("scientist")) for x in instances(s)]
    return {
        match_self(
            "(, (sense einstein noun 1 $s) (instance-of $s $class) (hypernym $class $up))",
            "((label-of $s) (label-of $class) (label-of $up))",
        ): classes,
        "(label-of (instance-in (synset-of continent noun 1)))": wn.labels(instances(wn.sense("continent"))),
        size_of_all("(instance-in (synset-of national_capital noun 1))"): [len(instances(wn.sense("national_capital")))],
        size_of_all("(instance-in (below (synset-of scientist noun 1)))"): [len(scientists)],
        **rivers("france", "(instance-of $x $river) (part-of $x $land)"),
        **rivers("germany", "(part-of $x $land) (instance-of $x $river)"),
    }


def answers_between_words(wn):
    huge = wn.sense("huge", "adj")
    opposites = [(wn.label(head), wn.words[t][j - 1])
                 for head in wn.to("&", huge) for i, t, j in wn.pointers.get(("!", head), ()) if i == 1]
    derived = {f"(derived-from {word} {part})": [(n, wn.kind[t], other) for n, t, other in wn.word_links("+", word, part)]
               for word, part in (("decide", "verb"), ("happy", "adj"))}
    antonyms = {f"(antonym-of {word} {part})": [(n, other) for n, _, other in wn.word_links("!", word, part)]
                for word, part in (("good", "adj"), ("hot", "adj"), ("arrive", "verb"))}
    pertains = [(n, wn.words[t][j - 1]) for n, s in enumerate(wn.senses["dental", "adj"], 1)
                for _, t, j in wn.pointers.get(("\\", s), ())]
    sleep = wn.sense("sleep", "verb")
    return {
        **antonyms,
        **derived,
        match_self("(, (sense dental adj $n $s) (pertains $s $i $t $j) (word $t $j $noun))", "($n $noun)"): pertains,
        match_self("(, (sense snore verb 1 $s) (entails $s $t))", "(words-of $t)"): [
            word for t in wn.to("*", wn.sense("snore", "verb")) for word in wn.words[t]
        ],
        match_self("(, (sense sleep verb 1 $t) (entails $s $t))", "(label-of $s)"): wn.labels(wn.holding("*", sleep)),
        match_self("(, (sense kill verb 1 $s) (causes $s $t))", "(label-of $t)"): wn.labels(
            wn.to(">", wn.sense("kill", "verb"))
        ),
        match_self("(, (sense size noun 1 $s) (attribute $s $value))", "(label-of $value)"): wn.labels(
            wn.to("=", wn.sense("size"))
        ),
        match_self(
            "(, (sense huge adj 1 $s) (similar $s $head) (word $head 1 $word) (antonym $head 1 $t $j) (word $t $j $other))",
            "($word $other)",
        ): opposites,
    }


def answers_counting(wn):
    def ends(symbol):
        return [(s, target) for (own, s), found in wn.pointers.items() if own == symbol for _, target, _ in found]

    adverbs = sum(kind == "adv" for kind in wn.kind.values())
    in_groups = Counter(member for _, member in ends("%m"))
    both = sum(in_groups[part] for _, part in ends("%p"))
    classes = {cls for cls, _ in ends("~i")}
    once = "(let $once (unique-atom $all) (size-atom $once))"
    return {
        size_of_all(match_self("(synset $s adv)", "$s")): [adverbs],
        size_of_all(match_self("(part-of $part $whole)", "part")): [len(ends("%p"))],
        f"(let $all (collapse {match_self('(instance-of $x $class)', '$class')}) {once})": [len(classes)],
        size_of_all(match_self("(hypernym $x $y)", "up")): [len(ends("~"))],
        size_of_all(match_self("(, (part-of $s $whole) (member-of $s $group))", "$s")): [both],
    }


def expected_answers(wn):
    """Query text -> the line to be printed for it."""
    questions = {}
    for group in (answers_on_words, answers_going_up, answers_going_down, answers_on_parts,
                  answers_on_instances, answers_between_words, answers_counting):
        questions.update(group(wn))
    return {query: "[" + ", ".join(map(show, found)) + "]" for query, found in questions.items()}


def queries_of(program):
    return [line[1:].strip() for line in program.read_text("utf-8").splitlines() if line.startswith("!")]


def differences(queries, expected, lines):
    """What is wrong with these answers, one message each."""
    found = [f"no expectation for !{query}" for query in queries if query not in expected]
    found += [f"not asked: !{query}" for query in expected if query not in queries]
    if len(lines) != len(queries):
        found.append(f"{len(queries)} queries but {len(lines)} answers")
    for query, line in zip(queries, lines):
        if query in expected and line != expected[query]:
            found.append(f"!{query}\n  expected {expected[query]}\n  got      {line}")
    return found


def fact_differences(wn, path):
    """Facts that are missing in the file, and facts that should not be there."""
    facts = Counter("(" + " ".join(map(show, fact)) + ")" for fact in wn.facts())
    total, surplus = sum(facts.values()), []
    with path.open(encoding="ascii") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.startswith(";"):
                continue
            if facts[line] > 0:
                facts[line] -= 1
            else:
                surplus.append(f"not in WordNet: {line}")
    missing = [f"missing fact: {fact}" for fact, count in facts.items() if count > 0]
    return total, missing + surplus


def spoiled(line):
    """The line with one thing wrong, in every way that makes sense for it."""
    yield line[:-1] + (", extra]" if len(line) > 2 else "extra]")
    if line == "[]":
        return
    yield "[]"
    yield line + "\n[]"
    for digits in list(re.finditer(r"\d+", line))[:3]:
        yield line[: digits.start()] + str(int(digits.group()) + 1) + line[digits.end() :]
    first, comma, rest = line[1:-1].partition(", ")
    if comma and '"' not in line:
        yield f"[{rest}]"
        yield f"[{first}, {first}, {rest}]"
    yield line.replace("e", "E", 1) if "e" in line else line + "."


def unnoticed(queries, expected, lines):
    """How many spoiled answers were tried, and those that passed for right."""
    tried, missed = 0, []
    for index, line in enumerate(lines):
        for wrong in spoiled(line):
            tried += 1
            changed = lines[:index] + wrong.split("\n") + lines[index + 1 :]
            if not differences(queries, expected, changed):
                missed.append(f"not noticed: {wrong} for !{queries[index]}")
    return tried, missed


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, what in [("dict", "folder with WordNet's files"), ("facts", "the generated facts"),
                       ("program", "examples/wordnet.metta"), ("answers", "what the engine printed for both")]:
        options.add_argument(f"--{name}", type=Path, required=True, help=what)
    options = options.parse_args()

    wn = WordNet(options.dict)
    # The example promises that its recursive rules end; a cycle is an error here.
    for symbol in ("@", "#p"):
        TopologicalSorter({name: wn.to(symbol, name) for name in wn.kind}).prepare()
    total, problems = fact_differences(wn, options.facts)
    queries = queries_of(options.program)
    expected = expected_answers(wn)
    lines = options.answers.read_text("utf-8").splitlines()
    problems += differences(queries, expected, lines)
    tried = 0
    if not problems:
        tried, problems = unnoticed(queries, expected, lines)
    for problem in problems[:20]:
        print(problem, file=sys.stderr)
    if problems:
        sys.exit(f"{len(problems)} differences")
    print(f"{total} facts and {len(lines)} answers agree with WordNet; {tried} spoiled answers were noticed")


if __name__ == "__main__":
    main()

//! Properties of states: what is written reads back, and equal states are equal bytes.

use bytes::Bytes;
use metta_atom::{Atom, Number, SpaceId, Symbol, Variable};
use metta_rholang::{Codec, Layout, SpaceError, StateError, par};
use metta_sched::{Environment, Library, MettaState};
use metta_syntax::{Form, Span};
use proptest::prelude::*;

/// What can be compared: forms, facts in order with copies, results.
#[derive(Clone, PartialEq, Debug)]
struct Content {
    source: Vec<(Atom, bool)>,
    facts: Vec<(Vec<u8>, Vec<Variable>, u64)>,
    output: Vec<Vec<Atom>>,
}

fn content(state: &MettaState) -> Content {
    let space = state.environment.snapshot(SpaceId::TOP).expect("the main space");
    let fact = |fact: metta_space::Fact<'_>| (fact.bytes.to_vec(), fact.variables().to_vec(), fact.count);
    Content {
        source: state.source.iter().map(|form| (form.atom.clone(), form.run)).collect(),
        facts: space.iter().map(fact).collect(),
        output: state.output.clone(),
    }
}

fn state(source: Vec<(Atom, bool)>, facts: &[(Atom, u64)], output: Vec<Vec<Atom>>) -> MettaState {
    let span = Span { start: 0, end: 0 };
    let source = source.into_iter().map(|(atom, run)| Form { atom, run, span }).collect();
    let mut environment = Environment::new(Library::new());
    for (atom, copies) in facts {
        (0..*copies).for_each(|_| environment.add(atom));
    }
    MettaState { source, environment, output }
}

fn round(codec: &Codec, state: &MettaState) -> MettaState {
    let bytes = codec.state_to_bytes(state).expect("it can be written");
    codec.state_from_bytes(&Bytes::from(bytes)).expect("what was written")
}

fn codecs() -> [Codec; 4] {
    let older = |codec: Codec| codec.layout(Layout::Tuples);
    let (legacy, strict) = (Codec::default(), Codec::default().strict());
    [legacy.clone(), strict.clone(), older(legacy), older(strict)]
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,3}", "\\PC{0,4}", Just("=".to_owned()), Just(",".to_owned()), "[\"$\\\\#&]{1,3}"]
}

fn variables() -> impl Strategy<Value = Variable> {
    (names(), prop_oneof![Just(0), any::<u64>()])
        .prop_map(|(name, number)| Variable::renamed(Symbol::new(name), number))
}

/// Expressions, rules, errors and facts, some of them wide.
fn trees(leaf: impl Strategy<Value = Atom> + Clone + 'static) -> impl Strategy<Value = Atom> {
    leaf.clone().prop_recursive(5, 48, 6, move |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            6 => proptest::collection::vec(inner.clone(), 0..6).prop_map(Atom::expression),
            1 => proptest::collection::vec(leaf.clone(), 62..67).prop_map(Atom::expression),
            2 => two.clone().prop_map(|(l, r)| Atom::expression([Atom::symbol("="), l, r])),
            2 => two.prop_map(|(about, reason)| Atom::error(about, reason)),
        ]
    })
}

/// Every value that a state can hold.
fn any_atoms() -> impl Strategy<Value = Atom> {
    trees(prop_oneof![
        names().prop_map(Atom::symbol),
        names().prop_map(Atom::text),
        names().prop_map(Atom::operation),
        variables().prop_map(Atom::Variable),
        any::<i64>().prop_map(Atom::integer),
        any::<i128>().prop_map(|value| Atom::number(Number::from_big(value.into()))),
        any::<f64>().prop_filter("bits of NaN are one in a space", |f| !f.is_nan()).prop_map(Atom::float),
        any::<bool>().prop_map(Atom::bool),
    ])
}

/// What programs can write, with floats that have a fraction.
fn written_atoms() -> impl Strategy<Value = Atom> {
    trees(prop_oneof![
        4 => "[a-z]{1,2}".prop_map(|word| parse(&word)),
        1 => "[a-z]{64,66}".prop_map(|word| parse(&word)),
        2 => "\\PC{0,6}".prop_map(Atom::text),
        2 => "[a-z]{1,2}".prop_map(Atom::variable),
        2 => any::<i64>().prop_map(Atom::integer),
        1 => any::<i128>().prop_map(|value| Atom::number(Number::from_big(value.into()))),
        2 => (-1000i32..1000).prop_map(|i| Atom::float(f64::from(i) + 0.25)),
        1 => any::<bool>().prop_map(Atom::bool),
        1 => Just(parse("+")),
        1 => Just(parse("&self")),
    ])
}

fn parse(text: &str) -> Atom {
    metta_syntax::parse(text, &Library::new()).forms[0].atom.clone()
}

fn sources(atoms: impl Strategy<Value = Atom>) -> impl Strategy<Value = Vec<(Atom, bool)>> {
    proptest::collection::vec((atoms, any::<bool>()), 0..4)
}

fn facts(atoms: impl Strategy<Value = Atom>) -> impl Strategy<Value = Vec<(Atom, u64)>> {
    proptest::collection::vec((atoms, 1u64..4), 0..8)
}

fn outputs(atoms: impl Strategy<Value = Atom>) -> impl Strategy<Value = Vec<Vec<Atom>>> {
    proptest::collection::vec(proptest::collection::vec(atoms, 0..4), 0..4)
}

/// A list headed by `!` is the same as a form to be evaluated in the legacy dialect.
fn is_bang(atom: &Atom) -> bool {
    atom.children().is_some_and(|children| children.len() == 2 && children[0].as_symbol() == Some("!"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn strict_states_survive(
        source in sources(any_atoms()), facts in facts(any_atoms()), output in outputs(any_atoms()),
    ) {
        let state = state(source, &facts, output);
        for codec in [Codec::default().strict(), Codec::default().strict().layout(Layout::Tuples)] {
            let again = round(&codec, &state);
            prop_assert_eq!(content(&again), content(&state));
            prop_assert_eq!(codec.state_to_bytes(&again), codec.state_to_bytes(&state));
        }
    }

    #[test]
    fn legacy_states_of_programs_survive(
        source in sources(written_atoms()), facts in facts(written_atoms()),
        output in proptest::collection::vec(written_atoms(), 0..5),
    ) {
        prop_assume!(!source.iter().any(|(atom, run)| !run && is_bang(atom)));
        // Of an error as a result the reason is a text, and the results are one list.
        let result = |atom: Atom| match atom.children() {
            Some([_, about, reason]) if atom.is_error() => Atom::error(about.clone(), Atom::text(reason.to_string())),
            _ => atom,
        };
        let output: Vec<Atom> = output.into_iter().map(result).collect();
        let state = state(source, &facts, if output.is_empty() { vec![] } else { vec![output] });
        let again = round(&Codec::default(), &state);
        prop_assert_eq!(content(&again), content(&state));
        let bytes = Codec::default().state_to_bytes(&state);
        prop_assert_eq!(&Codec::default().state_to_bytes(&again), &bytes);
        let older = Codec::default().layout(Layout::Tuples);
        match older.state_to_bytes(&state) {
            Ok(_) => prop_assert_eq!(content(&round(&older, &state)), content(&state)),
            Err(error) => {
                let too_large = matches!(error, StateError::Space(SpaceError::TooLarge { .. }));
                prop_assert!(too_large, "{}", error);
            }
        }
    }

    /// S3: how a state came to be does not show, and neither does the way its bytes are made.
    #[test]
    fn equal_states_are_equal_bytes(facts in facts(any_atoms()), extra in facts(any_atoms()), output in outputs(any_atoms())) {
        let plain = state(vec![], &facts, output.clone());
        let mut other = state(vec![], &facts, output);
        let world = other.environment.world();
        let mut top = world.space(SpaceId::TOP).expect("the main space").clone();
        for (atom, copies) in &extra {
            (0..*copies).for_each(|_| top.add(atom));
        }
        top.settle();
        for (atom, copies) in extra.iter().rev() {
            (0..*copies).for_each(|_| assert!(top.remove(atom)));
        }
        let mut world = world;
        world.set_space(SpaceId::TOP, top);
        other.environment = Environment::from_world(Library::new(), world);
        for codec in codecs() {
            let bytes = codec.state_to_bytes(&plain);
            prop_assert_eq!(&codec.state_to_bytes(&other), &bytes);
            if let (Ok(par), Ok(bytes)) = (codec.state_to_par(&plain), bytes) {
                prop_assert_eq!(par::encode(&par), bytes);
            }
        }
    }

    /// W1: structs and bytes say the same of every value.
    #[test]
    fn structs_and_bytes_agree(atom in any_atoms()) {
        for codec in codecs() {
            let (par, bytes) = (codec.value_to_par(&atom).unwrap(), codec.value_to_bytes(&atom).unwrap());
            prop_assert_eq!(&par::encode(&par), &bytes);
            prop_assert_eq!(codec.value_from_par(&par), codec.value_from_bytes(&bytes));
        }
    }
}

fn nested(depth: usize) -> Atom {
    (0..depth).fold(Atom::symbol("z"), |atom, _| Atom::expression([Atom::symbol("s"), atom]))
}

#[test]
fn deep_terms_and_wide_expressions_survive() {
    let deep = nested(10_000);
    let wide = Atom::expression((0..1_000).map(Atom::integer).collect::<Vec<_>>());
    let rule = Atom::expression([Atom::symbol("="), parse("(f $x)"), deep.clone()]);
    let long = parse(&format!("(a {} $x)", "word".repeat(100)));
    let many = Atom::expression((0..100).map(|i| Atom::variable(format!("v{i}"))).collect::<Vec<_>>());
    let facts = [(wide.clone(), 2), (deep.clone(), 1), (rule, 1), (long, 3), (many, 1), (parse("(a 1)"), 2)];
    let source = vec![(deep.clone(), true), (wide.clone(), false)];
    let state = state(source, &facts, vec![vec![deep, wide]]);
    for codec in [Codec::default(), Codec::default().strict()] {
        assert!(content(&round(&codec, &state)) == content(&state));
    }
    // The structs are for what fits a stack.
    assert!(matches!(Codec::default().state_to_par(&state), Err(StateError::Write(_))));
    let older = Codec::default().layout(Layout::Tuples).state_to_bytes(&state);
    assert!(matches!(older, Err(StateError::Space(SpaceError::TooLarge { .. }))), "{older:?}");
}

#[test]
fn a_million_levels_are_an_error_or_a_value_and_never_a_crash() {
    let codec = Codec::default();
    let deep = nested(1_000_000);
    assert!(codec.value_to_bytes(&deep).is_err());
    let roomy = Codec::default().depth(4_000_000);
    let bytes = roomy.value_to_bytes(&deep).unwrap();
    assert!(roomy.value_from_bytes(&bytes) == Ok(deep));
    assert!(codec.value_from_bytes(&bytes).is_err());
}

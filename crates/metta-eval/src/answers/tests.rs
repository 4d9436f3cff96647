use super::*;

fn number(value: i64) -> Cell {
    Cell::int(value).expect("small")
}

fn moment(stamp: u64) -> Moment {
    Moment { reductions: 0, stamp, names: 0, effects: 0 }
}

/// Takes the call of function 0 with a number; its hash.
fn call(answers: &mut Answers, heap: &Heap, argument: i64) -> u64 {
    answers.take_call(heap, 0, &[Cell::UNIT, number(argument)]).expect("it can be kept")
}

/// Awaits the call with a number in frame 1, and enters its double.
fn enter(answers: &mut Answers, heap: &Heap, argument: i64) {
    let hash = call(answers, heap, argument);
    assert!(answers.find(hash, 1).is_none());
    let note = answers.wait(1, 0, hash, moment(1)).expect("there is room");
    let awaited = answers.take_awaited(note, 1).expect("it is awaited");
    answers.enter(heap, &awaited, number(2 * argument), 3);
}

fn answer(answers: &mut Answers, heap: &mut Heap, argument: i64) -> Option<Cell> {
    let hash = call(answers, heap, argument);
    let (answer, reductions) = answers.find(hash, 1)?;
    assert_eq!(reductions, 3);
    Some(answers.build(heap, answer))
}

#[test]
fn answers_take_no_more_than_their_share() {
    let mut heap = Heap::new();
    let mut answers = Answers::new(Tabling::Automatic);
    let most_bytes = 1 << 18;
    answers.begin(&Limits { memory_bytes: Some(most_bytes * SHARE), ..Limits::default() });
    for argument in 0..100_000 {
        enter(&mut answers, &heap, argument);
        // A table that grows takes twice the room that it needs.
        assert!(answers.bytes() <= 3 * most_bytes, "{} bytes", answers.bytes());
    }
    assert_eq!(answer(&mut answers, &mut heap, 99_999), Some(number(199_998)));
    assert_eq!(answer(&mut answers, &mut heap, 99_000), Some(number(198_000)));
    assert_eq!(answer(&mut answers, &mut heap, 0), None);
    answers.clear();
    assert_eq!(answer(&mut answers, &mut heap, 99_999), None);
}

/// Invariant A2.
#[test]
fn calls_of_frames_that_are_gone_are_dropped() {
    let heap = Heap::new();
    let mut answers = Answers::new(Tabling::Automatic);
    let mut wait = |frame: u32| {
        let hash = call(&mut answers, &heap, i64::from(frame));
        let note = answers.wait(frame, 0, hash, moment(1)).expect("there is room");
        (note, answers.awaited.iter().map(|awaited| awaited.frame).collect::<Vec<_>>())
    };
    assert_eq!((wait(3), wait(5), wait(8)), ((0, vec![3]), (1, vec![3, 5]), (2, vec![3, 5, 8])));
    // A choice point went back before frame 5.
    assert_eq!(wait(4), (1, vec![3, 4]));
    assert!(answers.take_awaited(1, 5).is_none(), "the note is of another frame by now");
    assert_eq!(answers.take_awaited(0, 3).map(|awaited| awaited.frame), Some(3));
    assert!(answers.awaited.is_empty() && answers.awaited_cells.is_empty());
}

/// Invariant A3.
#[test]
fn only_evaluated_data_is_kept() {
    let mut heap = Heap::new();
    let mut answers = Answers::new(Tabling::Automatic);
    let plain = heap.expression(&[number(1), number(2)]);
    let variable = heap.new_variable(crate::terms::symbols::VARIABLE, false);
    let open = heap.expression(&[number(1), variable]);
    let outer = heap.expression(&[plain.evaluated(), plain]);
    let mut take = |argument: Cell| answers.take_call(&heap, 0, &[Cell::UNIT, argument]);
    assert!(take(plain).is_none(), "it may have to be evaluated");
    assert!(take(variable).is_none() && take(open.evaluated()).is_none());
    assert!(take(outer.evaluated()).is_none(), "a part may have to be evaluated");
    let (marked, inert) = (take(plain.evaluated()), take(plain.with_evaluated_elements()));
    assert!(marked.is_some() && inert.is_some());
}

#[test]
fn an_answer_is_built_as_it_was() {
    let mut heap = Heap::new();
    let mut answers = Answers::new(Tabling::Automatic);
    answers.begin(&Limits::default());
    let text = heap.grounded(Grounded::Text("a text".into()));
    let inner = heap.expression(&[number(1), text]).evaluated();
    let value = heap.expression(&[inner, number(2), inner]).evaluated();
    let hash = call(&mut answers, &heap, 7);
    assert!(answers.find(hash, 1).is_none());
    let note = answers.wait(1, 0, hash, moment(1)).expect("there is room");
    let awaited = answers.take_awaited(note, 1).expect("it is awaited");
    answers.enter(&heap, &awaited, value, 3);
    let (first, second) = (answer(&mut answers, &mut heap, 7), answer(&mut answers, &mut heap, 7));
    for built in [first.expect("known"), second.expect("known")] {
        assert!(built.is_evaluated() && built.is_ground() && !built.same(value) && heap.equal(built, value));
    }
}

#[test]
fn what_does_not_pay_is_given_up_and_tried_again() {
    let mut profile = Profile::default();
    profile.branches = true;
    let judged = |profile: &mut Profile, saved: u64| {
        (0..1 << 20).find(|_| {
            let few = profile.note_call(Some(saved), 1);
            profile.note_call(None, 1) || few
        })
    };
    assert_eq!(judged(&mut profile, 100), None);
    let mut rests = Vec::new();
    for _ in 0..3 {
        assert!(profile.is_promising());
        assert!(judged(&mut profile, 1).is_some());
        assert!(!profile.is_promising());
        rests.push((1..).find(|_| profile.note_pause()).expect("it ends"));
    }
    assert!(rests[0] < rests[1] && rests[1] < rests[2], "{rests:?}");
}

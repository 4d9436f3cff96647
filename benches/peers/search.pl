:- discontiguous edge/2.
:- dynamic seen/1.
%@ for i in 0..=n-1: edge({i}, {i+1%n}).
%@ for i in 0..=n-1: edge({i}, {i*2+5%n}).
%@ for i in 0..=n-1: edge({i}, {i*5+1%n}).
element([X|_], X).
element([_|T], X) :- element(T, X).
new([], []).
new([Node|T], R) :-
    ( seen(Node) -> R = More ; assertz(seen(Node)), R = [Node|More] ),
    new(T, More).
levels([], Depth, Depth) :- !.
levels(Frontier, Depth, R) :-
    findall(To, (element(Frontier, Node), edge(Node, To)), Next),
    new(Next, Fresh),
    D is Depth + 1,
    levels(Fresh, D, R).
main :-
    assertz(seen(0)),
    levels([0], 0, Depth),
    findall(X, seen(X), All), length(All, Count),
    format("(~w ~w)~n", [Depth, Count]).

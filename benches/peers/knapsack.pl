things(0, L, L) :- !.
things(N, L, R) :-
    W is 3 + (N * 7) mod 11, V is W + (N * 5) mod 7,
    M is N - 1, things(M, thing(W, V, L), R).
best(none, _, 0).
best(thing(W, V, Rest), Room, Best) :-
    (   W > Room
    ->  best(Rest, Room, Best)
    ;   best(Rest, Room, A),
        Less is Room - W, best(Rest, Less, B0), B is V + B0,
        ( A > B -> Best = A ; Best = B )
    ).
main :- things({n}, none, L), Room is 5 * {n}, best(L, Room, B), print(B), nl.

:- dynamic known/2.
known(1, 0).
next(N, M) :- ( N mod 2 =:= 0 -> M is N // 2 ; M is 3 * N + 1 ).
len(N, Limit, L) :- N =< Limit, !, known(N, L).
len(N, Limit, L) :- next(N, M), len(M, Limit, K), L is K + 1.
learn(N, End, Longest, Longest) :- N > End, !.
learn(N, End, Longest, R) :-
    next(N, M), Limit is N - 1,
    len(M, Limit, K), L is K + 1,
    assertz(known(N, L)),
    ( L > Longest -> B = L ; B = Longest ),
    J is N + 1,
    learn(J, End, B, R).
main :- learn(2, {n}, 0, R), print(R), nl.

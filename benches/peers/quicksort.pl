numbers(0, _, []) :- !.
numbers(N, Seed, [Seed|T]) :-
    M is N - 1, S is (Seed * 1103 + 12345) mod 65521, numbers(M, S, T).
app([], B, B).
app([H|T], B, [H|R]) :- app(T, B, R).
qsort([], []).
qsort([P|Rest], R) :-
    parts(Rest, P, [], [], Low, High),
    qsort(Low, A), qsort(High, B), app(A, [P|B], R).
parts([], _, L, H, L, H).
parts([X|T], P, L, H, L1, H1) :-
    (   X < P
    ->  parts(T, P, [X|L], H, L1, H1)
    ;   parts(T, P, L, [X|H], L1, H1)
    ).
sum([], _, S, S).
sum([X|T], K, S, R) :- J is K + 1, U is (S + K * X) mod 65521, sum(T, J, U, R).
main :- numbers({n}, 7, L), qsort(L, S), sum(S, 1, 0, R), print(R), nl.

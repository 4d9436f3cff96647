build(0, L, L) :- !.
build(N, L, R) :- M is N - 1, build(M, [N|L], R).
increment([], []).
increment([H|T], [I|R]) :- I is H + 1, increment(T, R).
rev([], R, R).
rev([H|T], A, R) :- rev(T, [H|A], R).
total([], S, S).
total([H|T], S, R) :- U is S + H, total(T, U, R).
main :- build({n}, [], A), increment(A, B), rev(B, [], C), total(C, 0, S), print(S), nl.

upto(0, L, L) :- !.
upto(N, L, R) :- M is N - 1, upto(M, [N|L], R).
map([], _, []).
map([X|T], F, [Y|U]) :- call(F, X, Y), map(T, F, U).
filter([], _, []).
filter([X|T], P, R) :- ( call(P, X) -> R = [X|U] ; R = U ), filter(T, P, U).
fold([], _, A, A).
fold([X|T], F, A, R) :- call(F, A, X, B), fold(T, F, B, R).
square(X, Y) :- Y is X * X.
odd(X) :- X mod 2 =:= 1.
plus_last(A, X, B) :- B is A + X mod 1000.
main :-
    upto({n}, [], L), map(L, square, S), filter(S, odd, O),
    fold(O, plus_last, 0, R), print(R), nl.

nat(0, z) :- !.
nat(N, s(X)) :- M is N - 1, nat(M, X).
number_of(z, 0).
number_of(s(X), N) :- number_of(X, M), N is M + 1.
double(z, z).
double(s(N), s(s(M))) :- double(N, M).
half(z, z).
half(s(N), M) :- half_of_next(N, M).
half_of_next(z, z).
half_of_next(s(N), s(M)) :- half(N, M).
numbers(0, []) :- !.
numbers(N, [X|T]) :- nat(N, X), M is N - 1, numbers(M, T).
map([], _, []).
map([X|T], F, [Y|U]) :- call(F, X, Y), map(T, F, U).
total([], 0).
total([X|T], N) :- number_of(X, A), total(T, B), N is A + B.
main :-
    numbers({n}, L), map(L, double, D), map(D, half, H), total(H, N), print(N), nl.

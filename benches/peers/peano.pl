add(z, Y, Y).
add(s(X), Y, s(Z)) :- add(X, Y, Z).
mul(z, _, z).
mul(s(X), Y, Z) :- mul(X, Y, W), add(Y, W, Z).
from(0, z) :- !.
from(N, s(X)) :- M is N - 1, from(M, X).
to(z, 0).
to(s(X), N) :- to(X, M), N is M + 1.
main :- from({n}, A), from({n}, B), mul(A, B, C), to(C, N), print(N), nl.

depth(0, 0) :- !.
depth(N, D) :- M is N - 1, depth(M, E), D is E + 1.
main :- depth({n}, D), print(D), nl.

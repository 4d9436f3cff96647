tick(0) :- !.
tick(N) :- nb_getval(counter, V), W is V + 1, nb_setval(counter, W), M is N - 1, tick(M).
main :- nb_setval(counter, 0), tick({n}), nb_getval(counter, V), print(V), nl.

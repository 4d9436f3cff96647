step(0, X, Y, _, _, R) :- !, R is float(truncate(1000000 * (X * X + Y * Y) + 0.5)).
step(N, X, Y, U, V, R) :-
    Square is X * X + Y * Y,
    Pull is -0.001 / (Square * sqrt(Square)),
    U1 is U + Pull * X,
    V1 is V + Pull * Y,
    X1 is X + 0.001 * U1,
    Y1 is Y + 0.001 * V1,
    M is N - 1,
    step(M, X1, Y1, U1, V1, R).
main :- step({n}, 1.0, 0.0, 0.0, 0.8, R), print(R), nl.

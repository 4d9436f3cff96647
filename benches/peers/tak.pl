tak(X, Y, Z, A) :- Y >= X, !, A = Z.
tak(X, Y, Z, A) :-
    X1 is X - 1, tak(X1, Y, Z, P),
    Y1 is Y - 1, tak(Y1, Z, X, Q),
    Z1 is Z - 1, tak(Z1, X, Y, R),
    tak(P, Q, R, A).
main :- X is 3 * {n}, Y is 2 * {n}, tak(X, Y, {n}, A), print(A), nl.

move(a, b, p(X, Y, Z), p(A, B, Z)) :- A is X - 1, B is Y + 1.
move(a, c, p(X, Y, Z), p(A, Y, C)) :- A is X - 1, C is Z + 1.
move(b, a, p(X, Y, Z), p(A, B, Z)) :- A is X + 1, B is Y - 1.
move(b, c, p(X, Y, Z), p(X, B, C)) :- B is Y - 1, C is Z + 1.
move(c, a, p(X, Y, Z), p(A, Y, C)) :- A is X + 1, C is Z - 1.
move(c, b, p(X, Y, Z), p(X, B, C)) :- B is Y + 1, C is Z - 1.
hanoi(0, _, _, _, P, P) :- !.
hanoi(N, From, To, By, P, R) :-
    M is N - 1,
    hanoi(M, From, By, To, P, Q),
    move(From, To, Q, S),
    hanoi(M, By, To, From, S, R).
main :- hanoi({n}, a, c, b, p({n}, 0, 0), p(X, Y, Z)), format("(~w ~w ~w)~n", [X, Y, Z]).

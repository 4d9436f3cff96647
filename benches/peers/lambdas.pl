apply(lambda(X, Body, R), X, R) :- call(Body).
compose(F, G, X, R) :- call(G, X, Y), call(F, Y, R).
adder(K, X, R) :- R is X + K.
twice(F, X, R) :- call(F, X, Y), call(F, Y, R).
loop(0, Sum, Sum) :- !.
loop(N, Sum, R) :-
    twice(adder(N), 1, A),
    compose(adder(1), adder(N), A, B),
    apply(lambda(Y, Z is Y + N, Z), B, C),
    T is (Sum + C) mod 65536,
    M is N - 1,
    loop(M, T, R).
main :- loop({n}, 0, R), print(R), nl.

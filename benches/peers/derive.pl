derive(x, num(1)).
derive(num(_), num(0)).
derive(exp(A), mul(D, exp(A))) :- derive(A, D).
derive(add(A, B), add(C, D)) :- derive(A, C), derive(B, D).
derive(mul(A, B), add(mul(C, B), mul(A, D))) :- derive(A, C), derive(B, D).
simple(x, x).
simple(num(N), num(N)).
simple(exp(A), exp(B)) :- simple(A, B).
simple(add(A, B), R) :- simple(A, C), simple(B, D), add(C, D, R).
simple(mul(A, B), R) :- simple(A, C), simple(B, D), mul(C, D, R).
add(num(X), num(Y), R) :- !, Z is X + Y, R = num(Z).
add(num(0), C, R) :- !, R = C.
add(C, num(0), R) :- !, R = C.
add(A, B, add(A, B)).
mul(num(X), num(Y), R) :- !, Z is X * Y, R = num(Z).
mul(num(0), _, R) :- !, R = num(0).
mul(_, num(0), R) :- !, R = num(0).
mul(num(1), C, R) :- !, R = C.
mul(C, num(1), R) :- !, R = C.
mul(A, B, mul(A, B)).
nth(0, A, A) :- !.
nth(N, A, R) :- derive(A, B), simple(B, C), M is N - 1, nth(M, C, R).
size(x, 1).
size(num(_), 1).
size(exp(A), N) :- size(A, K), N is K + 1.
size(add(A, B), N) :- size(A, K), size(B, L), N is 1 + K + L.
size(mul(A, B), N) :- size(A, K), size(B, L), N is 1 + K + L.
main :-
    nth({n}, add(mul(x, exp(x)), mul(x, mul(x, exp(mul(x, x))))), R),
    size(R, N), print(N), nl.

prime(N, D) :- D * D > N, !.
prime(N, D) :- N mod D =\= 0, E is D + 1, prime(N, E).
count(End, End, Found, Found) :- !.
count(I, End, Found, R) :-
    ( prime(I, 2) -> F is Found + 1 ; F = Found ),
    J is I + 1,
    count(J, End, F, R).
main :- count(2, {n}, 0, R), print(R), nl.

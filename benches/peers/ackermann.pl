ack(0, N, R) :- !, R is N + 1.
ack(M, 0, R) :- !, K is M - 1, ack(K, 1, R).
ack(M, N, R) :-
    J is N - 1, ack(M, J, S),
    K is M - 1, ack(K, S, R).
main :- ack(3, {n}, R), print(R), nl.

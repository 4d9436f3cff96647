sum(0, Total, Total) :- !.
sum(N, Total, R) :- M is N - 1, T is Total + N, sum(M, T, R).
main :- sum({n}, 0, R), print(R), nl.

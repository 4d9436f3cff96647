choose(0, Left, R) :- !, Left =:= 0, R = end.
choose(N, Left, take(N, Rest)) :-
    L is Left - N * N, L >= 0,
    M is N - 1, choose(M, L, Rest).
choose(N, Left, Rest) :- M is N - 1, choose(M, Left, Rest).
main :-
    Sum is {n} * {n} * 3,
    findall(R, choose({n}, Sum, R), All), length(All, Count), print(Count), nl.

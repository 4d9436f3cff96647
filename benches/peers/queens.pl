upto(0, L, L) :- !.
upto(N, L, R) :- M is N - 1, upto(M, [N|L], R).
element([X|_], X).
element([_|T], X) :- element(T, X).
safe([], _, _).
safe([P|Ps], Q, D) :-
    P =\= Q, P =\= Q + D, P =\= Q - D,
    E is D + 1,
    safe(Ps, Q, E).
queens(0, _, Placed, Placed) :- !.
queens(K, Columns, Placed, R) :-
    element(Columns, Q),
    safe(Placed, Q, 1),
    J is K - 1,
    queens(J, Columns, [Q|Placed], R).
main :-
    upto({n}, [], Columns),
    findall(R, queens({n}, Columns, [], R), All),
    length(All, Count), print(Count), nl.

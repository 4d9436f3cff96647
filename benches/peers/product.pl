upto(0, L, L) :- !.
upto(N, L, R) :- M is N - 1, upto(M, [N|L], R).
element([X|_], X).
element([_|T], X) :- element(T, X).
tuple(List, t(A, B, C, D, E, F)) :-
    Digits = [0,1,2,3,4,5,6,7,8,9],
    element(Digits, A), element(Digits, B), element(Digits, C),
    element(Digits, D), element(List, E), element(List, F).
main :- upto({n}, [], L), findall(T, tuple(L, T), All), length(All, N), print(N), nl.

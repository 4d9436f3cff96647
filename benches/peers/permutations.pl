upto(0, L, L) :- !.
upto(N, L, R) :- M is N - 1, upto(M, [N|L], R).
pick([X|T], X, T).
pick([H|T], X, [H|R]) :- pick(T, X, R).
permutation_of([], []).
permutation_of([H|T], [X|P]) :- pick([H|T], X, Rest), permutation_of(Rest, P).
main :-
    upto({n}, [], L),
    findall(P, permutation_of(L, P), All),
    length(All, Count), print(Count), nl.

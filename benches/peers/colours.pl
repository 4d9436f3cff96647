colour(red).
colour(green).
colour(blue).
ring(0, First, Last, ring(Last, end)) :- !, First \== Last.
ring(N, First, Last, ring(Last, Rest)) :-
    colour(C), C \== Last,
    M is N - 1,
    ring(M, First, C, Rest).
main :-
    findall(R, (colour(C), N is {n} - 1, ring(N, C, C, R)), All),
    length(All, Count), print(Count), nl.

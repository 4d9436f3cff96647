:- dynamic has/2.
price(apple, 3).
price(pear, 4).
price(plum, 2).
fruit(0, apple).
fruit(1, pear).
fruit(2, plum).
fill :- assertz(has(apple, 1000000)), assertz(has(pear, 1000000)), assertz(has(plum, 1000000)).
sell(Thing, Count) :-
    retract(has(Thing, Old)),
    New is Old - Count,
    assertz(has(Thing, New)),
    price(Thing, P),
    nb_getval(takings, T0), T is T0 + Count * P, nb_setval(takings, T).
order(Text) :-
    split_string(Text, " ", "", [C, N]),
    number_string(Count, C), atom_string(Name, N),
    sell(Name, Count).
orders(0) :- !.
orders(N) :-
    I is N mod 3, fruit(I, Thing), Count is 1 + N mod 5,
    format(string(Text), "~w ~w", [Count, Thing]),
    order(Text),
    M is N - 1,
    orders(M).
main :- fill, nb_setval(takings, 0), orders({n}), nb_getval(takings, T), print(T), nl.

main :- X is {n} + 2, print(X), nl.

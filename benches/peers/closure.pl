%@ for i in 2..=n: edge(n{i/2}, n{i}).
pair(X, Y) :- edge(X, Y).
pair(X, Z) :- edge(X, Y), reach(Y, Z).
reach(X, Y) :- edge(X, Y).
reach(X, Z) :- edge(X, Y), reach(Y, Z).
main :- findall(X-Y, pair(X, Y), All), length(All, N), print(N), nl.

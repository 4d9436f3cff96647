%@ for i in 2..=2*n-1: parent(n{i}, n{i/2}).
%@ for i in n..=n+63: leaf(n{i}).
same(X, X).
same(X, Y) :- parent(X, P), same(P, Q), parent(Y, Q).
main :- findall(Y, (leaf(X), same(X, Y)), All), length(All, N), print(N), nl.

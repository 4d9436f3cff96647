:- discontiguous edge/2.
%@ for i in 0..=n-1: edge(n{i}, n{i+1%n}).
%@ for i in 0..=n-1: edge(n{i}, n{i*7+3%n}).
%@ for i in 0..=n-1: edge(n{i}, n{i*i+1%n}).
%@ for i in 0..=n-1: edge(n{i}, n{i*3%n}).
main :-
    findall(t(X, Y, Z), (edge(X, Y), edge(Y, Z), edge(Z, X)), All),
    length(All, N), print(N), nl.

:- dynamic item/1.
churn(0) :- !.
churn(I) :- assertz(item(I)), retract(item(I)), J is I - 1, churn(J).
main :- churn({n}), findall(X, item(X), L), length(L, N), print(N), nl.

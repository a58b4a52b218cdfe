package domains

// SignWith is sign, for measuring one algorithm.
var SignWith = sign

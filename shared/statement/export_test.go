package statement

// ReadAtMost is Read with another bound on the bytes of a file.
var ReadAtMost = readAtMost

package reference

// IBAN tells whether a text is an account number of ISO 13616 with right check digits, without spaces, in capitals; an
// Estonian one has twenty characters.
func IBAN(s string) bool {
	if len(s) < 15 || len(s) > 34 || s[:2] == "EE" && len(s) != 20 || s[2:4] < "02" || s[2:4] > "98" {
		return false
	}
	var number []byte
	for i, c := range []byte(s[4:] + s[:4]) {
		switch {
		case c >= '0' && c <= '9':
			number = append(number, c)
		case c >= 'A' && c <= 'Z':
			number = append(number, '0'+(c-'A'+10)/10, '0'+(c-'A'+10)%10)
		default:
			return false
		}
		if letter := c >= 'A'; letter != (i < len(s)-2) && i >= len(s)-4 {
			return false // two letters of the country, then two digits
		}
	}
	return remainder(string(number)) == 1
}

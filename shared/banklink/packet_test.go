package banklink

import "testing"

// The signed texts that public implementations agree on; 1011 is not sent by us, and its order is known all the same.
func TestSignedText(t *testing.T) {
	order1011 := []field{
		{"VK_SERVICE", 4}, {"VK_VERSION", 3}, {"VK_SND_ID", 15}, {"VK_STAMP", 20}, {"VK_AMOUNT", 12}, {"VK_CURR", 3}, {"VK_ACC", 34},
		{"VK_NAME", 70}, {"VK_REF", 35}, {"VK_MSG", 95}, {"VK_RETURN", 255}, {"VK_CANCEL", 255}, {"VK_DATETIME", 24},
	}
	first := map[string]string{
		"VK_SERVICE": "1012", "VK_VERSION": "008", "VK_SND_ID": "id2000", "VK_STAMP": "100", "VK_AMOUNT": "10", "VK_CURR": "EUR",
		"VK_REF": "1009", "VK_MSG": "First payment", "VK_RETURN": "http://example.com", "VK_CANCEL": "http://example.com",
		"VK_DATETIME": "2015-09-29T15:00:00+0300", "VK_LANG": "EST", "VK_ENCODING": "UTF-8",
	}
	named := map[string]string{"VK_ACC": "1010342342354345435", "VK_NAME": "Ülo Pääsuke"}
	for k, v := range first {
		named[k] = v
	}
	named["VK_SERVICE"] = "1011"
	for _, c := range []struct {
		name   string
		packet []field
		fields map[string]string
		want   string
	}{
		{"1012, 008", packets["1012"], first, "0041012003008006id200000310000210003EUR0041009013First payment018http://example.com018http://example.com0242015-09-29T15:00:00+0300"},
		{"1011, 008, more bytes than characters", order1011, named, "0041011003008006id200000310000210003EUR0191010342342354345435011Ülo Pääsuke0041009013First payment018http://example.com018http://example.com0242015-09-29T15:00:00+0300"},
		{"1012, 009, no reference", packets["1012"], map[string]string{
			"VK_SERVICE": "1012", "VK_VERSION": "009", "VK_SND_ID": "1", "VK_STAMP": "abc123", "VK_AMOUNT": "10.00", "VK_CURR": "EUR",
			"VK_MSG": "purchase description", "VK_RETURN": "http://localhost:8080/omnipay/banklink/", "VK_CANCEL": "http://localhost:8080/omnipay/banklink/",
			"VK_DATETIME": "2017-03-03T09:06:41+0000",
		}, "00410120030090011006abc12300510.00003EUR000020purchase description039http://localhost:8080/omnipay/banklink/039http://localhost:8080/omnipay/banklink/0242017-03-03T09:06:41+0000"},
		{"order is the packet's", []field{{"B", 9}, {"A", 9}}, map[string]string{"A": "aaa", "B": "bbbb"}, "004bbbb003aaa"},
		{"characters, not bytes", []field{{"B", 9}, {"A", 9}}, map[string]string{"A": "õäu", "B": "Žaaa"}, "004Žaaa003õäu"},
		{"one byte, one character", []field{{"B", 9}, {"A", 9}}, map[string]string{"A": "\xf5\xe4u", "B": "\xdeaaa", "VK_ENCODING": "windows-1257"}, "004\xdeaaa003\xf5\xe4u"},
	} {
		if got, err := signed(c.packet, c.fields); string(got) != c.want || err != nil {
			t.Errorf("%s: %v\n got %s\nwant %s", c.name, err, got, c.want)
		}
	}
}

func TestPlainMessage(t *testing.T) {
	for text, want := range map[string]string{
		"Opiq 2600012345":               "Opiq 2600012345",
		"  Õppekirjandus\n\t(3 kuud) ":  "Õppekirjandus (3 kuud)",
		"Šokolaad – „žest”":             `Sokolaad - "zest"`,
		"Кітап 😀":                       "????? ?",
		"a\u00adb\u00a0c\x00d\u0085e":   "a?b c d e",
		"broken \xff byte":              "broken ? byte",
		"<script>alert('x')</script> &": "<script>alert('x')</script> &",
		"":                              "",
	} {
		if got := plain(text, 95); got != want {
			t.Errorf("plain(%q) = %q, want %q", text, got, want)
		}
	}
	if got := plain("õ õõ", 2); got != "õ" {
		t.Errorf("cut in a space: %q", got)
	}
}

package reading

import (
	"cmp"
	"path"
	"strings"
	"unicode"

	"opiq/shared/catalog"
	"opiq/shared/problem"
)

// Folder is where a work's files are kept: each under its name in this folder of the publishers' files.
func Folder(w catalog.WorkID) string { return "works/" + string(w) + "/" }

// ErrNoFile answers who asks for a file that is not there.
var ErrNoFile = problem.New(problem.NotFound, "no_such_file", "The work has no such file.")

// maxKey is how long S3 lets the name of an object be, in bytes.
const maxKey = 1024

// File is where a file of a work is kept, or ErrNoFile: there is none of a name that no file can have. A folder is no file.
func File(w catalog.WorkID, name string) (string, error) {
	key := Folder(w) + name
	if strings.HasSuffix(key, "/") || len(key) > maxKey || strings.ContainsFunc(name, unprintable) {
		return "", ErrNoFile
	}
	return key, nil
}

// unprintable tells what cannot stand in XML, in which S3 lists names.
func unprintable(r rune) bool { return unicode.IsControl(r) || r&0xfffe == 0xfffe }

// kinds are what files are, by the ends of their names. There is nothing among them that a browser runs.
var kinds = map[string]string{
	".txt": "text/plain; charset=utf-8", ".pdf": "application/pdf", ".epub": "application/epub+zip",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".mp3": "audio/mpeg", ".mp4": "video/mp4",
}

// Kind is what a file is by its name. What is not known a browser keeps, and does not show.
func Kind(name string) string {
	return cmp.Or(kinds[strings.ToLower(path.Ext(name))], "application/octet-stream")
}

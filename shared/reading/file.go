package reading

import (
	"cmp"
	"path"
	"strings"

	"opiq/shared/catalog"
)

// Folder is where a work's files are kept: each under its name in this folder of the publishers' files.
func Folder(w catalog.WorkID) string { return "works/" + string(w) + "/" }

// kinds are what files are, by the ends of their names. There is nothing among them that a browser runs.
var kinds = map[string]string{
	".txt": "text/plain; charset=utf-8", ".pdf": "application/pdf", ".epub": "application/epub+zip",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".mp3": "audio/mpeg", ".mp4": "video/mp4",
}

// Kind is what a file is by its name. What is not known a browser keeps, and does not show.
func Kind(name string) string {
	return cmp.Or(kinds[strings.ToLower(path.Ext(name))], "application/octet-stream")
}

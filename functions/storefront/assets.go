package main

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"maps"
	"mime"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"opiq/shared/lang"
	"opiq/shared/web"
)

//go:embed assets
var stored embed.FS

// comments stand on lines of their own. They are for us: a sixth of what a phone would fetch.
var comments = regexp.MustCompile(`(?ms)^\s*(//[^\n]*|/\*.*?\*/)\n`)

// assets are the files that pages are made of, by their name below assets/, and what is said of problems in each language: a page is
// written with what it says while all goes well, and fetches the rest with the first problem.
var assets = sync.OnceValue(func() map[string][]byte {
	all := map[string][]byte{}
	err := fs.WalkDir(stored, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := stored.ReadFile(name)
		if kind := path.Ext(name); kind == ".js" || kind == ".css" {
			content = comments.ReplaceAll(content, nil)
		}
		all[strings.TrimPrefix(name, "assets/")] = content
		return err
	})
	for _, l := range lang.All {
		var b []byte
		if err == nil {
			b, err = json.Marshal(spoken(l, []string{"problems"}))
		}
		all["texts/problems."+string(l)+".json"] = b
	}
	if err != nil {
		panic(err) // they are part of the program
	}
	return all
})

// version names all assets together: scripts find each other beside themselves, so one change changes the address of all.
var version = sync.OnceValue(func() string {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(assets())) {
		sum.Write([]byte(name))
		sum.Write(assets()[name])
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
})

func assetAt(name string) string { return "/assets/" + version() + "/" + name }

// kinds are the types of files that the machine's own tables may not know.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".json": "application/json", ".txt": "text/plain; charset=utf-8",
}

// files are what is no page.
var files = []struct {
	at     pattern
	answer func(storefront, web.Request, map[string]string) (web.Response, error)
}{
	{"/assets/{version}/{name+}", storefront.asset},
	{"/covers/{id}", storefront.coverOf},
	{"/robots.txt", named("robots.txt")},
	{"/favicon.ico", named("favicon.svg")},
}

// named answers one file at an address of its own.
func named(name string) func(storefront, web.Request, map[string]string) (web.Response, error) {
	return func(s storefront, r web.Request, _ map[string]string) (web.Response, error) {
		return s.asset(r, map[string]string{"name": name})
	}
}

// asset answers a file. Under its own version it never changes; under another it is what it is now, for whom an old page asks.
func (storefront) asset(r web.Request, at map[string]string) (web.Response, error) {
	content, ok := assets()[at["name"]]
	if !ok {
		return web.Response{}, errNoPage
	}
	control := "public, max-age=300"
	if at["version"] == version() {
		control = "public, max-age=31536000, immutable"
	}
	kind := kinds[path.Ext(at["name"])]
	if kind == "" {
		kind = mime.TypeByExtension(path.Ext(at["name"]))
	}
	a := web.Response{Status: 200, Body: string(content), Header: map[string]string{"Content-Type": kind, "Vary": "Accept-Encoding"}}
	a = web.Kept(r, a, control)
	if strings.HasPrefix(kind, "font/") {
		return a, nil
	}
	return zipped(r, a), nil
}

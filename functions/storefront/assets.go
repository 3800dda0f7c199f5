package main

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"path"
	"strings"
	"sync"

	"opiq/shared/web"
)

//go:embed assets
var stored embed.FS

// assets are the files that pages are made of, by their name below assets/.
var assets = sync.OnceValue(func() map[string][]byte {
	all := map[string][]byte{}
	err := fs.WalkDir(stored, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all[strings.TrimPrefix(name, "assets/")], err = stored.ReadFile(name)
		return err
	})
	if err != nil {
		panic(err) // they are part of the program
	}
	return all
})

// version names all assets together: scripts find each other beside themselves, so one change changes the address of all.
var version = sync.OnceValue(func() string {
	sum := sha256.New()
	err := fs.WalkDir(stored, "assets", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			sum.Write([]byte(name))
			sum.Write(assets()[strings.TrimPrefix(name, "assets/")])
		}
		return err
	})
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
})

func assetAt(name string) string { return "/assets/" + version() + "/" + name }

// kinds are the types of files that the machine's own tables may not know.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json", ".png": "image/png", ".ico": "image/x-icon",
}

// files are what is no page.
var files = []struct {
	at     pattern
	answer func(web.Request, map[string]string) (web.Response, error)
}{
	{"/assets/{version}/{name+}", asset},
	{"/covers/{id}", coverOf},
	{"/robots.txt", func(r web.Request, _ map[string]string) (web.Response, error) {
		return asset(r, map[string]string{"name": "robots.txt"})
	}},
	{"/favicon.ico", func(r web.Request, _ map[string]string) (web.Response, error) {
		return asset(r, map[string]string{"name": "favicon.svg"})
	}},
}

// asset answers a file. Under its own version it never changes; under another it is what it is now, for whom an old page asks.
func asset(r web.Request, at map[string]string) (web.Response, error) {
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
	if strings.HasPrefix(kind, "font/") || strings.HasPrefix(kind, "image/png") {
		return a, nil
	}
	return zipped(r, a), nil
}

package main

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"html/template"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"opiq/shared/catalog"
	"opiq/shared/web"
)

// A cover is drawn on squared paper, 12 squares wide and 16 high. What it shows is the subject, and it grows with the grade: a triangle
// in the first form, a star of fourteen corners in the last. The row at the foot is the twelve forms with the work's own marked. A
// publisher's books of a subject share their colors; works of one subject and grade differ by what their ids throw.

// inks are the colors of a cover: fixed ones, for a book does not change when the lights go out.
type inks struct{ ground, grid, line, fill, mark string }

var (
	night = inks{"#20308a", "#3446a6", "#d7defc", "#4a61cc", "#f2c14b"}
	blue  = inks{"#3a56c9", "#4c67d6", "#ffffff", "#6f87e6", "#f2c14b"}
	sky   = inks{"#dbe3fb", "#c9d4f7", "#2b46b8", "#b3c3f4", "#e0a51e"}
	rye   = inks{"#f2c14b", "#e7b134", "#20308a", "#f9dc94", "#ffffff"}
	chalk = inks{"#f4f6fc", "#dfe5f5", "#20308a", "#d3dcf8", "#f2c14b"}
)

// picture is a cover while it is drawn.
type picture struct {
	strings.Builder
	inks
	grade int
	dice  *rand.Rand
}

// drawings are how the subjects look, in the middle of 240 by 280.
var drawings = map[string]struct {
	inks []inks // a publisher has one of them
	draw func(*picture)
}{
	"mathematics": {[]inks{night, sky, blue}, (*picture).star},
	"literature":  {[]inks{chalk, rye, sky}, (*picture).writing},
	"nature":      {[]inks{sky, chalk, night}, (*picture).hills},
	"biology":     {[]inks{chalk, night, sky}, (*picture).fern},
	"geography":   {[]inks{sky, blue, chalk}, (*picture).contours},
	"physics":     {[]inks{blue, night, rye}, (*picture).waves},
	"chemistry":   {[]inks{rye, chalk, blue}, (*picture).comb},
	"history":     {[]inks{rye, sky, night}, (*picture).columns},
	"civics":      {[]inks{blue, rye, chalk}, (*picture).table},
	"computing":   {[]inks{night, blue, rye}, (*picture).pixels},
	"art":         {[]inks{chalk, sky, rye}, (*picture).shapes},
	"music":       {[]inks{sky, rye, night}, (*picture).notes},
}

// cover is a work's cover as markup, to stand in a page. It says nothing that the words beside it do not.
func cover(w catalog.Work) template.HTML {
	return template.HTML(strings.Replace(drawn(w), "<svg", `<svg class="cover" aria-hidden="true" focusable="false"`, 1))
}

// coverOf answers a work's cover as a picture.
func (s storefront) coverOf(r web.Request, at map[string]string) (web.Response, error) {
	w, err := catalog.Shelf{}.Find(catalog.WorkID(at["id"]), s.today())
	if err != nil {
		return web.Response{}, err
	}
	a := web.Response{Status: 200, Body: drawn(w), Header: map[string]string{"Content-Type": kinds[".svg"], "Vary": "Accept-Encoding"}}
	return zipped(r, web.Kept(r, a, "public, max-age=86400")), nil
}

func drawn(w catalog.Work) string {
	d := drawings[w.Subject]
	p := &picture{inks: d.inks[thrown(w.Publisher+w.Subject)%uint64(len(d.inks))], grade: w.Grades[0], dice: rand.New(rand.NewPCG(thrown(string(w.ID)), 0))}
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 320"><path fill="%s" d="M0 0h240v320H0z"/>`, p.ground)
	p.printf(`<path stroke="%s" d="M20 0v320M40 0v320M60 0v320M80 0v320M100 0v320M120 0v320M140 0v320M160 0v320M180 0v320M200 0v320M220 0v320`, p.grid)
	p.printf(`M0 20h240M0 40h240M0 60h240M0 80h240M0 100h240M0 120h240M0 140h240M0 160h240M0 180h240M0 200h240M0 220h240M0 240h240M0 260h240M0 280h240M0 300h240"/>`)
	p.printf(`<g fill="none" stroke="%s" stroke-width="3" stroke-linecap="round" stroke-linejoin="round">`, p.line)
	d.draw(p)
	p.printf(`</g>`)
	p.forms(w.Grades)
	p.printf(`</svg>`)
	return p.String()
}

// thrown is a number that a name always throws.
func thrown(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash refuses nothing
	return h.Sum64()
}

func (p *picture) printf(format string, values ...any) { fmt.Fprintf(&p.Builder, format, values...) }

// forms marks the grades among the twelve of school.
func (p *picture) forms(grades []int) {
	var others strings.Builder
	for g := 1; g <= 12; g++ {
		if !slices.Contains(grades, g) {
			fmt.Fprintf(&others, "M%d 290h0", 20*g-10)
		}
	}
	p.printf(`<path stroke="%s" stroke-width="4" stroke-linecap="round" opacity=".45" d="%s"/>`, p.line, others.String())
	first, last := slices.Min(grades), slices.Max(grades)
	p.printf(`<rect x="%d" y="282" width="%d" height="16" rx="2" fill="%s"/>`, 20*first-18, 20*(last-first)+16, p.mark)
}

// around is a point on a circle about the middle, by parts of the whole turn from the top.
func around(radius, part float64) (x, y float64) {
	sin, cos := math.Sincos(2 * math.Pi * part)
	return 120 + radius*sin, 140 - radius*cos
}

func (p *picture) circle(x, y, radius float64, more string) {
	p.printf(`<circle cx="%.4g" cy="%.4g" r="%.3g"%s/>`, x, y, radius, more)
}

func filled(color string) string { return fmt.Sprintf(` fill="%s" stroke="none"`, color) }

// star is a polygon of two corners more than the grade, and the stars within it.
func (p *picture) star() {
	n, turn := p.grade+2, p.dice.Float64()
	for skip := 1; skip <= max(1, (n-1)/2); skip++ {
		shape, width := "", cmp.Or(map[int]float64{1: 3}[skip], 1.25)
		for from := range n { // every corner to the one that many on
			x, y := around(96, float64(from)/float64(n)+turn/float64(n))
			to, upto := around(96, float64(from+skip)/float64(n)+turn/float64(n))
			shape += fmt.Sprintf("M%.3g %.3gL%.3g %.3g", x, y, to, upto)
		}
		p.printf(`<path stroke-width="%.3g" d="%s"/>`, width, shape)
		if n > 9 && skip == 1 { // the finest stars are enough
			skip = (n-1)/2 - 2
		}
	}
	x, y := around(96, turn/float64(n))
	p.circle(x, y, 9, filled(p.mark))
}

// writing is a page of lines, the longer the higher the grade, with an initial.
func (p *picture) writing() {
	p.printf(`<path fill="%s" stroke="none" d="M40 40h40v40h-40z"/>`, p.mark)
	lines, shape := 3+p.grade*2/3, ""
	for row := range lines {
		x, end := 40, 200
		if row < 2 {
			x = 100
		}
		if row == lines-1 {
			end = 120
		}
		for x < end-12 {
			word := min(12+p.dice.IntN(6)*8, end-x)
			shape += fmt.Sprintf("M%d %dh%d", x, 50+20*row, word)
			x += word + 14
		}
	}
	p.printf(`<path stroke-width="5" d="%s"/>`, shape)
}

// hills lie one behind the other, with a tree for every grade.
func (p *picture) hills() {
	shift := p.dice.IntN(100)
	p.circle(float64(70+shift), 80, 28, filled(p.mark))
	p.printf(`<path fill="%s" stroke="none" d="M0 190Q%d 110 130 170T240 150V280H0z"/>`, p.fill, 40+shift/2)
	p.printf(`<path fill="%s" stroke="none" opacity=".85" d="M0 240Q%d 180 120 225T240 205V280H0z"/>`, p.line, 60+shift/3)
	shape := ""
	for tree := range p.grade {
		x := 20 + (tree*79+shift)%200
		high := 26 + p.dice.IntN(18)
		shape += fmt.Sprintf("M%d %dl9 %dh-18z", x, 222-high+(tree%3)*8, high)
	}
	p.printf(`<path fill="%s" d="%s"/>`, p.ground, shape)
}

// fern has a pair of leaves for every grade.
func (p *picture) fern() {
	lean := p.dice.IntN(60) - 30
	p.printf(`<path d="M120 250Q%d 150 120 40"/>`, 120+lean)
	pairs, leaves := p.grade+1, ""
	for i := range pairs {
		t := (float64(i) + 0.6) / float64(pairs)
		x := 120 + 2*t*(1-t)*float64(lean)
		y, long := 245-t*200, 70-t*46
		leaves += fmt.Sprintf("M%.3g %.3gq%.3g %.3g %.3g %.3gq%.3g 2 %.3g %.3gq%.3g %.3g %.3g %.3gq%.3g 2 %.3g %.3g",
			x, y, long*0.35, -long*0.5, long, -long*0.42, -long*0.3, -long, long*0.42, -long*0.35, -long*0.5, -long, -long*0.42, long*0.3, long, long*0.42)
	}
	p.printf(`<path fill="%s" stroke-width="2" d="%s"/>`, p.fill, leaves)
	p.circle(120, 40, 9, filled(p.mark))
}

// contours are heights on a map, more of them with each grade.
func (p *picture) contours() {
	const corners = 7
	var bend [corners]float64
	for i := range bend {
		bend[i] = 0.72 + 0.5*p.dice.Float64()
	}
	rings := 3 + p.grade/2
	for ring := range rings {
		radius := 104 * float64(rings-ring) / float64(rings)
		middle := func(i int) (float64, float64) { // between two corners
			x1, y1 := around(radius*bend[i%corners], float64(i)/corners)
			x2, y2 := around(radius*bend[(i+1)%corners], float64(i+1)/corners)
			return (x1 + x2) / 2, (y1 + y2) / 2
		}
		x, y := middle(corners - 1)
		shape := fmt.Sprintf("M%.3g %.3g", x, y)
		for i := range corners {
			cx, cy := around(radius*bend[i], float64(i)/corners)
			x, y = middle(i)
			shape += fmt.Sprintf("Q%.3g %.3g %.3g %.3g", cx, cy, x, y)
		}
		p.printf(`<path stroke-width="2" fill="%s" fill-opacity=".5" d="%sz"/>`, p.fill, shape)
	}
	p.printf(`<path fill="%s" stroke="none" d="M120 122l14 24h-28z"/>`, p.mark)
}

// waves go out from two places and meet.
func (p *picture) waves() {
	apart := float64(30 + p.dice.IntN(30))
	for i := range p.grade/2 + 4 {
		radius := float64(i+1) * 88 / float64(p.grade/2+4)
		p.circle(120-apart, 120, radius, ` stroke-width="2"`)
		p.circle(120+apart, 160, radius, ` stroke-width="2"`)
	}
	p.circle(120-apart, 120, 8, filled(p.mark))
	p.circle(120+apart, 160, 8, filled(p.mark))
}

// comb is a molecule with a ring for every grade.
func (p *picture) comb() {
	const side = 30.0
	type cell struct{ q, r int }
	cells, at := []cell{}, cell{}
	steps := []cell{{1, 0}, {0, 1}, {-1, 1}, {-1, 0}, {0, -1}, {1, -1}}
	place := func(c cell) (float64, float64) {
		return 120 + side*math.Sqrt(3)*(float64(c.q)+float64(c.r)/2), 140 + side*1.5*float64(c.r)
	}
	for len(cells) < p.grade { // a walk that stays on the paper
		if !slices.Contains(cells, at) {
			cells = append(cells, at)
		}
		step := steps[p.dice.IntN(len(steps))]
		next := cell{at.q + step.q, at.r + step.r}
		if x, y := place(next); x > 40 && x < 200 && y > 50 && y < 240 {
			at = next
		}
	}
	shape := ""
	for _, c := range cells {
		x, y := place(c)
		shape += fmt.Sprintf("M%.3g %.3gl26 15v30l-26 15l-26-15v-30z", x, y-30)
	}
	p.printf(`<path fill="%s" d="%s"/>`, p.fill, shape)
	for i, c := range cells {
		x, y := place(c)
		if i%3 == 0 {
			p.circle(x, y-30, 8, fmt.Sprintf(` fill="%s"`, p.mark))
		} else {
			p.circle(x, y+30, 6, filled(p.line))
		}
	}
}

// columns carry a roof, one more with each grade.
func (p *picture) columns() {
	p.printf(`<path fill="%s" d="M40 100L120 50l80 50z"/><path fill="%s" d="M40 100h160v12H40zM50 220h140v12H50zM40 232h160v12H40z"/>`, p.fill, p.fill)
	n, shape := p.grade+1, ""
	wide := min(16, 110/float64(n))
	for i := range n {
		shape += fmt.Sprintf("M%.4g 114v104h%.3gv-104z", 54+(132-wide)*float64(i)/float64(n-1), wide)
	}
	p.printf(`<path stroke-width="2" fill="%s" d="%s"/>`, p.ground, shape)
	p.circle(120, 80, float64(7+p.dice.IntN(5)), filled(p.mark))
}

// table has a place for everybody: two more than the grade.
func (p *picture) table() {
	n, turn := p.grade+2, p.dice.Float64()
	shape := ""
	for i := range n {
		x, y := around(84, float64(i)/float64(n)+turn)
		shape += fmt.Sprintf("M120 140L%.3g %.3g", x, y)
	}
	p.printf(`<path stroke-width="1.5" d="%s"/>`, shape)
	p.circle(120, 140, 40, fmt.Sprintf(` fill="%s"`, p.fill))
	for i := range n {
		x, y := around(84, float64(i)/float64(n)+turn)
		color := p.line
		if i == 0 {
			color = p.mark
		}
		p.circle(x, y, 14, filled(color))
	}
}

// pixels stand on the squares, the same left and right, and more of them with each grade.
func (p *picture) pixels() {
	light, marked := "", ""
	for y := 2; y < 12; y++ {
		for x := 2; x < 6; x++ {
			if p.dice.IntN(30) > 8+p.grade {
				continue
			}
			square := fmt.Sprintf("M%d %dh18v18h-18zM%d %dh18v18h-18z", 20*x+1, 20*y+1, 20*(11-x)+1, 20*y+1)
			if p.dice.IntN(7) == 0 {
				marked += square
			} else {
				light += square
			}
		}
	}
	p.printf(`<path%s d="M81 121h38v38h-38zM121 121h38v38h-38z"/><path%s d="%s"/><path%s d="%s"/>`, filled(p.fill), filled(p.line), light, filled(p.mark), marked)
}

// shapes lie over each other: a circle, a square and a triangle for the small, and a line more with each grade.
func (p *picture) shapes() {
	across, down := p.dice.IntN(4)*20, p.dice.IntN(3)*20
	p.printf(`<path%s d="M%d %dh100v100h-100z"/>`, filled("#3a56c9"), 40+across, 120+down/2)
	p.circle(float64(150-across/2), float64(100+down), 52, filled(p.mark))
	p.printf(`<path%s opacity=".8" d="M%d 250l60-110l60 110z"/>`, filled(p.fill), 30+across)
	shape := ""
	for i := range p.grade {
		shape += fmt.Sprintf("M%d 40v%d", 40+i*12, 40+(i*37+down)%80)
	}
	p.printf(`<path stroke-width="2" d="%s"/>`, shape)
}

// notes stand on their five lines, one more with each grade.
func (p *picture) notes() {
	p.printf(`<path stroke-width="1.5" d="M20 100h200M20 120h200M20 140h200M20 160h200M20 180h200"/>`)
	n, stems := p.grade+1, ""
	for i := range n {
		x, y := 44+152*float64(i)/float64(n-1), float64(100+10*p.dice.IntN(9))
		stems += fmt.Sprintf("M%.4g %.3gv-52", x+9, y-2)
		color := p.line
		if i%4 == 0 {
			color = p.mark
		}
		p.printf(`<ellipse cx="%.4g" cy="%.3g" rx="10" ry="7.5"%s transform="rotate(-18 %.4g %.3g)"/>`, x, y, filled(color), x, y)
	}
	p.printf(`<path d="%s"/>`, stems)
}

package catalog

// subjects are the school subjects by their stable codes, with what they are called in Estonian, English, Russian and
// Kazakh: search finds a work by its subject in each of these languages, whatever the work's own is.
var subjects = map[string]string{
	"mathematics": "Matemaatika, Mathematics, Математика",
	"literature":  "Keel ja kirjandus, Language and literature, Язык и литература, Тіл мен әдебиет",
	"nature":      "Loodusõpetus, Nature study, Природоведение, Жаратылыстану",
	"biology":     "Bioloogia, Biology, Биология",
	"geography":   "Geograafia, Geography, География",
	"physics":     "Füüsika, Physics, Физика",
	"chemistry":   "Keemia, Chemistry, Химия",
	"history":     "Ajalugu, History, История, Тарих",
	"civics":      "Ühiskonnaõpetus, Civics, Обществознание, Қоғамтану",
	"computing":   "Informaatika, Computing, Информатика",
	"art":         "Kunst, Art, Изобразительное искусство, Бейнелеу өнері",
	"music":       "Muusika, Music, Музыка",
}

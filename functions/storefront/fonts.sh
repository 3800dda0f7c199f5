#!/bin/sh
# Makes assets/fonts of Literata (SIL Open Font License, assets/fonts/OFL.txt): the letters that the four languages need, weights 400 to
# 600, one optical size. Needs: pip install fonttools brotli fontpkg-literata
set -eu
cd "$(dirname "$0")/assets/fonts"
from=$(python3 -c 'import fontpkg_literata, pathlib; print(pathlib.Path(fontpkg_literata.__file__).parent)')
cp "$from/LICENSE" OFL.txt
whole=$(mktemp)
trap 'rm -f "$whole"' EXIT
fonttools varLib.instancer "$from/files/Literata[opsz,wght].ttf" opsz=18 wght=400:600 -o "$whole" -q

# Pairs of letters stand as close in bold as they do in regular, and less than a fiftieth of their size is not worth telling: both keep
# the files small.
python3 - "$whole" <<'END'
import sys
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables.otTables import PairPos, ValueRecord

font = TTFont(sys.argv[1])
for lookup in font["GPOS"].table.LookupList.Lookup:
    for table in lookup.SubTable:
        table = getattr(table, "ExtSubTable", table)
        if not isinstance(table, PairPos):
            continue
        table.ValueFormat1 &= 15
        table.ValueFormat2 &= 15
        pairs = [r for s in table.PairSet for r in s.PairValueRecord] if table.Format == 1 else [r for c in table.Class1Record for r in c.Class2Record]
        for value in [v for r in pairs for v in vars(r).values() if isinstance(v, ValueRecord)]:
            for name in [n for n in vars(value) if n.endswith("Device")]:
                delattr(value, name)
            if abs(getattr(value, "XAdvance", 0)) < 20:
                value.XAdvance = 0
font.save(sys.argv[1])
END

part() {
	pyftsubset "$whole" --output-file="literata-$1.woff2" --unicodes="$2" --flavor=woff2 --no-hinting \
		--layout-features=kern,tnum --name-IDs= --drop-tables+=STAT,meta,HVAR,VVAR,MVAR,vhea,vmtx,gasp
}
# What stands here stands in style.css too.
part latin U+20-5B,U+5D,U+5F,U+61-7A,U+A0,U+A7,U+AB,U+B0,U+B7,U+BB,U+C4,U+D5-D7,U+DC,U+E4,U+E9,U+F5,U+F6,U+FC,U+160,U+161,U+17D,U+17E,U+2009,U+2010-2014,U+2018-201A,U+201C-201E,U+2022,U+2026,U+203A,U+20AC
part cyrillic U+401,U+406,U+410-44F,U+451,U+456,U+492,U+493,U+49A,U+49B,U+4A2,U+4A3,U+4AE-4B1,U+4BA,U+4BB,U+4D8,U+4D9,U+4E8,U+4E9,U+2116
part names U+C0-C3,U+C5-CF,U+D1-D4,U+D8-DB,U+DD-E3,U+E5-E8,U+EA-EF,U+F1-F4,U+F8-FB,U+FD-15F,U+162-17C,U+218-21B

# SPDX-License-Identifier: Apache-2.0
"""Measures the map of subordinate ids: scale.py PAGE SUBUID SUBGID. Every range once, where and as long as it is; every overlap marked, and nothing else."""
import re
import sys
import xml.etree.ElementTree as ET

SVG = "{http://www.w3.org/1999/xhtml}svg"
page = ET.parse(sys.argv[1])


def bad(why):
    sys.exit(why)


def percent(x, key):
    return float(x.get(key).rstrip("%"))


def union(spans):
    out = []
    for a, b in sorted(spans):
        if out and a <= out[-1][1] + 1:
            out[-1][1] = max(out[-1][1], b)
        else:
            out.append([a, b])
    return out


for which, path in ("subuid", sys.argv[2]), ("subgid", sys.argv[3]):
    ranges = []
    for line in open(path):
        if line.count(":") != 2:  # a comment
            continue
        owner, start, count = line.strip().split(":")
        ranges.append((int(start), int(start) + int(count) - 1, owner))
    over = union([(max(a[0], b[0]), min(a[1], b[1])) for i, a in enumerate(ranges) for b in ranges[:i]
                  if max(a[0], b[0]) <= min(a[1], b[1])])
    drawn, marked = [], []
    for svg in page.iter(SVG):
        part = re.fullmatch(rf"{which} from (\d+) to (\d+)", svg.get("aria-label") or "")
        if not part:
            continue
        first, last = map(int, part.groups())
        scale = (last - first + 1) / 100
        for x in svg.iter():
            if x.tag.endswith("}g"):
                owner, a, b = re.fullmatch(r"(.*) (\d+)-(\d+)", x[0].text).groups()
                a, b = int(a), int(b)
                drawn.append((a, b, owner))
                if abs(percent(x[1], "x") - (a - first) / scale) > 0.001:
                    bad(f"{which}: {owner} {a} does not begin where it should")
                if abs(percent(x[1], "width") - max((b - a + 1) / scale, 0.5)) > 0.001:
                    bad(f"{which}: {owner} {a}-{b} is not as long as it should be")
            elif x.get("class") == "twice":
                a = first + percent(x, "x") * scale
                marked.append((a, a + percent(x, "width") * scale - 1))
    if sorted(drawn) != sorted(ranges):
        bad(f"{which}: drawn {sorted(drawn)}, not {sorted(ranges)}")
    marked = union([(round(a), round(b)) for a, b in marked])
    if len(marked) != len(over) or any(abs(a[i] - b[i]) > 10 for a, b in zip(marked, over) for i in (0, 1)):
        bad(f"{which}: overlaps {over}, marked {marked}")

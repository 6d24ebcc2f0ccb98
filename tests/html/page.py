# SPDX-License-Identifier: Apache-2.0
"""Takes a page of `check --output html` apart: page.py PAGE.

XML and HTML parsers have to see the same elements, only those that the program itself writes, and nothing that is fetched or run.
"""
import re
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

ELEMENTS = set("""html head meta title style body header main footer section h1 h2 h3 p a ul ol li span strong code time i div table thead tbody tr th
td svg rect g text defs pattern""".split())
ATTRIBUTES = set("""lang charset name content http-equiv class id href scope colspan role data-label datetime reversed width height x y dx
aria-hidden aria-label patternUnits patternTransform""".split())
VOID = {"meta"}


def bad(why):
    sys.exit(why)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.open, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            bad(f"HTML: </{tag}> closes nothing at {self.getpos()}")

    def handle_data(self, data):
        self.text.append(data)


def name(tag):
    return tag.rsplit("}", 1)[-1].lower()


text = open(sys.argv[1], encoding="utf-8").read()
if not text.startswith("<!DOCTYPE html>\n"):
    bad("no doctype")
root = ET.fromstring(text)
every = list(root.iter())

tags = Tags()
tags.feed(text)
tags.close()
if tags.open:
    bad(f"HTML: not closed: {tags.open}")
if tags.seen != [name(x.tag) for x in every]:
    bad("XML and HTML see other elements")
if re.sub(r"\s+", "", "".join(tags.text)) != re.sub(r"\s+", "", "".join(root.itertext())):
    bad("XML and HTML see other text")

ids = [x.get("id") for x in every if x.get("id")]
if len(ids) != len(set(ids)):
    bad("an id twice")
for x in every:
    if name(x.tag) not in ELEMENTS:
        bad(f"element {x.tag}")
    for key, value in x.attrib.items():
        if name(key) not in {a.lower() for a in ATTRIBUTES}:
            bad(f"attribute {key} of {x.tag}")
        if key == "href" and (value[0] != "#" or value[1:] not in ids):
            bad(f"a link to {value}")
    if name(x.tag) == "th" and not x.get("scope"):
        bad("a th without scope")
    if name(x.tag) == "svg" and x.get("aria-hidden") != "true" and not (x.get("role") == "img" and x.get("aria-label")):
        bad("a drawing without words")
    if name(x.tag) == "table" and not any(name(c.tag) == "thead" for c in x):
        bad("a table without head")

style = next(x for x in every if name(x.tag) == "style").text
if re.search(r"@import|https?:|url\((?!#)|[<&]", style):
    bad("the style is not its own")
if root.get("lang") != "en" or "default-src 'none'" not in text:
    bad("no language, or no content policy")
heads = [int(name(x.tag)[1]) for x in every if re.fullmatch("h[1-6]", name(x.tag))]
if heads.count(1) != 1 or heads[0] != 1 or any(b > a + 1 for a, b in zip(heads, heads[1:])):
    bad(f"headings: {heads}")
badges = [x for x in every if "badge" in (x.get("class") or "")]
if not all("".join(x.itertext()).strip(" ✓≠…–✗") for x in badges):
    bad("a state without words")
if "hostile" in sys.argv[1]:
    words = "".join(root.itertext())
    for part in ("<script>alert(1)</script>\"'><img", "&lt;b&gt;]]>-->\\x01\\x1b[31m\\xff\\xc3\\xe2\\x80\\xae\\xef\\xbf\\xbf",
                 "<u>", "<plan>&\"x\".yaml", "<script>alert(4)"):
        if part not in words:
            bad(f"not shown: {part}")

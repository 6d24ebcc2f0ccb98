# SPDX-License-Identifier: Apache-2.0
"""Looks at a page in a real browser: look.py CHROMIUM PAGE light|dark WIDTHxHEIGHT [pixels], or look.py CHROMIUM PAGE paper.

A copy of the page gets a script that measures what the browser made of it: whether anything has to be scrolled sideways, what is cut off, the contrast of
every text with what lies behind it, the sizes of letters. With `pixels` the picture itself is looked at, too.
"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import zlib

MEASURE = """
<script>//<![CDATA[
function rgb(c) { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; }
function lum(c) { const f = c.slice(0, 3).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
	return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; }
function ratio(a, b) { const x = lum(a), y = lum(b); return (Math.max(x, y) + .05) / (Math.min(x, y) + .05); }
function behind(e) { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; }
	return rgb(getComputedStyle(document.documentElement).backgroundColor); }
const out = { width: innerWidth, scroll: document.documentElement.scrollWidth, dark: matchMedia('(prefers-color-scheme: dark)').matches,
	texts: 0, wide: [], faint: [], small: [], page: rgb(getComputedStyle(document.body).backgroundColor) };
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
	const n = walk.currentNode, e = n.parentElement, s = getComputedStyle(e), words = n.data.trim();
	if (!words || /^(script|title)$/i.test(e.tagName) || e.closest('thead') && s.position !== 'static') continue;
	const range = document.createRange(); range.selectNodeContents(n);
	const box = range.getBoundingClientRect();
	out.texts++;
	if (box.width && (box.right > innerWidth + 1 || box.left < -1) && !(e.closest('thead') && innerWidth < 800)) out.wide.push(words.slice(0, 60));
	const svg = e.closest('svg');
	const fore = rgb(svg ? s.fill : s.color), back = svg ? rgb(getComputedStyle(svg.querySelector('rect.given')).fill) : behind(e);
	if (ratio(fore, back) < 4.5) out.faint.push([words.slice(0, 60), ratio(fore, back).toFixed(2)]);
	if (parseFloat(s.fontSize) < 11) out.small.push(words.slice(0, 60));
}
for (const e of document.body.querySelectorAll('td, th, section, svg, p, li')) {
	const b = e.getBoundingClientRect();
	if (b.width && b.right > innerWidth + 1 && !(e.closest('thead') && innerWidth < 800)) out.wide.push(e.tagName);
}
const pre = document.createElement('pre'); pre.id = 'look'; pre.textContent = JSON.stringify(out); document.body.append(pre);
//]]></script>
</body>"""


def bad(why):
    sys.exit(str(why))


# A browser's own window is no narrower than some 500 pixels; a frame is.
FRAME = """<!DOCTYPE html><html style="color-scheme: light dark"><body style="margin: 0">
<iframe style="border: 0; display: block; width: {width}px; height: {height}px" srcdoc="{page}"></iframe>
<script>addEventListener('load', () => {{ const look = document.querySelector('iframe').contentDocument.getElementById('look');
	if (look) document.body.append(look.cloneNode(true)); }});</script></body></html>"""


def framed(text, width, height):
    return FRAME.format(width=width, height=height, page=text.replace("&", "&amp;").replace('"', "&quot;"))


def browse(chromium, where, url, *arguments):
    with open(os.path.join(where, "log"), "wb") as log:
        return subprocess.run([chromium, "--no-sandbox", "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
                               "--disable-background-networking", f"--user-data-dir={where}/profile", *arguments, "file://" + os.path.abspath(url)],
                              stdout=subprocess.PIPE, stderr=log, timeout=180, check=True).stdout.decode()


def picture(path):
    """The rows of an 8-bit PNG, as bytes of pixels, and how many of them a pixel has."""
    data = open(path, "rb").read()
    at, idat = 8, b""
    while at < len(data):
        n, kind = int.from_bytes(data[at:at + 4], "big"), data[at + 4:at + 8]
        if kind == b"IHDR":
            width, height, depth, colour = int.from_bytes(data[at + 8:at + 12], "big"), int.from_bytes(data[at + 12:at + 16], "big"), data[at + 16], data[at + 17]
        elif kind == b"IDAT":
            idat += data[at + 8:at + 8 + n]
        at += 12 + n
    if depth != 8 or colour not in (2, 6):
        bad("not the kind of picture that is understood")
    size, raw, rows, last = (3 if colour == 2 else 4), zlib.decompress(idat), [], None
    for y in range(height):
        line = raw[y * (width * size + 1):(y + 1) * (width * size + 1)]
        kind, row = line[0], bytearray(line[1:])
        up = last or bytearray(len(row))
        for i in range(len(row) if kind else 0):
            a, b, c = (row[i - size] if i >= size else 0), up[i], (up[i - size] if i >= size else 0)
            if kind == 1:
                add = a
            elif kind == 2:
                add = b
            elif kind == 3:
                add = (a + b) // 2
            else:
                p = a + b - c
                add = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row[i] = (row[i] + add) & 255
        rows.append(row)
        last = row
    return rows, size


def brightness(colour):
    return (2126 * colour[0] + 7152 * colour[1] + 722 * colour[2]) / 2550000


def look_at_pixels(path, scheme):
    rows, size = picture(path)
    count = collections.Counter(bytes(row[i:i + 3]) for row in rows for i in range(0, len(row), size))
    total = sum(count.values())
    bright = sum(n for c, n in count.items() if brightness(c) > .5) / total
    page = brightness(count.most_common(1)[0][0])
    if scheme == "dark" and (bright > .15 or page > .15):
        bad(f"dark is not dark: {bright:.2f} of it is bright, most of it is {page:.2f}")
    if scheme == "light" and (bright < .8 or page < .9):
        bad(f"light is not light: {bright:.2f} of it is bright, most of it is {page:.2f}")
    if len([c for c, n in count.items() if n > total / 20000]) < 8:
        bad("there is hardly anything on it")


def look_at_paper(chromium, where, page):
    pdf = os.path.join(where, "page.pdf")
    # Whoever reads it in the dark prints on white paper all the same.
    browse(chromium, where, page, "--blink-settings=preferredColorScheme=0", "--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    data = open(pdf, "rb").read()
    words = b""
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S):
        try:
            words += zlib.decompress(stream)
        except zlib.error:
            pass
    pages = len(re.findall(rb"/Type\s*/Page\b", data + words))
    colours = {tuple(round(float(v) * 255) for v in m) for m in re.findall(rb"(?<![\d.])([\d.]+) ([\d.]+) ([\d.]+) rg\b", words)}
    if not 1 <= pages <= 40:
        bad(f"{pages} sheets")
    if (0, 0, 0) not in colours or (15, 18, 23) in colours or (24, 28, 35) in colours:
        bad(f"not black on white: {sorted(colours)}")


def main(chromium, page, scheme, size="1280x900", *more):
    keep = os.environ.get("KEEP")
    with tempfile.TemporaryDirectory() as where:
        if scheme == "paper":
            return look_at_paper(chromium, where, page)
        # The page's own policy lets no script run, this one neither.
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", open(page, encoding="utf-8").read(), count=1)
        copy = os.path.join(where, "copy.html")
        width, height = size.split("x")
        with open(copy, "w", encoding="utf-8") as f:
            f.write(framed(text.replace("</body>", MEASURE), width, height))
        settings = [f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"]
        found = re.search(r'<pre id="look">(.*?)</pre>', browse(chromium, where, copy, *settings, "--dump-dom"), re.S)
        if not found:
            bad("the browser did not say what it sees")
        seen = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
        if seen["width"] != int(width) or seen["dark"] != (scheme == "dark"):
            bad(f"not the window that was asked for: {seen['width']}, dark: {seen['dark']}")
        if (brightness(seen["page"]) > .5) != (scheme == "light"):
            bad(f"the page is {seen['page']}")
        if seen["scroll"] > seen["width"] or seen["wide"]:
            bad(f"{seen['scroll']} pixels wide: {seen['wide'][:5]}")
        if seen["texts"] < 50 or seen["faint"] or seen["small"]:
            bad(f"{seen['texts']} texts, hard to read: {seen['faint'][:5]}, small: {seen['small'][:5]}")
        shot = os.path.join(keep or where, f"{os.path.basename(page)}-{scheme}-{size}.png")
        if "pixels" in more or keep:
            with open(copy, "w", encoding="utf-8") as f:
                f.write(framed(text, width, height))
            browse(chromium, where, copy, *settings, f"--screenshot={shot}")
        if "pixels" in more:
            look_at_pixels(shot, scheme)


main(*sys.argv[1:])

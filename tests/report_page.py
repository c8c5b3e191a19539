"""A reader of the report's page, for its tests."""

from __future__ import annotations

import html.parser

from keras_transfer.evaluation import report

HOSTILE = "<script>alert('x')</script>"
INLINE = {"wbr", "span"}
VOID = {"meta", "img", "br", "hr", "link", "input", "wbr"}


class Page(html.parser.HTMLParser):
    """Reads a page; `faults` holds what is not well-formed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.faults, self.rows, self.texts = [], [], [], [""]
        self._continues = False  # whether the text so far and the next belong together: a <wbr> breaks no word
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if len(dict(attrs)) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self._continues = tag in INLINE
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        self._continues = tag in INLINE
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> does not fit")

    def handle_data(self, data):
        if "style" not in self._open and self._continues:
            self.texts[-1] += data
        elif "style" not in self._open:
            self.texts.append(data)
        if "td" in self._open or "th" in self._open:
            self.rows[-1][-1] += data

    def attributes(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def read_page(tmp_path, the_report):
    report.write(tmp_path / "report.html", the_report)
    text = (tmp_path / "report.html").read_text("utf-8")
    return text, Page(text)

"""SVG elements as escaped text, and the figure that holds them."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup, escape

from qdsl.report.figures.style import FIGURE_CSS, LIGHT


def number(value: float) -> str:
    """A coordinate with at most two decimals: the same text for the same picture on every machine."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def element(tag: str, *children: str, **attributes: str | float | None) -> Markup:
    """An element. Attribute names: `class_` is `class`, `_` is `-`; None leaves an attribute out. Everything is escaped
    except children that are Markup already."""
    written = Markup("").join(
        Markup(' {}="{}"').format(
            Markup(name.rstrip("_").replace("_", "-")), value if isinstance(value, str) else number(value)
        )
        for name, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(escape(child) for child in children)
    return Markup(f"<{tag}{written}>{inside}</{tag}>") if inside else Markup(f"<{tag}{written}/>")


def group(*children: str, **attributes: str | float | None) -> Markup:
    return element("g", *children, **attributes)


def text(x: float, y: float, content: str, **attributes: str | float | None) -> Markup:
    return element("text", content, x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: str | float | None) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def box(x: float, y: float, width: float, height: float, *children: str, **attributes: str | float | None) -> Markup:
    return element("rect", *children, x=x, y=y, width=width, height=height, **attributes)


def path(points: list[tuple[float, float]], **attributes: str | float | None) -> Markup:
    """A polyline through the points, in pixels."""
    d = "M" + "L".join(f"{number(x)},{number(y)}" for x, y in points)
    return element("path", d=d, **attributes)


@dataclass(frozen=True)
class Figure:
    """A finished picture; sizes in pixels. `label` says in words what it shows."""

    width: float
    height: float
    label: str
    body: Markup

    def __html__(self) -> str:
        """For a page that brings colours and FIGURE_CSS itself."""
        return self._svg(self.body)

    def standalone(self) -> str:
        """A file of its own, on a light ground. Colours are written out: not every viewer knows CSS variables."""
        css = FIGURE_CSS
        for name, colour in sorted(LIGHT.items(), key=lambda item: -len(item[0])):
            css = css.replace(f"var(--{name})", colour)
        ground = box(0, 0, self.width, self.height, fill=LIGHT["surface"])
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + self._svg(
            element("style", Markup(css)) + "\n" + ground + self.body
        )

    def _svg(self, body: Markup) -> str:
        head = Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" class="figure" viewBox="0 0 {w} {h}" width="{w}" height="{h}" '
            'role="img" aria-label="{label}">'
        ).format(w=number(self.width), h=number(self.height), label=self.label)
        return f"{head}{body}\n</svg>\n"

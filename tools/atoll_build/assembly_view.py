# SPDX-License-Identifier: MIT
"""The assembly for people: as text, and as a picture of components in their harts with the connections between them.

In the picture each hart is a frame. A solid arrow is a connection whose client waits for answers, a dashed one carries
only events; both have the name of the interface. A yellow one carries requests of programs. Devices hang below their owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from . import assembly
from .assembly import Component, Connection, System
from .machines import Machine

# -- text -------------------------------------------------------------------------------------


def text(system: System, placed: Mapping[str, list[int]], machine: Machine, memory: int) -> str:
    system, placed = assembly.of_placement(system, placed)
    interfaces = assembly.read_interfaces()
    waits = assembly.waits(system, interfaces)
    out = [f"{machine.name}, {memory >> 20} MiB, guests on hart {_list(placed['guests'])}", "",
           f"{'component':<11}{'hart':<6}{'priority':<10}{'budget':<14}{'objects':<10}{'stack':<8}{'coroutines':<14}{'restart':<9}devices"]
    for c in system.components.values():
        out.append(f"{c.name:<11}{_list(placed[c.name]):<6}{c.priority:<10}{f'{c.budget_ms} of {c.period_ms} ms':<14}{_size(c.objects(memory)):<10}"
                   f"{_size(c.stack):<8}{f'{c.coroutines} * {_size(c.coroutine_stack)}':<14}{c.restart:<9}{' '.join(c.devices) or '-'}")
    for c in system.connections:
        it = interfaces[c.interface]
        out += ["", f"{c.client} -> {c.server}: {it.name}, layout {it.layout_hash:#x}"]
        if c.node:
            out.append(f"  forwards   what programs ask through /dev/{c.node} ({c.mode:04o})")
        if c.calls:
            out.append("  waits for  " + ", ".join(m + ("" if m in waits.get((c.client, c.server), []) else " (answered at once)") for m in c.calls))
        if c.events:
            out.append("  posts      " + ", ".join(c.events))
    for c in system.components.values():
        out += ["", f"{c.name} maps"]
        out += [f"  {'rw':<5}sessions.{c.name}"] + [f"  {r:<5}{s}" for s, r in c.maps.items()]
        out += [f"  {'rw':<5}its session of sessions.{k.server}" for k in system.connections if k.client == c.name]
        out += [f"{c.name} holds", f"  {'slot':<46}{'type':<14}{'rights':<10}{'badge':<20}object"]
        out += [f"  {_place(k):<46}{k.type:<14}{_rights(k.rights):<10}{f'{k.badge:#x}' if k.badge else '-':<20}{k.object}"
                for k in assembly.capabilities(system, c.name)]
        out += [f"  {'SRV_CAP_DEVICE + i':<46}{'segment':<14}{'rw':<10}{'-':<20}device.{d}" for d in c.devices]
        out += [f"  {'SRV_CAP_IRQ + i':<46}{'irq':<14}{'all':<10}{'-':<20}irq.{d}" for d in c.interrupts]
    return "\n".join(out) + "\n"


def _list(harts: list[int]) -> str:
    return f"{harts[0]}-{harts[-1]}" if len(harts) > 1 and harts == list(range(harts[0], harts[-1] + 1)) else ",".join(map(str, harts))


def _size(n: int) -> str:
    return f"{n >> 20}M" if n >= 1 << 20 else f"{n >> 10}K"


def _rights(letters: str) -> str:
    return "all" if len(set(letters)) == len(assembly.RIGHTS) else letters


def _place(c: assembly.Capability) -> str:
    return c.slot_text if c.place == assembly.CSPACE else f"{c.place}[{c.slot_text}]"


# -- picture ----------------------------------------------------------------------------------

BOX_W, BOX_H = 190, 78          # a component
GAP_X, GAP_Y = 120, 92          # between components; room for the labels of arrows
FRAME = 26                      # a hart's frame around its components
TOP = 64
STYLE = """
  text { font-family: Helvetica, Arial, sans-serif; fill: #1b2733 }
  .hart { fill: #f3f6f9; stroke: #b8c4cf; stroke-width: 1.5 } .hartname { font-size: 13px; font-weight: bold; fill: #5b6b7a }
  .box { fill: #ffffff; stroke: #2f5d8a; stroke-width: 1.8 } .name { font-size: 16px; font-weight: bold } .fact { font-size: 11px; fill: #44525f }
  .guest { fill: #fff8e8; stroke: #c08a1e; stroke-width: 1.8 } .device { fill: #eef7ee; stroke: #4b8a4b } .label { font-size: 11px }
  .calls { stroke: #2f5d8a; stroke-width: 1.8; fill: none } .events { stroke: #8a97a3; stroke-width: 1.6; stroke-dasharray: 5 4; fill: none }
  .trap { stroke: #c08a1e; stroke-width: 1.8; fill: none } .back { fill: #ffffff; opacity: 0.9 }
"""


class _Drawing:
    def __init__(self, system: System, placed: Mapping[str, list[int]]) -> None:
        self.system, self.placed = assembly.of_placement(system, placed)
        self.out: list[str] = []                            # frames and lines; then boxes; then what the lines are called
        self.boxes: list[str] = []
        self.labels: list[str] = []
        self.at: dict[str, tuple[float, float]] = {}        # a component's corner
        self.right = 0.0
        self.bottom = 0.0

    def draw(self, title: str) -> str:
        harts = sorted({h for on in self.placed.values() for h in on})
        servers = {h: [n for n, on in self.placed.items() if on == [h] and n != "guests"] for h in harts}
        x = float(FRAME)
        guests = self.placed["guests"]
        only = [h for h in guests if not servers[h]]
        rows = max([len(v) for v in servers.values()] + [1])
        for group, names in [(only, [])] + [([h], servers[h]) for h in harts if servers[h]]:
            if group:
                x = self._hart(x, group, names, [h for h in group if h in guests], rows) + 70
        self.right = x - 70
        for c in self.system.connections:
            self._connection(c)
        self._guest_arrow()
        self._legend()
        width, height = self.right + FRAME, self.bottom + 66
        head = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">',
                f"<style>{STYLE}</style>", '<defs>', *(_marker(n, c) for n, c in (("calls", "#2f5d8a"), ("events", "#8a97a3"), ("trap", "#c08a1e"))),
                "</defs>", f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>', self._text(FRAME, 26, title, "name")]
        return "\n".join([*head, *self.out, *self.boxes, *self.labels, "</svg>", ""])

    def _text(self, x: float, y: float, words: str, style: str, anchor: str = "start") -> str:
        return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{escape(words)}</text>'

    def _hart(self, x: float, harts: list[int], names: list[str], guests: list[int], rows: int) -> float:
        columns = 2 if len(names) > 2 else 1
        lines = max((len(names) + columns - 1) // columns + bool(guests), (rows + 1) // 2 if rows > 2 else rows)
        width = columns * BOX_W + (columns - 1) * GAP_X + 2 * FRAME
        height = lines * BOX_H + (lines - 1) * GAP_Y + 2 * FRAME + 50
        self.out.append(f'<rect x="{x:.1f}" y="{TOP - 22}" width="{width}" height="{height}" rx="10" class="hart"/>')
        self.out.append(self._text(x + 12, TOP - 4, f"hart {_list(harts)}" if len(harts) == 1 else f"harts {_list(harts)}", "hartname"))
        top = TOP + FRAME - 6
        if guests:
            self._box("guests", x + FRAME, top, "guest", ["Linux programs", "linux_compat in each process"])
            top += BOX_H + GAP_Y
        for i, name in enumerate(names):
            odd = columns == 2 and i == len(names) - 1 and len(names) % 2
            across = (columns - 1) * (BOX_W + GAP_X) / 2 if odd else (i % columns) * (BOX_W + GAP_X)
            self._component(self.system.components[name], x + FRAME + across, top + (i // columns) * (BOX_H + GAP_Y))
        self.bottom = max(self.bottom, TOP - 22 + height)
        return x + width

    def _box(self, name: str, x: float, y: float, style: str, facts: list[str]) -> None:
        self.at[name] = (x, y)
        self.boxes.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{BOX_W}" height="{BOX_H}" rx="6" class="{style}"/>')
        self.boxes.append(self._text(x + 12, y + 22, name, "name"))
        self.boxes += [self._text(x + 12, y + 40 + 15 * i, f, "fact") for i, f in enumerate(facts)]

    def _component(self, c: Component, x: float, y: float) -> None:
        self._box(c.name, x, y, "box", [f"priority {c.priority}, {c.budget_ms} of {c.period_ms} ms",
                                        f"{c.coroutines} coroutines of {_size(c.coroutine_stack)}"])
        left = x
        for device in c.devices:
            w = 14 + 7 * len(device)
            self.boxes.append(f'<rect x="{left:.1f}" y="{y + BOX_H + 4:.1f}" width="{w}" height="18" rx="9" class="device"/>')
            self.boxes.append(self._text(left + w / 2, y + BOX_H + 17, device, "label", "middle"))
            left += w + 5

    def _edge(self, name: str, to: tuple[float, float], shift: float) -> tuple[float, float]:
        """Where the line from a box's centre to `to` leaves the box, moved sideways by `shift`."""
        x, y = self.at[name][0] + BOX_W / 2, self.at[name][1] + BOX_H / 2
        dx, dy = to[0] - x, to[1] - y
        length = (dx * dx + dy * dy) ** 0.5 or 1.0
        x, y = x - dy / length * shift, y + dx / length * shift
        left, top = self.at[name]
        devices = name in self.system.components and self.system.components[name].devices
        bottom = top + BOX_H + (24 if devices and dy > 0 else 0)
        ways = [((left + BOX_W if dx > 0 else left) - x) / dx] if dx else []
        ways += [((bottom if dy > 0 else top) - y) / dy] if dy else []
        scale = min(ways) + 3 / length
        return x + dx * scale, y + dy * scale

    def _connection(self, c: Connection) -> None:
        def centre(n: str) -> tuple[float, float]:
            return self.at[n][0] + BOX_W / 2, self.at[n][1] + BOX_H / 2
        # both directions shift to the left hand of their own way, so they stay apart
        x1, y1 = self._edge(c.client, centre(c.server), 11)
        x2, y2 = self._edge(c.server, centre(c.client), -11)
        style = "trap" if c.node else "calls" if c.calls else "events"
        self.out.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}" marker-end="url(#{style})"/>')
        places = [(x1 + (x2 - x1) * part, y1 + (y2 - y1) * part) for part in (0.36, 0.2, 0.8, 0.5, 0.1, 0.9)]
        x, y = next((p for p in places if not self._hidden(*p)), places[0])
        self._label(x, y, f"{c.interface} by /dev/{c.node}" if c.node else c.interface)

    def _hidden(self, x: float, y: float) -> bool:
        """A box is there, or so near that a word would lie on it: a line may pass behind one."""
        return any(left - 20 < x < left + BOX_W + 20 and top - 8 < y < top + BOX_H + 8 for left, top in self.at.values())

    def _label(self, x: float, y: float, words: str) -> None:
        w = 6.2 * len(words) + 8
        self.labels.append(f'<rect x="{x - w / 2:.1f}" y="{y - 9:.1f}" width="{w:.1f}" height="15" rx="3" class="back"/>')
        self.labels.append(self._text(x, y + 3, words, "label", "middle"))

    def _guest_arrow(self) -> None:
        """Programs have sessions with every server; one thick way to the frame of each keeps the picture readable."""
        if "guests" not in self.at:
            return
        x, y = self.at["guests"]
        targets = sorted((p for n, p in self.at.items() if n != "guests"), key=lambda p: abs(p[0] - x) + abs(p[1] - y))
        to = targets[0]
        words = ", ".join(dict.fromkeys(c.serves for c in self.system.components.values() if not self.system.node(c.name)))
        if to[0] > x + BOX_W:
            x1, y1, x2 = x + BOX_W + 3, y + BOX_H / 2, to[0] - FRAME - 3
            self.out.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y1:.1f}" class="trap" marker-end="url(#trap)"/>')
            self._label((x1 + x2) / 2, y1 - 12, words)
        else:
            x1, y1, y2 = x + BOX_W + 34, y + BOX_H / 2, y + BOX_H + GAP_Y / 2
            self.out.append(f'<path d="M{x + BOX_W + 3:.1f},{y1:.1f} H{x1:.1f} V{y2:.1f}" class="trap" marker-end="url(#trap)"/>')
            self._label(x1 + 8, y1 - 12, words)

    def _legend(self) -> None:
        x, y = float(FRAME), self.bottom + 26
        for style, words in (("calls", "waits for answers"), ("events", "events only"), ("trap", "requests of programs, to every server")):
            self.out.append(f'<line x1="{x}" y1="{y}" x2="{x + 36}" y2="{y}" class="{style}" marker-end="url(#{style})"/>')
            self.out.append(self._text(x + 44, y + 4, words, "label"))
            x += 72 + 6.2 * len(words)
            if x > self.right - 200:
                x, y = float(FRAME), y + 20


def _marker(name: str, colour: str) -> str:
    return (f'<marker id="{name}" markerWidth="9" markerHeight="9" refX="8" refY="4" orient="auto" markerUnits="userSpaceOnUse">'
            f'<path d="M0,0 L9,4 L0,8 z" fill="{colour}"/></marker>')


def svg(system: System, placed: Mapping[str, list[int]], machine: Machine, out: Path) -> None:
    harts = len({h for on in placed.values() for h in on})
    out.write_text(_Drawing(system, placed).draw(f"{machine.name}, {harts} hart{'s' if harts > 1 else ''}"))

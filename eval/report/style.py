"""The style sheet of the report: one column, light and dark, screen and paper, nothing fetched."""

SERIES = 8

LIGHT = """
  --page: #ffffff; --ink: #1d2329; --quiet: #5d6872; --rule: #dce1e6; --faint: #f4f6f8;
  --mark: #fff6d6; --heat: 30 84 150;
  --c0: #4a6c9b; --c1: #c9562a; --c2: #2c8a66; --c3: #86569f; --c4: #a88416; --c5: #3b93b3;
  --c6: #b03f6d; --c7: #6b7280;
"""
_DARK = """
  --page: #14171b; --ink: #e4e7ea; --quiet: #98a2ac; --rule: #30363d; --faint: #1c2126;
  --mark: #3a331b; --heat: 104 164 235;
  --c0: #8fb0de; --c1: #f08a5d; --c2: #5cc49b; --c3: #c49be0; --c4: #dcb64a; --c5: #74c6e4;
  --c6: #e886ad; --c7: #a5adb6;
"""

_COLOURS = "\n".join(
    f".swatch.c{index} {{ background: var(--c{index}); }} .bar.c{index}, .mark.c{index} "
    f"{{ fill: var(--c{index}); }} .line.c{index} {{ stroke: var(--c{index}); }} "
    f".meter.c{index} {{ --colour: var(--c{index}); }} th.c{index} "
    f"{{ border-bottom-color: var(--c{index}); }}"
    for index in range(SERIES)
)

_CHARTS = """
svg text { fill: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
svg text.label { fill: var(--ink); font-size: 12.5px; } svg text.note { font-size: 10.5px; }
svg .grid { stroke: var(--rule); } svg .axis, svg .tick { stroke: var(--quiet); }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
svg .line.faint { stroke-width: 1; opacity: .28; }
svg .mark { stroke: var(--page); stroke-width: 1.2; }
"""
CHART_STYLE = f"{_CHARTS} {_COLOURS}"
"""The rules of a line chart that stands in a file of its own, with the colours of LIGHT."""

STYLE = f"""
:root {{ color-scheme: light dark; {LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", Roboto, "DejaVu Sans",
  sans-serif; }}
main {{ max-width: 1120px; margin: 0 auto; padding: 40px 28px 64px; }}
h1, h2, h3 {{ font-family: Charter, "Bitstream Charter", "Source Serif 4", Georgia, "Noto Serif",
  "Liberation Serif", serif; font-weight: 600; line-height: 1.2; text-wrap: balance; }}
h1 {{ font-size: 32px; margin: 4px 0 10px; overflow-wrap: anywhere; }}
h2 {{ font-size: 22px; margin: 52px 0 6px; padding-top: 14px; border-top: 1px solid var(--rule); }}
h3 {{ font-size: 17px; margin: 28px 0 6px; overflow-wrap: anywhere; }}
p {{ max-width: 74ch; margin: 8px 0; }}
.note, figcaption, .facts, .legend {{ color: var(--quiet); font-size: 13.5px; }}
.lead {{ font-size: 16.5px; }}
.over {{ color: var(--quiet); font-size: 13px; letter-spacing: .06em; text-transform: uppercase;
  margin: 0; }}
nav {{ display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 18px 0 0; font-size: 13.5px; }}
a {{ color: var(--c0); text-decoration: none; }} a:hover {{ text-decoration: underline; }}
.scroll {{ overflow-x: auto; margin: 14px 0; }}
table {{ border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums;
  min-width: 50%; }}
th, td {{ padding: 5px 14px 5px 0; text-align: right; border-bottom: 1px solid var(--rule);
  vertical-align: baseline; white-space: nowrap; }}
th {{ font-weight: 600; }} tbody th {{ font-weight: 400; }}
thead th {{ border-bottom: 2px solid var(--ink); vertical-align: bottom; font-size: 13px;
  white-space: normal; line-height: 1.25; }}
th:first-child, td:first-child, .text td, .text th {{ text-align: left; }}
td:last-child, th:last-child {{ padding-right: 2px; }}
.text td {{ white-space: normal; overflow-wrap: anywhere; }}
td.best {{ font-weight: 700; }} tr.gain, td.gain {{ color: var(--quiet); }}
td.left, th.left {{ text-align: left; }} .facts {{ max-width: none; }}
.swatch {{ display: inline-block; width: 12px; height: 12px; margin-right: 8px;
  border-radius: 2px; border: 1px solid rgb(128 128 128 / .55); vertical-align: -1px; }}
.key {{ margin-right: 20px; white-space: nowrap; }} .key .swatch {{ border: 0; }}
td.meter {{ padding: 3px 14px 3px 0; min-width: 150px; }}
td.meter div {{ position: relative; text-align: right; padding: 2px 6px; background:
  linear-gradient(to right, color-mix(in srgb, var(--colour) 34%, transparent)
  calc(var(--value) * 1%), var(--faint) 0); border-radius: 2px; }}
figure {{ margin: 0; min-width: 0; }}
figcaption {{ margin-top: 5px; overflow-wrap: anywhere; }}
.charts {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr));
  gap: 26px 34px; margin: 14px 0; }}
.pictures {{ display: grid; gap: 14px 12px; margin: 12px 0 30px;
  grid-template-columns: repeat(3, minmax(0, 1fr)); }}
.matrices {{ display: flex; flex-wrap: wrap; gap: 20px 44px; margin: 12px 0; }}
ul.classes {{ list-style: none; margin: 0; padding: 0; columns: 2; font-size: 13.5px; }}
img {{ display: block; width: 100%; height: auto; border-radius: 2px; }}
svg {{ display: block; width: 100%; height: auto; }}
{_CHARTS}
svg.mesh .line {{ stroke-width: .8; opacity: .8; }}
svg.mesh .frame {{ fill: var(--faint); stroke: var(--rule); }}
svg.matrix .heat {{ fill: rgb(var(--heat) / var(--share)); stroke: var(--rule);
  stroke-width: .5; }}
svg.matrix text {{ fill: var(--ink); font-size: 11.5px; }}
svg.matrix .cell {{ font-size: 11px; }} svg.matrix .strong {{ fill: var(--page); }}
details summary {{ cursor: pointer; color: var(--c0); font-size: 14px; margin: 10px 0; }}
.differs th, .differs td {{ background: var(--mark); }}
code {{ font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }}
footer {{ margin-top: 56px; padding-top: 12px; border-top: 1px solid var(--rule);
  color: var(--quiet); font-size: 13px; }}
{_COLOURS}
@media (max-width: 640px) {{
  main {{ padding: 22px 16px 40px; }} h1 {{ font-size: 25px; }}
  .pictures {{ grid-template-columns: 1fr; }}
}}
@media print {{
  :root {{ {LIGHT} }}
  * {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
  @page {{ margin: 16mm; }}
  body {{ font-size: 10pt; }} main {{ max-width: none; padding: 0; }} nav {{ display: none; }}
  figure, tr {{ break-inside: avoid; }} h2, h3, .note {{ break-after: avoid; }}
  .scroll {{ overflow: visible; }} .charts {{ grid-template-columns: 1fr 1fr; }}
  .pictures {{ grid-template-columns: repeat(3, 1fr); }}
  details::details-content {{ content-visibility: visible; block-size: auto; }}
}}
"""

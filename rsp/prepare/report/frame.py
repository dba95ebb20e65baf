"""Frame and looks of the datasheet."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { --ink: #22303a; --soft: #66757f; --line: #dde3e6; --paper: #ffffff;
  --back: #f3f5f4; --accent: #2c6e63; --warm: #b5651d; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial,
  sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 0 24px 48px; }
header { background: linear-gradient(120deg, #1f4d46, #2c6e63 60%, #6b8f5a);
  color: #fff; padding: 36px 0 28px; margin-bottom: 28px; }
header > div { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
h1 { margin: 0; font-size: 34px; letter-spacing: -0.5px; }
header p { margin: 2px 0 20px; opacity: 0.8; font-family: ui-monospace, monospace;
  font-size: 13px; overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: 12px 40px; }
.figures b { display: block; font-size: 24px; font-weight: 600; }
.figures span { font-size: 13px; opacity: 0.85; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
  padding: 18px 24px 22px; margin-bottom: 20px; }
h2 { margin: 0 0 12px; font-size: 19px; }
h3 { margin: 14px 0 8px; font-size: 15px; color: var(--soft); font-weight: 600; }
h4 { margin: 0 0 4px; font-size: 13px; }
.concerns { margin: 0; padding: 0; list-style: none; }
.concerns li { border-left: 4px solid var(--warm); background: #fbf6f0;
  padding: 7px 12px; margin: 6px 0; overflow-wrap: anywhere; }
.fine { color: var(--accent); margin: 0; }
.pictures { display: grid; gap: 12px;
  grid-template-columns: repeat(auto-fill, minmax(124px, 1fr)); }
figure { margin: 0; }
.pictures img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 6px;
  display: block; background: #000; }
figcaption { font-size: 11.5px; line-height: 1.35; color: var(--soft); margin-top: 4px;
  overflow: hidden; text-overflow: ellipsis; }
.where { display: grid; gap: 14px 24px; align-items: center;
  grid-template-columns: minmax(300px, 3fr) minmax(0, 4fr); }
.where.many { grid-template-columns: 1fr; }
.globe { width: 100%; max-height: 430px; }
.globe rect { fill: #eef3f5; }
.globe line { stroke: #cfd9de; stroke-width: 0.4; }
.globe text { font-size: 6.5px; font-weight: 600; fill: var(--ink); }
.globe text.grid { font-size: 5px; font-weight: 400; fill: var(--soft); }
.globe circle { fill: var(--warm); fill-opacity: 0.75; stroke: #fff;
  stroke-width: 0.6; }
.places { display: grid; gap: 14px;
  grid-template-columns: repeat(auto-fill, minmax(236px, 1fr)); }
.place { width: 100%; background: #eef3f5; border-radius: 6px; display: block; }
.place path { fill: var(--accent); fill-opacity: 0.16; stroke: var(--accent);
  stroke-width: 1.3; }
.scale line { stroke: var(--ink); stroke-width: 2.5; }
.scale text { font-size: 13px; fill: var(--ink); }
.cards { display: grid; gap: 14px;
  grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); }
.card { border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; }
.card p { margin: 6px 0 0; font-size: 12px; color: var(--soft);
  font-variant-numeric: tabular-nums; }
.histogram { width: 100%; display: block; }
.histogram text { font-size: 11px; fill: var(--soft); }
.histogram .axis { stroke: var(--soft); }
.histogram .mean { stroke: var(--ink); stroke-dasharray: 3 3; }
.tables { display: grid; gap: 8px 32px;
  grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: right; font-weight: 400; color: var(--soft); font-size: 12px; }
td { padding: 2px 8px 2px 0; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; width: 70px; }
.bar { width: 34%; }
.bar i { display: block; height: 9px; background: var(--accent); border-radius: 2px; }
.copies { padding-left: 18px; margin: 0; font-size: 13px; overflow-wrap: anywhere; }
.copies img { height: 84px; margin: 4px 6px 8px 0; border-radius: 4px; }
pre { background: #1f2a30; color: #dfe8e6; border-radius: 8px; padding: 14px 16px;
  overflow-x: auto; font-size: 12.5px; line-height: 1.45; margin: 0 0 10px; }
footer { color: var(--soft); font-size: 12px; text-align: center; }
</style>
</head>
<body>
<header><div>
<h1>$title</h1>
<p>$folder</p>
<div class="figures">$figures</div>
</div></header>
<main>
$sections
<footer>$footer</footer>
</main>
</body>
</html>
"""

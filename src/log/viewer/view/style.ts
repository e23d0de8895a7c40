import { listCss } from './style-list.ts'

/**
 * The colours are those of the playground; `light-dark` follows the element's `color-scheme`. In right-to-left pages, figures keep their
 * direction: "2.09 s" must not become "s 2.09".
 */
const frameCss = `
:host {
  --surface: var(--chaintap-surface, light-dark(#fff, #171d1c));
  --sunk: var(--chaintap-sunk, light-dark(#f3f5f2, #111716));
  --ink: var(--chaintap-ink, light-dark(#16201f, #e6ecea));
  --soft: var(--chaintap-soft, light-dark(#566261, #98a5a2));
  --line: var(--chaintap-line, light-dark(#dde2df, #2a3331));
  --accent: var(--chaintap-accent, light-dark(#0b766e, #4fd0c2));
  --bad: var(--chaintap-bad, light-dark(#b3261e, #ff8a80));
  --warn: var(--chaintap-warn, light-dark(#8a5300, #f0b355));
  --chain: var(--chaintap-chain, light-dark(#4b5b6b, #a3b4c6));
  --prompt: var(--chaintap-prompt, var(--warn));
  --model: var(--chaintap-model, light-dark(#6d3fc4, #bb9cff));
  --parser: var(--chaintap-parser, var(--accent));
  --tool: var(--chaintap-tool, light-dark(#a1356e, #f28dc0));
  --mono: var(--chaintap-mono, ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, monospace);
  --row: var(--chaintap-row, 2rem);
  color-scheme: light dark;
  container-type: inline-size;
  display: flex;
  flex-direction: column;
  block-size: 36rem;
  min-block-size: 12rem;
  overflow: hidden;
  border: 1px solid var(--line);
  border-radius: 0.75rem;
  background: var(--surface);
  color: var(--ink);
  font: 0.8125rem / 1.4 var(--chaintap-font, system-ui, sans-serif);
  text-align: start;
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; margin: 0; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
button, input, select { font: inherit; color: inherit; }
button { cursor: pointer; }
[data-kind] { --colour: var(--chain); }
[data-kind="prompt"] { --colour: var(--prompt); }
[data-kind="llm"], [data-kind="chat_model"] { --colour: var(--model); }
[data-kind="parser"] { --colour: var(--parser); }
:is([data-kind="tool"], [data-kind="retriever"], [data-kind="agent"]) { --colour: var(--tool); }
[data-kind="message"] { --colour: var(--soft); }
[data-level] { --colour: var(--soft); }
[data-level="info"] { --colour: var(--accent); }
[data-level="warning"] { --colour: var(--warn); }
:is([data-level="error"], [data-level="fatal"]) { --colour: var(--bad); }

.toolbar { display: grid; gap: 0.5rem; padding: 0.6rem 0.75rem; border-block-end: 1px solid var(--line); background: var(--sunk); }
.line, .chips, .between, .all { display: flex; flex-wrap: wrap; align-items: center; gap: 0.35rem; }
.line { column-gap: 0.5rem; }
.chips + .chips { padding-inline-start: 0.5rem; border-inline-start: 1px solid var(--line); }
.chips:empty { display: none; }
.all { margin-inline-start: auto; }
.search { flex: 1 1 14rem; max-inline-size: 26rem; }
.search, .select, .button { min-block-size: 1.9rem; padding: 0.15rem 0.6rem; border: 1px solid var(--line); border-radius: 0.5rem; background: var(--surface); }
.select { max-inline-size: 14rem; }
.search::placeholder { color: var(--soft); opacity: 1; }
.button:hover { border-color: var(--accent); }
.chip { display: inline-flex; align-items: center; gap: 0.3rem; padding: 0.1rem 0.55rem; border: 1px solid var(--line); border-radius: 99rem; background: var(--surface); font-size: 0.75rem; }
.chip::before { content: ""; inline-size: 0.5rem; block-size: 0.5rem; border-radius: 50%; background: var(--colour); }
.chip .count { color: var(--soft); font-variant-numeric: tabular-nums; }
.chip[aria-pressed="true"] { border-color: var(--colour); background: color-mix(in srgb, var(--colour) 14%, var(--surface)); box-shadow: inset 0 0 0 1px var(--colour); }
.chip[aria-pressed="true"] .count { color: inherit; }
.problem { display: flex; align-items: center; gap: 0.75rem; padding: 0.6rem 0.75rem; border-inline-start: 3px solid var(--bad); border-block-end: 1px solid var(--line); color: var(--bad); overflow-wrap: anywhere; }
.problem .button { flex: none; color: var(--ink); }
.main { display: flex; flex: 1; min-block-size: 0; }
.lines { container: lines / inline-size; position: relative; flex: 1 1 0; min-inline-size: 0; }
.empty { position: absolute; inset: 0; display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 0.75rem; padding: 1.5rem; color: var(--soft); text-align: center; overflow-wrap: anywhere; pointer-events: none; }
.empty span { max-inline-size: 34rem; }
.empty .button { pointer-events: auto; color: var(--ink); }
.newest { position: absolute; inset-block-end: 0.75rem; inset-inline: 0; inline-size: fit-content; margin-inline: auto; padding: 0.35rem 0.9rem; border: 0; border-radius: 99rem; background: var(--accent); color: var(--surface); font-weight: 600; box-shadow: 0 2px 10px rgb(0 0 0 / 0.25); }
.newest:focus-visible { outline-offset: 2px; }
.foot { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.9rem; min-block-size: 2rem; padding: 0.2rem 0.75rem; border-block-start: 1px solid var(--line); background: var(--sunk); color: var(--soft); font-size: 0.75rem; font-variant-numeric: tabular-nums; }
.foot .button { min-block-size: 1.5rem; padding-block: 0; margin-inline-start: auto; color: var(--ink); }
.foot .live::before { content: ""; display: inline-block; inline-size: 0.5rem; block-size: 0.5rem; margin-inline-end: 0.4rem; border-radius: 50%; background: var(--soft); }
.foot .live[data-state="live"]::before { background: var(--accent); }
.live:empty { display: none; }
.sr-only { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:host(:dir(rtl)) :is(.duration, .facts) { direction: ltr; text-align: left; }
:host(:dir(rtl)) :is(dd, .counts, .newest, .time) { direction: ltr; text-align: right; }
@container (inline-size < 34rem) {
  .all { margin: 0; }
  .line + .line { flex-wrap: nowrap; overflow-x: auto; }
  .chips { flex: none; flex-wrap: nowrap; }
}
@keyframes pulse { 50% { opacity: 0.35; } }
@media (prefers-reduced-motion: no-preference) {
  .live[data-state="live"]::before, [data-state="running"] .state { animation: pulse 1.4s ease-in-out infinite; }
}
@media (forced-colors: active) {
  .bar, .state, .chip::before, .live::before, .toggle::before { forced-color-adjust: none; }
  :is([aria-pressed="true"], [aria-selected="true"]) { outline: 3px solid Highlight; outline-offset: -3px; }
  [aria-pressed="true"]:focus-visible { outline-style: dashed; }
}
`

export const viewerCss: string = frameCss + listCss

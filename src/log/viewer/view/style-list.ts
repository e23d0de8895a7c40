/**
 * Styles of the lines: time, heading, bar, facts and duration. Rows that do not match the filter themselves are grey instead of pale, to keep
 * their contrast.
 */
export const listCss: string = `
.list { position: absolute; inset: 0; overflow: hidden auto; overflow-anchor: none; overscroll-behavior: contain; }
.space { position: relative; block-size: calc(var(--lines, 0) * var(--row)); }
.probe { position: absolute; block-size: var(--row); }
.row {
  position: absolute;
  inset-block-start: calc(var(--index) * var(--row));
  inset-inline: 0;
  display: grid;
  grid-template-columns: 5.9rem minmax(13rem, 5fr) minmax(5rem, 4fr) 8.6rem 4.2rem;
  align-items: center;
  gap: 0.6rem;
  block-size: var(--row);
  padding-inline: 0.75rem;
  cursor: default;
  white-space: nowrap;
}
.row > * { min-inline-size: 0; overflow: hidden; text-overflow: ellipsis; }
.row[aria-level="1"] { border-block-start: 1px solid var(--line); }
.row[aria-level="1"] .name { font-weight: 600; }
.row:hover { background: var(--sunk); }
.row[aria-selected="true"] { background: color-mix(in srgb, var(--accent) 13%, var(--surface)); }
.list:focus-visible .row[aria-selected="true"] { outline: 2px solid var(--accent); outline-offset: -2px; }
.context { filter: grayscale(1); }
.row.context .name { font-weight: 400; }
.time, .facts, .duration { color: var(--soft); font-size: 0.75rem; font-variant-numeric: tabular-nums; }
.time { order: -1; font-family: var(--mono); font-size: 0.6875rem; }
.facts { text-align: end; }
.duration { color: inherit; text-align: end; }
.heading { display: flex; align-items: center; gap: 0.4rem; padding-inline-start: calc(var(--depth) * 1.1rem); background: repeating-linear-gradient(90deg, transparent 0 0.5rem, var(--line) 0.5rem calc(0.5rem + 1px), transparent calc(0.5rem + 1px) 1.1rem) 0 0 / calc(var(--depth) * 1.1rem) 100% no-repeat; block-size: 100%; }
:host(:dir(rtl)) .heading { background-position: right; }
.toggle { flex: none; display: grid; place-items: center; inline-size: 1.1rem; block-size: 1.6rem; cursor: pointer; }
.parent .toggle::before { content: ""; border: 0.25rem solid transparent; border-inline-start: 0.35rem solid var(--soft); border-inline-end: 0; }
.parent[aria-expanded="true"] .toggle::before { border: 0.25rem solid transparent; border-block-start: 0.35rem solid var(--soft); border-block-end: 0; }
.kind { flex: none; padding: 0 0.4rem; border: 1px solid color-mix(in srgb, var(--colour) 35%, transparent); border-radius: 0.35rem; background: color-mix(in srgb, var(--colour) 10%, transparent); color: var(--colour); font-size: 0.6875rem; font-weight: 600; line-height: 1.5; }
.name { overflow: hidden; text-overflow: ellipsis; font-family: var(--mono); font-size: 0.78rem; }
.state { flex: none; inline-size: 0.5rem; block-size: 0.5rem; border-radius: 50%; background: var(--soft); }
[data-state="ended"] .state { display: none; }
[data-state="running"] .state { background: var(--accent); }
[data-state="failed"] .bar { --colour: var(--bad); }
[data-state="failed"] .state { background: var(--bad); }
[data-state="failed"] .facts { color: var(--bad); font-weight: 600; }
[data-state="stopped"] .state { background: var(--warn); }
.lane { position: relative; block-size: 100%; overflow: visible; background: linear-gradient(90deg, var(--line) 1px, transparent 1px) 0 0 / 25% 100%; border-inline-end: 1px solid var(--line); }
.bar { position: absolute; inset-block: 50% auto; inset-inline-start: calc(var(--from, 0) * 100%); inline-size: calc(var(--length, 0) * 100%); min-inline-size: 3px; max-inline-size: calc(100% - var(--from, 0) * 100% + 3px); block-size: 0.625rem; transform: translateY(-50%); border-radius: 3px; background: var(--colour); overflow: hidden; }
.parent .bar { block-size: 0.25rem; opacity: 0.75; }
[data-state="unfinished"] .bar { background: repeating-linear-gradient(135deg, var(--colour) 0 4px, transparent 4px 7px); }
.wait { position: absolute; inset-block: 0; inset-inline-start: 0; inline-size: calc(var(--wait, 0) * 100%); border-inline-end: 2px solid var(--ink); background: color-mix(in srgb, var(--surface) 62%, var(--colour)); }
.message { grid-template-columns: 5.9rem 4.6rem fit-content(12rem) 1fr; }
.level { padding: 0 0.4rem; border-radius: 0.35rem; background: color-mix(in srgb, var(--colour) 14%, transparent); color: var(--colour); font-size: 0.6875rem; font-weight: 600; text-align: center; }
.category { color: var(--soft); font-family: var(--mono); font-size: 0.75rem; }
@container lines (inline-size < 42rem) {
  .row { grid-template-columns: 5.9rem minmax(8rem, 5fr) minmax(4rem, 3fr) 4.2rem; }
  .facts { position: absolute; inline-size: 1px; clip-path: inset(50%); }
  .message { grid-template-columns: 5.9rem 4.6rem fit-content(8rem) 1fr; }
}
@container lines (inline-size < 34rem) {
  .row { grid-template-columns: minmax(8rem, 1fr) 3rem 4.2rem; }
  .time { display: none; }
  .message { grid-template-columns: 4.6rem fit-content(5rem) 1fr; }
}
`

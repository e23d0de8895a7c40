/** Styles of the details: beside the lines if there is room, otherwise over them. */
export const detailsCss: string = `
.details { display: flex; flex-direction: column; inline-size: clamp(19rem, 37%, 34rem); border-inline-start: 1px solid var(--line); background: var(--surface); }
.head { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem; padding: 0.5rem 0.75rem; border-block-end: 1px solid var(--line); }
.title { display: flex; flex: 1 1 11rem; align-items: center; gap: 0.4rem; min-inline-size: 0; font-size: 0.8125rem; font-weight: 600; overflow-wrap: anywhere; }
.title .level { flex: none; padding-inline: 0.5rem; }
.copies { display: flex; gap: 0.3rem; }
.copies .button { padding-inline: 0.45rem; font-size: 0.75rem; }
.body { flex: 1; overflow: auto; overscroll-behavior: contain; padding: 0.25rem 0.75rem 1rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: 0.5rem 0.75rem; padding-block: 0.5rem; }
.figures:empty { display: none; }
dt, summary, .label { color: var(--soft); font-size: 0.75rem; font-weight: 600; }
dd { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.chart { display: block; inline-size: 100%; block-size: 2.2rem; margin-block-end: 0.4rem; border-block-end: 1px solid var(--line); fill: var(--colour); }
:host(:dir(rtl)) .chart { transform: scaleX(-1); }
.section { padding-block: 0.35rem; }
summary { padding-block: 0.2rem; cursor: pointer; }
.error > summary { color: var(--bad); }
.error pre { box-shadow: inset 3px 0 0 var(--bad); }
.label { display: block; margin-block: 0.35rem 0.15rem; color: var(--accent); font-weight: 550; }
pre { padding: 0.5rem 0.65rem; border-radius: 0.4rem; background: var(--sunk); font: 0.75rem / 1.5 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; }
pre:empty { min-block-size: 1.9rem; }
@container (inline-size < 48rem) {
  .main { position: relative; }
  .details { position: absolute; inset: 0; z-index: 1; inline-size: auto; border: 0; }
}
`

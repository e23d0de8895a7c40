/** All colours have a contrast of at least 4.5:1 on their background (WCAG 2.2 §1.4.3). */
export const EXPORT_CSS = `
:root { color-scheme: light dark; --ground: #fff; --raised: #f6f8fa; --line: #d1d9e0; --text: #1f2328; --dim: #57606a; --link: #0550ae;
  --blue: #0550ae; --yellow: #7d4e00; --pink: #a72d76; --green: #116329; --red: #a40e26 }
@media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --raised: #161b22; --line: #3d444d; --text: #f0f6fc; --dim: #9da7b3;
  --link: #79c0ff; --blue: #79c0ff; --yellow: #e3b341; --pink: #f778ba; --green: #56d364; --red: #ff8d85 } }
body { margin: 0 auto; padding: 1.5rem; max-width: 60rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem } h2 { margin: 0; font-size: 1.15rem } h3 { margin: 1rem 0 .25rem; font-size: .9rem }
a { color: var(--link) } ol { padding-left: 1.5rem } .facts { color: var(--dim); font-size: .85rem; margin: 0 }
section { margin: 1.25rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem }
section:target { border-color: var(--link) }
pre, details, section > div { margin: 0; font: .85rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
section > pre { margin-top: .75rem; padding: .25rem .75rem .75rem; background: var(--raised); border-radius: .25rem }
pre:empty { display: none } pre.message { margin: .5rem 0; padding: 0 1rem }
summary { cursor: pointer; list-style-position: outside } summary::marker { color: var(--dim) }
section > div, summary { margin-left: 1.1em }
details > pre { margin: .25rem 0 .5rem 1.1em; padding: .5rem .75rem; background: var(--raised); border-radius: .25rem }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
.bold { font-weight: 700 } .dim { color: var(--dim) } .blue { color: var(--blue) } .yellow { color: var(--yellow) }
.pink { color: var(--pink) } .green { color: var(--green) } .red { color: var(--red) }
`

// WebKitGTK 2.50 lacks both symbols, and `using` in a test compiles to code that needs them. The library does not change globals.
for (const name of ['dispose', 'asyncDispose']) {
  if (!(name in Symbol)) Object.defineProperty(Symbol, name, { value: Symbol.for(`Symbol.${name}`) })
}

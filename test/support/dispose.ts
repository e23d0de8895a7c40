// WebKitGTK 2.50 has neither, and `using` in a test compiles to code that asks for them. The library does not set them: its users' globals are theirs.
for (const name of ['dispose', 'asyncDispose']) {
  if (!(name in Symbol)) Object.defineProperty(Symbol, name, { value: Symbol.for(`Symbol.${name}`) })
}

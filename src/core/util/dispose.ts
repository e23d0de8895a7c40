/** The key of a method of `SymbolConstructor`; never if the TypeScript `lib` of the program does not declare it. */
type KnownSymbol<Name extends string> = SymbolConstructor extends { readonly [K in Name]: infer Key extends symbol } ? Key : never

/**
 * `AsyncDisposable` if the `lib` of the program that uses these types declares it, else an empty type: `["ES2023", "DOM"]` does not. At run
 * time the method is always there.
 */
export type AsyncDisposableIfKnown = { readonly [K in KnownSymbol<'asyncDispose'>]: () => Promise<void> }

/** `Disposable`, if the `lib` declares it. See {@link AsyncDisposableIfKnown}. */
export type DisposableIfKnown = { readonly [K in KnownSymbol<'dispose'>]: () => void }

/** WebKit lacks `Symbol.asyncDispose`; polyfills and compilers then use this registered symbol. */
const asyncDispose: symbol = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')

/** Makes an object `AsyncDisposable`, also in engines without `Symbol.asyncDispose`, where a class cannot declare the method. */
export function setAsyncDispose<T extends object>(object: T, dispose: () => Promise<unknown>): T & AsyncDisposableIfKnown {
  return Object.defineProperty(object, asyncDispose, { value: dispose }) as T & AsyncDisposableIfKnown
}

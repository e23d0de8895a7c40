/** WebKit lacks `Symbol.asyncDispose`; polyfills and compilers then use this registered symbol. */
const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')

/** Makes an object `AsyncDisposable`, also in engines without `Symbol.asyncDispose`, where a class cannot declare the method. */
export function setAsyncDispose<T extends object>(object: T, dispose: () => Promise<unknown>): T & AsyncDisposable {
  return Object.defineProperty(object, asyncDispose, { value: dispose }) as T & AsyncDisposable
}

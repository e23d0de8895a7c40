/** The API that workerd offers to tests only. */
declare module 'workerd:unsafe' {
  const unsafe: {
    /** Evicts an object as the platform does with an idle one, after its pending requests. */
    evict(stub: unknown, options: object): Promise<void>
  }
  export default unsafe
}

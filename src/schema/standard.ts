/**
 * What zod, valibot, arktype and many more have in common: Standard Schema v1 and, where the library can say its schemas as JSON
 * Schema (zod from 4.2, arktype from 2.1.28), Standard JSON Schema v1. Types alone, so that nobody's schemas depend on us, nor we on them.
 *
 * @see https://standardschema.dev
 *
 * @example
 * const schema: StandardSchema<{ city: string }> = z.object({ city: z.string() })
 */
export interface StandardSchema<In = unknown, Out = In> {
  readonly '~standard': {
    readonly version: 1
    /** The library's name, e.g. `zod`. */
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Out> | Promise<StandardResult<Out>>
    /** Never there at run time: carries the types. */
    readonly types?: { readonly input: In; readonly output: Out } | undefined
    /** Says the schema as JSON Schema; throws where it cannot. */
    readonly jsonSchema?:
      | { readonly input: (options: { readonly target: 'draft-2020-12' }) => Readonly<Record<string, unknown>> }
      | undefined
  }
}

/** What a library says of a value. */
export type StandardResult<Out> =
  | { readonly value: Out; readonly issues?: undefined }
  | {
      readonly issues: ReadonlyArray<{
        readonly message: string
        readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined
      }>
    }

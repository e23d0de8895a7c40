/**
 * A schema of zod, valibot, arktype or any other library that implements Standard Schema v1. Libraries that convert schemas to JSON
 * Schema (zod from 4.2, arktype from 2.1.28) also implement Standard JSON Schema v1. These are types only: neither side imports the other.
 *
 * @see https://standardschema.dev
 *
 * @example
 * const schema: StandardSchema<{ city: string }> = z.object({ city: z.string() })
 */
export interface StandardSchema<In = unknown, Out = In> {
  /** The interface that the specification defines. */
  readonly '~standard': {
    readonly version: 1
    /** The library's name, e.g. `zod`. */
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Out> | Promise<StandardResult<Out>>
    /** Absent at run time: it carries the types. */
    readonly types?: { readonly input: In; readonly output: Out } | undefined
    /** Converts the schema to JSON Schema. Throws if it cannot. */
    readonly jsonSchema?:
      | { readonly input: (options: { readonly target: 'draft-2020-12' }) => Readonly<Record<string, unknown>> }
      | undefined
  }
}

/** The result of a Standard Schema validation. */
export type StandardResult<Out> =
  | {
      /** The value as the schema returns it. */
      readonly value: Out
      readonly issues?: undefined
    }
  | {
      /** What is wrong; absent if the value is valid. */
      readonly issues: ReadonlyArray<{
        readonly message: string
        readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined
      }>
    }

import { ChaintapError } from '../core/errors.ts'

/** Creates the error for a message that has no valid role or form. */
export const invalidMessageError = (message: string): ChaintapError => new ChaintapError('invalid_message', message)

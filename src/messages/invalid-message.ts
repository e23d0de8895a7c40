import { ChaintapError } from '../core/errors.ts'
import type { Part, Role } from '../core/message.ts'

/** Creates the error for a message that has no valid role or form. */
export const invalidMessageError = (message: string): ChaintapError => new ChaintapError('invalid_message', message)

/** Creates the error for a part that a provider's format has no place for. */
export const unsupportedPartError = (format: string, part: Part, role: Role): ChaintapError => {
  const what = part.type === 'block' ? `block of the provider "${part.provider}"` : `part of type "${part.type}"`
  return invalidMessageError(`${format} has no form for a ${what} in a ${role} message. Leave it out, or say it as text.`)
}
